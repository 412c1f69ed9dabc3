/**
 * The file that Alice hands to Bob when the attestation stays hidden: proofs about the machine's key, the machine and the response,
 * the commitments that link them, and what he cannot know himself. What it states he holds against his own demands.
 */
import { serviceName } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, isZero, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldFromBytes } from '#verifier/field.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  parseJson,
  text,
  version,
} from '#verifier/json.ts';
import {
  encodeKey,
  keyMembers,
  type LinkedKey,
  type MachineCircuit,
  readKey,
} from './proof-file-key.ts';
import {
  circuitOf,
  encodeProof,
  hexOfField,
  type LinkedProof,
  proofMembers,
  readProof,
  shape,
  time,
} from './proof-file-parts.ts';
import { maxTextLength } from './public-inputs.ts';

export type { LinkedKey, MachineCircuit } from './proof-file-key.ts';
export type { LinkedProof } from './proof-file-parts.ts';

export const maxLinkedFileLength = 131_072;

/** Bytes of the body that are shown, from `at` on. */
export type ShownPart = { readonly at: number; readonly bytes: Bytes };

/** What response-text shows; null is hidden. */
export type Disclosure = {
  readonly clientNonce: Bytes | null;
  readonly time: number | null;
  readonly requestHash: Bytes | null;
  /** Of the body, 800 bytes at most. */
  readonly length: number;
  /** In order; neither empty nor touching nor overlapping. */
  readonly shown: readonly ShownPart[];
};

export type LinkedProofFile = {
  readonly keyCommitment: Field;
  readonly attestation: Field;
  /** `pck` goes with tdx-quote, `vek` with snp-report, the others with both. */
  readonly key: LinkedKey;
  /** What the machine was asked: the checker finds each within his own demands, or refuses. */
  readonly machine: {
    readonly circuit: MachineCircuit;
    readonly proof: LinkedProof;
    readonly accepted: Field;
    readonly levels: Field;
    readonly revoked: Field;
    readonly epochMin: number;
    readonly epochMax: number;
    readonly nonce: Bytes;
  };
  /** response, or response-text with what it shows. */
  readonly response:
    | { readonly kind: 'hash'; readonly proof: LinkedProof }
    | {
        readonly kind: 'text';
        readonly proof: LinkedProof;
        readonly service: string;
        readonly disclosure: Disclosure;
      };
};

/** `12:SGVsbG8=`: five bytes from the twelfth on. Short, since there may be hundreds. */
const shownText = text(/^(0|[1-9]\d{0,2}):[^:]+$/, 'a place below 1000, a colon and base64');
const shownPart: Decoder<ShownPart> = (value, path) => {
  const [at = '', bytes = ''] = shownText(value, path).split(':');
  return { at: Number(at), bytes: base64Bytes(bytes, path) };
};

const members = object({
  version: version(3),
  commitments: object({ key: hexBytes(32), attestation: hexBytes(32) }),
  key: keyMembers,
  machine: object({
    proof: proofMembers,
    accepted: hexBytes(32),
    levels: hexBytes(32),
    revoked: hexBytes(32),
    epochMin: time,
    epochMax: time,
    nonce: hexBytes(32),
  }),
  response: object({
    proof: proofMembers,
    disclosed: nullable(
      object({
        service: serviceName,
        nonce: nullable(hexBytes(32)),
        time: nullable(time),
        requestHash: nullable(hexBytes(32)),
        length: integer(0, maxTextLength),
        shown: arrayOf(shownPart, { max: maxTextLength }),
      }),
    ),
  }),
});

type Members = Decoded<typeof members>;

/**
 * JSON: `version` 3 · `commitments` {`key`, `attestation`} · `key` {`proof`, `certificates` (base64 DER), `at`, `salt`}, of which tdx-pck
 * has its CA's certificate and `at`, snp-vek the ASK's or ASVK's and the ARK's and `at`, vek-member none; without a proof (null) they
 * are the machine's own and those above it, and `salt`; what does not belong is null or empty · `machine` {`proof`, `accepted`, `levels`,
 * `revoked`, `epochMin`, `epochMax`, `nonce`} · `response` {`proof`, `disclosed`: null for response, else {`service`, `nonce`, `time`,
 * `requestHash`, `length`, `shown`: [`at:base64`]}}. Each `proof` is {`circuit`, `artifact`, `proof` (base64, as packed-proof.ts)}. Fields
 * and hashes are hex, bytes base64, times seconds.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `base64-malformed`, `length-wrong`, `value-out-of-range`, `field-not-canonical`
 */
export function parseLinkedProofFile(bytes: Bytes): LinkedProofFile {
  if (bytes.length > maxLinkedFileLength) {
    throw new AttestationError(
      'too-large',
      `proof file: ${bytes.length} bytes, at most ${maxLinkedFileLength} are allowed`,
    );
  }
  const found = members(parseJson(fromUtf8(bytes, 'proof file'), 'proof file'), 'proof file');
  const { commitments } = found;
  const machine = readMachine(found.machine);
  return {
    keyCommitment: fieldFromBytes(commitments.key, 'proof file: commitments.key'),
    attestation: fieldFromBytes(commitments.attestation, 'proof file: commitments.attestation'),
    key: readKey(found.key, machine.circuit),
    machine,
    response: readResponse(found.response),
  };
}

function readMachine(found: Members['machine']): LinkedProofFile['machine'] {
  const { epochMin, epochMax, nonce } = found;
  const circuit = circuitOf(found.proof, 'machine', ['tdx-quote', 'snp-report']);
  return {
    circuit,
    proof: readProof(found.proof),
    accepted: fieldFromBytes(found.accepted, 'proof file: machine.accepted'),
    levels: fieldFromBytes(found.levels, 'proof file: machine.levels'),
    revoked: fieldFromBytes(found.revoked, 'proof file: machine.revoked'),
    epochMin,
    epochMax,
    nonce,
  };
}

function readResponse({ proof, disclosed }: Members['response']): LinkedProofFile['response'] {
  const circuit = circuitOf(proof, 'response', ['response', 'response-text']);
  const read = readProof(proof);
  if ((circuit === 'response-text') !== (disclosed !== null)) {
    const says = disclosed === null ? 'needs' : 'forbids';
    throw shape(`response: ${circuit} ${says} what is disclosed`);
  }
  if (disclosed === null) return { kind: 'hash', proof: read };
  const { service, nonce, time, requestHash, length, shown } = disclosed;
  const isHidden = (bytes: Bytes | null) => bytes !== null && isZero(bytes);
  if (isHidden(nonce) || isHidden(requestHash) || time === 0) {
    throw shape('response.disclosed: zero stands for what is hidden; write null');
  }
  refuseOverlaps(shown, length);
  const disclosure = { clientNonce: nonce, time, requestHash, length, shown };
  return { kind: 'text', proof: read, service, disclosure };
}

/** One disclosure has one form. */
function refuseOverlaps(shown: readonly ShownPart[], length: number): void {
  let free = 0;
  for (const [index, { at, bytes }] of shown.entries()) {
    const end = at + bytes.length;
    if (at < free || bytes.length === 0 || end > length) {
      throw shape(`response.disclosed.shown[${index}]: empty, out of order, or behind the body`);
    }
    // Two that touch would be one.
    free = end + 1;
  }
}

/** The mirror of `parseLinkedProofFile`. */
export function encodeLinkedProofFile(file: LinkedProofFile): string {
  const { keyCommitment, attestation, key, machine, response } = file;
  return JSON.stringify({
    version: 3,
    commitments: { key: hexOfField(keyCommitment), attestation: hexOfField(attestation) },
    key: encodeKey(key),
    machine: {
      proof: encodeProof(machine.circuit, machine.proof),
      accepted: hexOfField(machine.accepted),
      levels: hexOfField(machine.levels),
      revoked: hexOfField(machine.revoked),
      epochMin: machine.epochMin,
      epochMax: machine.epochMax,
      nonce: toHex(machine.nonce),
    },
    response: {
      proof: encodeProof(response.kind === 'hash' ? 'response' : 'response-text', response.proof),
      disclosed: response.kind === 'hash' ? null : encodeDisclosure(response),
    },
  });
}

function encodeDisclosure({ service, disclosure }: LinkedProofFile['response'] & { kind: 'text' }) {
  const { clientNonce, time, requestHash, length, shown } = disclosure;
  return {
    service,
    nonce: clientNonce && toHex(clientNonce),
    time,
    requestHash: requestHash && toHex(requestHash),
    length,
    shown: shown.map(({ at, bytes }) => `${at}:${toBase64(bytes)}`),
  };
}
