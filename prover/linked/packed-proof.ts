/**
 * A proof without the zeros that its elements begin with: Barretenberg writes the halves of a coordinate, 136 and 118 bits, with 32
 * bytes each. For each element one byte n, then its last n bytes, of which the first is not zero.
 */
import { type Bytes, concat, Reader } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { checkElements, proofLength } from '../proof-file.ts';

const elementLength = 32;

/** @param proof elements below q, 32 bytes each */
export function packProof(proof: Bytes): Bytes {
  const parts: Bytes[] = [];
  for (let at = 0; at < proof.length; at += elementLength) {
    const element = proof.subarray(at, at + elementLength);
    const zeros = element.findIndex((byte) => byte !== 0);
    const rest = zeros < 0 ? element.subarray(elementLength) : element.subarray(zeros);
    parts.push(Uint8Array.of(rest.length), rest);
  }
  return concat(...parts);
}

/**
 * The mirror of `packProof`: one proof has one packed form.
 * @throws AttestationError `length-wrong`, `value-out-of-range`, `field-not-canonical`
 */
export function unpackProof(packed: Bytes): Bytes {
  const reader = new Reader(packed, 'proof');
  const proof = new Uint8Array(proofLength);
  for (let at = 0; at < proofLength; at += elementLength) {
    const name = `element ${at / elementLength}`;
    const length = reader.u8(`length of ${name}`);
    if (length > elementLength) {
      throw outOfRange(`${name} of the proof has ${length} bytes, ${elementLength} at most`);
    }
    const rest = reader.bytes(length, name);
    if (rest[0] === 0)
      throw outOfRange(`${name} of the proof begins with a zero that it leaves out`);
    proof.set(rest, at + elementLength - length);
  }
  reader.end();
  checkElements(proof);
  return proof;
}

function outOfRange(problem: string): AttestationError {
  return new AttestationError('value-out-of-range', `proof file: ${problem}`);
}
