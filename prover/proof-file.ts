/**
 * The file that Alice hands to Bob. It holds the proof and what he cannot know himself; every
 * public input he rebuilds.
 */
import { type Bytes, fromUtf8, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import {
  base64Bytes,
  hexBytes,
  nullable,
  object,
  oneOf,
  parseJson,
  version,
} from '#verifier/json.ts';
import { type OpenCircuitName, openCircuitNames } from './circuit-names.ts';

/** 458 field elements, whatever the circuit. */
export const proofLength = 458 * 32;
export const maxProofFileLength = 65_536;

export type ProofFile = {
  readonly circuit: OpenCircuitName;
  /**
   * SHA-256 of the circuit's bytecode, hex: names the release it was made with and decides nothing
   * else.
   */
  readonly artifact: string;
  readonly proof: Bytes;
  /** x ‖ y, 64 bytes, for response-open-key; null for a circuit that hides the key. */
  readonly publicKey: Bytes | null;
};

const members = object({
  version: version(1),
  circuit: oneOf(...openCircuitNames),
  artifact: hexBytes(32),
  proof: base64Bytes,
  disclosed: nullable(object({ publicKey: hexBytes(64) })),
});

/**
 * JSON: `version` 1 · `circuit` · `artifact` (hex) · `proof` (base64, 458 field elements below q) ·
 * `disclosed` {`publicKey` (hex)} for response-open-key, else null.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`,
 * `version-unknown`, `hex-malformed`, `base64-malformed`, `length-wrong`, `field-not-canonical`
 */
export function parseProofFile(bytes: Bytes): ProofFile {
  if (bytes.length > maxProofFileLength) {
    throw new AttestationError(
      'too-large',
      `proof file: ${bytes.length} bytes, at most ${maxProofFileLength} are allowed`,
    );
  }
  const json = parseJson(fromUtf8(bytes, 'proof file'), 'proof file');
  const { circuit, artifact, proof, disclosed } = members(json, 'proof file');
  checkElements(proof);
  const wanted = circuit === 'response-open-key';
  if ((disclosed !== null) !== wanted) {
    throw new AttestationError(
      'json-shape',
      `proof file: circuit ${circuit} ${wanted ? 'needs' : 'forbids'} a disclosed public key`,
    );
  }
  const publicKey = disclosed?.publicKey ?? null;
  return { circuit, artifact: toHex(artifact), proof, publicKey };
}

/** One proof has one form: no element is q or more. */
export function checkElements(proof: Bytes): void {
  if (proof.length !== proofLength) {
    throw new AttestationError(
      'length-wrong',
      `proof file: a proof has ${proofLength} bytes, got ${proof.length}`,
    );
  }
  for (let at = 0; at < proof.length; at += 32) {
    fieldFromBytes(proof.subarray(at, at + 32), `element ${at / 32} of the proof`);
  }
}

/** The mirror of `parseProofFile`. */
export function encodeProofFile({ circuit, artifact, proof, publicKey }: ProofFile): string {
  const disclosed = publicKey && { publicKey: toHex(publicKey) };
  return JSON.stringify({ version: 1, circuit, artifact, proof: toBase64(proof), disclosed });
}
