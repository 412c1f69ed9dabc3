/**
 * What Alice keeps of an attestation that she proved: the proofs about the machine, and the opening of C_att, which every proof
 * about a response needs. Until both proofs are made it also holds what they are made of; then that, the quote with the machine's
 * name in it above all, is gone. Whoever reads the file can tell what the proofs hide.
 */
import { type Bytes, fromUtf8, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import {
  base64Bytes,
  type Decoded,
  hexBytes,
  nullable,
  object,
  oneOf,
  parseJson,
  unixTime,
  version,
} from '#verifier/json.ts';
import type { UnixTime } from '#verifier/time.ts';
import { checkElements } from '../proof-file.ts';
import { type AttestationWork, encodeWork, field, workOf, workShape } from './attestation-work.ts';
import type { AttestationOpening } from './formulas.ts';
import type { LinkedProof } from './proof-file.ts';

export const maxSecretLength = 1024 * 1024;

/** What the checker asked for: roots of sets, and when and for whom the machine answered. */
export type Demanded = {
  readonly accepted: Field;
  readonly levels: Field;
  readonly revoked: Field;
  /** Seconds, inclusive. */
  readonly epochMin: UnixTime;
  readonly epochMax: UnixTime;
  /** The 32 bytes in freshness. */
  readonly nonce: Bytes;
};

/** How the machine's key is vouched for: by the PCK CA's certificate (DER), at a time; or by a set of keys. */
export type KeyDemand =
  | { readonly kind: 'pck'; readonly issuer: Bytes; readonly at: UnixTime }
  | { readonly kind: 'member'; readonly veks: Field };

export type SecretFile = {
  /** When it was begun. */
  readonly made: UnixTime;
  readonly demanded: Demanded;
  readonly key: KeyDemand;
  readonly keyCommitment: Field;
  readonly opening: AttestationOpening;
  /** Null where the proof is still to be made. */
  readonly proofs: { readonly key: LinkedProof | null; readonly quote: LinkedProof | null };
  /** What they are made of; null once both are there, and then alone. */
  readonly work: AttestationWork | null;
};

const proof = object({ artifact: hexBytes(32), proof: base64Bytes });

const members = object({
  version: version(1),
  made: unixTime,
  demanded: object({
    accepted: field,
    levels: field,
    revoked: field,
    epochMin: unixTime,
    epochMax: unixTime,
    nonce: hexBytes(32),
  }),
  key: object({
    kind: oneOf('pck', 'member'),
    issuer: nullable(base64Bytes),
    at: nullable(unixTime),
    veks: nullable(field),
  }),
  keyCommitment: field,
  opening: object({ treeRoot: field, reference: field, epoch: unixTime, salt: field }),
  proofs: object({ key: nullable(proof), quote: nullable(proof) }),
  work: nullable(workShape),
});

type Members = Decoded<typeof members>;

/**
 * JSON: `version` 1 · `made` · `demanded` {`accepted`, `levels`, `revoked` (roots), `epochMin`, `epochMax`, `nonce`} · `key` {`kind`
 * pck or member, `issuer` (base64 DER), `at`, `veks`: what is not of this kind is null} · `keyCommitment` · `opening` {`treeRoot`,
 * `reference`, `epoch`, `salt`} · `proofs` {`key`, `quote`: {`artifact`, `proof`} or null} · `work` or null. Fields and hashes are hex,
 * times seconds.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `base64-malformed`, `length-wrong`, `field-not-canonical`
 */
export function parseSecretFile(bytes: Bytes): SecretFile {
  if (bytes.length > maxSecretLength) {
    throw new AttestationError(
      'too-large',
      `secret file: ${bytes.length} bytes, at most ${maxSecretLength} are allowed`,
    );
  }
  const found = members(parseJson(fromUtf8(bytes, 'secret file'), 'secret file'), 'secret file');
  const { made, demanded, keyCommitment, opening } = found;
  const key = readKey(found.key);
  const proofs = { key: readProof(found.proofs.key), quote: readProof(found.proofs.quote) };
  const work = found.work && workOf(found.work);
  const isWhole = proofs.key !== null && proofs.quote !== null;
  if (isWhole !== (work === null)) {
    throw shape(`work: ${isWhole ? 'both proofs are made' : 'needed for the proofs to come'}`);
  }
  if (work !== null && (work.vekSiblings !== null) !== (key.kind === 'member')) {
    throw shape('work.paths.vek: there for a key of a set, and for no other');
  }
  return { made, demanded, key, keyCommitment, opening, proofs, work };
}

function readKey({ kind, issuer, at, veks }: Members['key']): KeyDemand {
  if (kind === 'pck' && issuer !== null && at !== null && veks === null) {
    return { kind, issuer, at };
  }
  if (kind === 'member' && issuer === null && at === null && veks !== null) return { kind, veks };
  throw shape('key: pck needs issuer and at alone, member needs veks alone');
}

function readProof(found: Members['proofs']['key']): LinkedProof | null {
  if (found === null) return null;
  checkElements(found.proof);
  return { artifact: toHex(found.artifact), proof: found.proof };
}

function shape(problem: string): AttestationError {
  return new AttestationError('json-shape', `secret file: ${problem}`);
}

/** The mirror of `parseSecretFile`. */
export function encodeSecretFile(secret: SecretFile): string {
  const { made, demanded, key, opening, proofs, work } = secret;
  return JSON.stringify({
    version: 1,
    made,
    demanded: {
      accepted: hex(demanded.accepted),
      levels: hex(demanded.levels),
      revoked: hex(demanded.revoked),
      epochMin: demanded.epochMin,
      epochMax: demanded.epochMax,
      nonce: toHex(demanded.nonce),
    },
    key: {
      kind: key.kind,
      issuer: key.kind === 'pck' ? toBase64(key.issuer) : null,
      at: key.kind === 'pck' ? key.at : null,
      veks: key.kind === 'member' ? hex(key.veks) : null,
    },
    keyCommitment: hex(secret.keyCommitment),
    opening: {
      treeRoot: hex(opening.treeRoot),
      reference: hex(opening.reference),
      epoch: opening.epoch,
      salt: hex(opening.salt),
    },
    proofs: { key: encodeProof(proofs.key), quote: encodeProof(proofs.quote) },
    work: work && encodeWork(work),
  });
}

function encodeProof(found: LinkedProof | null) {
  return found && { artifact: found.artifact, proof: toBase64(found.proof) };
}

function hex(value: Field): string {
  return toHex(fieldToBytes(value));
}
