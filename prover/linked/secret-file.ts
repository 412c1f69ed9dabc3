/**
 * What Alice keeps of an attestation that she proved: the proofs about the machine, and the opening of C_att, which every proof
 * about a response needs. Until the proofs are made it also holds what they are made of; then that, the evidence with the machine's
 * name in it above all, is gone. Whoever reads the file can tell what the proofs hide.
 */
import { type Platform, platforms } from '#verifier/abi/bundle.ts';
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
import { type AttestationWork, encodeWork, field, workDecoder } from './attestation-work.ts';
import type { AttestationOpening } from './formulas.ts';
import type { LinkedProof } from './proof-file.ts';
import { encodeKey, type KeyDemand, keyShape, readKey } from './secret-key.ts';

export type { KeyDemand } from './secret-key.ts';

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

export type SecretFile = {
  /** When it was begun. */
  readonly made: UnixTime;
  readonly platform: Platform;
  readonly demanded: Demanded;
  readonly key: KeyDemand;
  readonly keyCommitment: Field;
  readonly opening: AttestationOpening;
  /** Null where the proof is still to be made; of a key that is shown there is none. */
  readonly proofs: { readonly key: LinkedProof | null; readonly machine: LinkedProof | null };
  /** What they are made of, of the same platform; null once they are there, and then alone. */
  readonly work: AttestationWork | null;
};

/** Whether every proof is made. */
export function isFinished({ key, proofs }: Pick<SecretFile, 'key' | 'proofs'>): boolean {
  return (proofs.key !== null || key.kind === 'shown') && proofs.machine !== null;
}

const proof = object({ artifact: hexBytes(32), proof: base64Bytes });

const members = object({
  version: version(2),
  made: unixTime,
  platform: oneOf(...platforms),
  demanded: object({
    accepted: field,
    levels: field,
    revoked: field,
    epochMin: unixTime,
    epochMax: unixTime,
    nonce: hexBytes(32),
  }),
  key: keyShape,
  keyCommitment: field,
  opening: object({ treeRoot: field, reference: field, epoch: unixTime, salt: field }),
  proofs: object({ key: nullable(proof), machine: nullable(proof) }),
  work: (value: unknown) => value,
});

type Members = Decoded<typeof members>;

/**
 * JSON: `version` 2 · `made` · `platform` sev-snp or tdx · `demanded` {`accepted`, `levels`, `revoked` (roots), `epochMin`, `epochMax`,
 * `nonce`} · `key` (secret-key.ts) · `keyCommitment` · `opening` {`treeRoot`, `reference`, `epoch`, `salt`} · `proofs` {`key`, `machine`:
 * {`artifact`, `proof`} or null} · `work` (attestation-work.ts) or null. Fields and hashes are hex, times seconds.
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
  const { made, platform, demanded, keyCommitment, opening } = found;
  const key = readKey(found.key, platform);
  const proofs = { key: readProof(found.proofs.key), machine: readProof(found.proofs.machine) };
  const work = nullable(workDecoder(platform))(found.work, 'secret file.work');
  const secret = { made, platform, demanded, key, keyCommitment, opening, proofs, work };
  refuseContradictions(secret);
  return secret;
}

function refuseContradictions({ key, proofs, work }: SecretFile): void {
  if (key.kind === 'shown' && proofs.key !== null) {
    throw shape('proofs.key: nothing is proved of a key that is shown');
  }
  const isWhole = isFinished({ key, proofs });
  if (isWhole !== (work === null)) {
    throw shape(`work: ${isWhole ? 'the proofs are made' : 'needed for the proofs to come'}`);
  }
  if (work === null) return;
  if ((work.vekSiblings !== null) !== (key.kind === 'member')) {
    throw shape('work.paths.vek: there for a key of a set, and for no other');
  }
  if (key.kind === 'shown' && key.salt !== work.keySalt) {
    throw shape('work.keySalt: another salt than that of the key that is shown');
  }
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
  const { made, platform, demanded, key, opening, proofs, work } = secret;
  return JSON.stringify({
    version: 2,
    made,
    platform,
    demanded: {
      accepted: hex(demanded.accepted),
      levels: hex(demanded.levels),
      revoked: hex(demanded.revoked),
      epochMin: demanded.epochMin,
      epochMax: demanded.epochMax,
      nonce: toHex(demanded.nonce),
    },
    key: encodeKey(key),
    keyCommitment: hex(secret.keyCommitment),
    opening: {
      treeRoot: hex(opening.treeRoot),
      reference: hex(opening.reference),
      epoch: opening.epoch,
      salt: hex(opening.salt),
    },
    proofs: { key: encodeProof(proofs.key), machine: encodeProof(proofs.machine) },
    work: work && encodeWork(work),
  });
}

function encodeProof(found: LinkedProof | null) {
  return found && { artifact: found.artifact, proof: toBase64(found.proof) };
}

function hex(value: Field): string {
  return toHex(fieldToBytes(value));
}
