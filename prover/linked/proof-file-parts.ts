/** What the parts of a file of linked proofs are made of. */
import { type Bytes, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import { base64Bytes, type Decoded, hexBytes, integer, object, oneOf } from '#verifier/json.ts';
import { type LinkedCircuitName, linkedCircuitNames } from '../circuit-names.ts';
import { packProof, unpackProof } from './packed-proof.ts';

/** Of one circuit. */
export type LinkedProof = {
  /** SHA-256 of the circuit's bytecode, hex: names the release and decides nothing else. */
  readonly artifact: string;
  readonly proof: Bytes;
};

export const proofMembers = object({
  circuit: oneOf(...linkedCircuitNames),
  artifact: hexBytes(32),
  proof: base64Bytes,
});
/** Seconds. */
export const time = integer(0, 2 ** 53 - 1);

export type ProofMembers = Decoded<typeof proofMembers>;

/** @throws AttestationError `json-shape` unless it is one of those */
export function circuitOf<C extends LinkedCircuitName>(
  { circuit }: ProofMembers,
  place: string,
  wanted: readonly C[],
): C {
  const found = wanted.find((one) => one === circuit);
  if (found !== undefined) return found;
  throw shape(`${place}.proof.circuit: expected ${wanted.join(' or ')}, got ${circuit}`);
}

/** @throws AttestationError as `unpackProof` */
export function readProof({ artifact, proof }: ProofMembers): LinkedProof {
  return { artifact: toHex(artifact), proof: unpackProof(proof) };
}

/** The mirror of `readProof`. */
export function encodeProof(circuit: LinkedCircuitName, { artifact, proof }: LinkedProof) {
  return { circuit, artifact, proof: toBase64(packProof(proof)) };
}

export function hexOfField(field: Field): string {
  return toHex(fieldToBytes(field));
}

export function shape(problem: string): AttestationError {
  return new AttestationError('json-shape', `proof file: ${problem}`);
}
