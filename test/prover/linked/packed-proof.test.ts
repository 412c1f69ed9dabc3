import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packProof, unpackProof } from '#prover/linked/packed-proof.ts';
import { proofLength } from '#prover/proof-file.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { fieldOrder, fieldToBytes } from '#verifier/field.ts';

const count = proofLength / 32;
const zeros = new Uint8Array(proofLength);

const proofs = fc
  .array(fc.oneof(fc.bigInt(0n, fieldOrder - 1n), fc.bigInt(0n, 2n ** 136n), fc.constant(0n)), {
    minLength: count,
    maxLength: count,
  })
  .map((elements) => concat(...elements.map(fieldToBytes)));

test('is read back as it was', () => {
  fc.assert(
    fc.property(proofs, (proof) => {
      expect(unpackProof(packProof(proof))).toEqual(proof);
    }),
    { numRuns: 20 },
  );
  expect(packProof(zeros)).toEqual(new Uint8Array(count));
  expect(unpackProof(packProof(zeros))).toEqual(zeros);
});

const first = (element: readonly number[]): Bytes =>
  concat(Uint8Array.from(element), packProof(zeros).subarray(1));

test.each<[string, Bytes, string | null]>([
  ['an element of one byte', first([1, 7]), null],
  ['an element of 32 bytes', first([32, 1, ...new Array(31).fill(0)]), null],
  ['a zero that is left out', first([1, 0]), 'value-out-of-range'],
  ['a zero before others', first([2, 0, 7]), 'value-out-of-range'],
  ['33 bytes', first([33, ...new Array(33).fill(1)]), 'value-out-of-range'],
  ['an element of q', first([32, ...fieldOrderBytes()]), 'field-not-canonical'],
  ['one byte more', concat(packProof(zeros), Uint8Array.of(0)), 'length-wrong'],
  ['one byte less', packProof(zeros).subarray(1), 'length-wrong'],
  ['no byte', new Uint8Array(), 'length-wrong'],
])('%s', (_, packed, code) => {
  if (code === null) expect(packProof(unpackProof(packed))).toEqual(packed);
  else expect(codeOf(() => unpackProof(packed))).toBe(code);
});

function fieldOrderBytes(): number[] {
  const digits = fieldOrder.toString(16).padStart(64, '0');
  return [...Buffer.from(digits, 'hex')];
}

test('of any bytes there is at most one proof', () => {
  fc.assert(
    fc.property(proofs, fc.nat(), fc.integer({ min: 1, max: 255 }), (proof, place, change) => {
      const packed = packProof(proof).slice();
      const at = place % packed.length;
      packed[at] = (packed[at] as number) ^ change;
      let read: Bytes;
      try {
        read = unpackProof(packed);
      } catch {
        return;
      }
      expect(packProof(read)).toEqual(packed);
      expect(read).not.toEqual(proof);
    }),
    { numRuns: 100 },
  );
});
