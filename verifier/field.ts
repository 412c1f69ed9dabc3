/** BN254 field elements and the one hash over them. Its Noir twin takes the same inputs in the same order. */
import { permute } from '@zkpassport/poseidon2';
import { type Bytes, bigEndian, fromBigEndian, toHex } from './bytes.ts';
import { AttestationError } from './errors.ts';
import { type FieldTag, fieldTag } from './tags.ts';

/** An integer below `fieldOrder`. */
export type Field = bigint;

/** q, the order of BN254's scalar field. */
export const fieldOrder =
  21888242871839275222246405745257275088548364400416034343698204186575808495617n;

export function isField(value: bigint): boolean {
  return value >= 0n && value < fieldOrder;
}

/** A field is written as 32 bytes, big-endian. */
export function fieldToBytes(value: Field): Bytes {
  if (!isField(value)) throw new RangeError('not a BN254 field element');
  return bigEndian(value, 32);
}

/** @throws AttestationError `length-wrong`, or `field-not-canonical` for q or more: never reduced */
export function fieldFromBytes(bytes: Bytes, what: string): Field {
  if (bytes.length !== 32) {
    throw new AttestationError('length-wrong', `${what}: expected 32 bytes, got ${bytes.length}`);
  }
  const value = fromBigEndian(bytes);
  if (!isField(value)) {
    throw new AttestationError(
      'field-not-canonical',
      `${what}: 0x${toHex(bytes)} is not below the field order`,
    );
  }
  return value;
}

/** limbs(b) = each 16 bytes of b in order as one field (b is a multiple of 16 bytes). */
export function limbs(bytes: Bytes): Field[] {
  if (bytes.length % 16 !== 0) throw new RangeError('limbs need a multiple of 16 bytes');
  return Array.from({ length: bytes.length / 16 }, (_, i) =>
    fromBigEndian(bytes.subarray(16 * i, 16 * i + 16)),
  );
}

/** hi, lo = the two limbs of 32 bytes. */
export function hiLo(bytes: Bytes): [hi: Field, lo: Field] {
  if (bytes.length !== 32) throw new RangeError(`expected 32 bytes, got ${bytes.length}`);
  return limbs(bytes) as [Field, Field];
}

/**
 * P2(x; a1 … an), N = n + 1 inputs T(x), a1 … an. State (0, 0, 0, N·2^64); for each next three inputs (the last group
 * padded with zeros) add them to state[0..2], then apply Noir's poseidon2_permutation; result = state[0] after the
 * last permutation. N is fixed for each x.
 */
export function p2(name: FieldTag, ...inputs: readonly Field[]): Field {
  const all = [fieldTag(name), ...inputs];
  let state = [0n, 0n, 0n, BigInt(all.length) << 64n];
  for (let i = 0; i < all.length; i += 3) {
    for (let j = 0; j < 3; j++) {
      const input = all[i + j] ?? 0n;
      if (!isField(input)) throw new RangeError('not a BN254 field element');
      state[j] = ((state[j] as bigint) + input) % fieldOrder;
    }
    state = permute(state);
  }
  return state[0] as bigint;
}
