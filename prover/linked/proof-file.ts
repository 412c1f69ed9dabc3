/**
 * The file that Alice hands to Bob when the attestation stays hidden: two proofs about the machine, one about the response,
 * the commitments that link them, and what he cannot know himself. What it states he holds against his own demands.
 */
import { serviceName } from '#verifier/abi/service.ts';
import { type Bytes, fromUtf8, isZero, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  oneOf,
  parseJson,
  text,
  version,
} from '#verifier/json.ts';
import { type LinkedCircuitName, linkedCircuitNames } from '../circuit-names.ts';
import { packProof, unpackProof } from './packed-proof.ts';
import { maxTextLength } from './public-inputs.ts';

export const maxLinkedFileLength = 131_072;

const maxTime = 2 ** 53 - 1;

/** Of one circuit. */
export type LinkedProof = {
  /** SHA-256 of the circuit's bytecode, hex: names the release and decides nothing else. */
  readonly artifact: string;
  readonly proof: Bytes;
};

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
  /** tdx-pck: the PCK CA's certificate and when (seconds) the PCK's was valid; or vek-member. */
  readonly key:
    | {
        readonly kind: 'pck';
        readonly proof: LinkedProof;
        readonly issuer: Bytes;
        readonly at: number;
      }
    | { readonly kind: 'member'; readonly proof: LinkedProof };
  /** tdx-quote, and what it was asked: the checker finds each within his own demands, or refuses. */
  readonly quote: {
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

const proofMembers = object({
  circuit: oneOf(...linkedCircuitNames),
  artifact: hexBytes(32),
  proof: base64Bytes,
});
const time = integer(0, maxTime);

/** `12:SGVsbG8=`: five bytes from the twelfth on. Short, since there may be hundreds. */
const shownText = text(/^(0|[1-9]\d{0,2}):[^:]+$/, 'a place below 1000, a colon and base64');
const shownPart: Decoder<ShownPart> = (value, path) => {
  const [at = '', bytes = ''] = shownText(value, path).split(':');
  return { at: Number(at), bytes: base64Bytes(bytes, path) };
};

const members = object({
  version: version(2),
  commitments: object({ key: hexBytes(32), attestation: hexBytes(32) }),
  key: object({
    proof: proofMembers,
    issuer: nullable(base64Bytes),
    at: nullable(time),
  }),
  quote: object({
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
 * JSON: `version` 2 · `commitments` {`key`, `attestation`} · `key` {`proof`, `issuer` (base64 DER of the PCK CA's certificate), `at`},
 * the last two null for vek-member · `quote` {`proof`, `accepted`, `levels`, `revoked`, `epochMin`, `epochMax`, `nonce`} · `response`
 * {`proof`, `disclosed`: null for response, else {`service`, `nonce`, `time`, `requestHash`, `length`, `shown`: [`at:base64`]}}. Each
 * `proof` is {`circuit`, `artifact`, `proof` (base64, as packed-proof.ts)}. Fields and hashes are hex, bytes base64, times seconds.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `base64-malformed`, `length-wrong`, `value-out-of-range`,
 *   `field-not-canonical`
 */
export function parseLinkedProofFile(bytes: Bytes): LinkedProofFile {
  if (bytes.length > maxLinkedFileLength) {
    throw new AttestationError(
      'too-large',
      `proof file: ${bytes.length} bytes, at most ${maxLinkedFileLength} are allowed`,
    );
  }
  const found = members(parseJson(fromUtf8(bytes, 'proof file'), 'proof file'), 'proof file');
  const { quote } = found;
  return {
    keyCommitment: fieldFromBytes(found.commitments.key, 'proof file: commitments.key'),
    attestation: fieldFromBytes(
      found.commitments.attestation,
      'proof file: commitments.attestation',
    ),
    key: readKey(found.key),
    quote: {
      proof: readProof(quote.proof, 'quote', ['tdx-quote']),
      accepted: fieldFromBytes(quote.accepted, 'proof file: quote.accepted'),
      levels: fieldFromBytes(quote.levels, 'proof file: quote.levels'),
      revoked: fieldFromBytes(quote.revoked, 'proof file: quote.revoked'),
      epochMin: quote.epochMin,
      epochMax: quote.epochMax,
      nonce: quote.nonce,
    },
    response: readResponse(found.response),
  };
}

function readProof(
  { circuit, artifact, proof }: Members['key']['proof'],
  place: string,
  wanted: readonly LinkedCircuitName[],
): LinkedProof {
  if (!wanted.includes(circuit)) {
    throw shape(`${place}.proof.circuit: expected ${wanted.join(' or ')}, got ${circuit}`);
  }
  return { artifact: toHex(artifact), proof: unpackProof(proof) };
}

function readKey({ proof, issuer, at }: Members['key']): LinkedProofFile['key'] {
  const read = readProof(proof, 'key', ['tdx-pck', 'vek-member']);
  if (proof.circuit === 'vek-member') {
    if (issuer !== null || at !== null) throw shape('key: vek-member forbids issuer and at');
    return { kind: 'member', proof: read };
  }
  if (issuer === null || at === null) throw shape('key: tdx-pck needs issuer and at');
  return { kind: 'pck', proof: read, issuer, at };
}

function readResponse({ proof, disclosed }: Members['response']): LinkedProofFile['response'] {
  const read = readProof(proof, 'response', ['response', 'response-text']);
  if ((proof.circuit === 'response-text') !== (disclosed !== null)) {
    const says = disclosed === null ? 'needs' : 'forbids';
    throw shape(`response: ${proof.circuit} ${says} what is disclosed`);
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

function shape(problem: string): AttestationError {
  return new AttestationError('json-shape', `proof file: ${problem}`);
}

/** The mirror of `parseLinkedProofFile`. */
export function encodeLinkedProofFile(file: LinkedProofFile): string {
  const { keyCommitment, attestation, key, quote, response } = file;
  return JSON.stringify({
    version: 2,
    commitments: { key: hex(keyCommitment), attestation: hex(attestation) },
    key: {
      proof: encodeProof(key.kind === 'pck' ? 'tdx-pck' : 'vek-member', key.proof),
      issuer: key.kind === 'pck' ? toBase64(key.issuer) : null,
      at: key.kind === 'pck' ? key.at : null,
    },
    quote: {
      proof: encodeProof('tdx-quote', quote.proof),
      accepted: hex(quote.accepted),
      levels: hex(quote.levels),
      revoked: hex(quote.revoked),
      epochMin: quote.epochMin,
      epochMax: quote.epochMax,
      nonce: toHex(quote.nonce),
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

function encodeProof(circuit: LinkedCircuitName, { artifact, proof }: LinkedProof) {
  return { circuit, artifact, proof: toBase64(packProof(proof)) };
}

function hex(field: Field): string {
  return toHex(fieldToBytes(field));
}
