import { poseidon2Hash } from '@zkpassport/poseidon2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bigEndian, fromHex } from '#verifier/bytes.ts';
import {
  fieldFromBytes,
  fieldOrder,
  fieldToBytes,
  hiLo,
  isField,
  limbs,
  p2,
} from '#verifier/field.ts';
import { fieldTag } from '#verifier/tags.ts';

const field = fc.bigInt({ min: 0n, max: fieldOrder - 1n });

describe('p2', () => {
  test('T(node) is the tag without its zero byte, as an integer', () => {
    expect(fieldTag('node')).toBe(0x6166666964617669742f6e6f64652f7631n);
  });

  test('P2(node; 1, 2) and P2(value; 1 … 6) are the protocol’s', () => {
    expect(p2('node', 1n, 2n)).toBe(
      0x180da3bf3cf830699ab736ff2ef60e59cfb1810f7f5cd06f15bbcc1c0195c857n,
    );
    expect(p2('value', 1n, 2n, 3n, 4n, 5n, 6n)).toBe(
      0x184647837830cff007f6f1c362cc87f6311e3cf59d5726af8e5003a34855d704n,
    );
  });

  test('is poseidon2Hash of the tag and the inputs, for any number of them', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (inputs) => {
        expect(p2('leaf', ...inputs)).toBe(poseidon2Hash([fieldTag('leaf'), ...inputs]));
      }),
    );
  });

  test('the tag, the order, and the number of inputs all count', () => {
    const hashes = [
      p2('node', 1n, 2n),
      p2('leaf', 1n, 2n),
      p2('node', 2n, 1n),
      p2('node', 1n, 2n, 0n),
      p2('node', 1n),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('takes q − 1, refuses q and below 0', () => {
    expect(isField(p2('node', fieldOrder - 1n, 0n))).toBe(true);
    expect(() => p2('node', fieldOrder, 0n)).toThrow(RangeError);
    expect(() => p2('node', 0n, -1n)).toThrow(RangeError);
  });
});

describe('field bytes', () => {
  test('a field is 32 bytes, big-endian', () => {
    expect(fieldToBytes(0x0102n)).toEqual(fromHex(`${'00'.repeat(30)}0102`, 'test'));
  });

  test('bytes and back', () => {
    fc.assert(
      fc.property(field, (value) => {
        expect(fieldFromBytes(fieldToBytes(value), 'test')).toBe(value);
      }),
    );
  });

  test('q − 1 is read, q and all ones are refused and never reduced', () => {
    expect(fieldFromBytes(bigEndian(fieldOrder - 1n, 32), 'test')).toBe(fieldOrder - 1n);
    for (const bytes of [bigEndian(fieldOrder, 32), new Uint8Array(32).fill(0xff)]) {
      expect(() => fieldFromBytes(bytes, 'test')).toThrow(
        expect.objectContaining({ code: 'field-not-canonical' }),
      );
    }
    expect(() => fieldToBytes(fieldOrder)).toThrow(RangeError);
  });

  test.each([0, 31, 33])('%i bytes are refused', (length) => {
    expect(() => fieldFromBytes(new Uint8Array(length), 'test')).toThrow(
      expect.objectContaining({ code: 'length-wrong' }),
    );
  });
});

describe('limbs', () => {
  test('each 16 bytes in order, big-endian; hi, lo are those of 32 bytes', () => {
    const bytes = fromHex(`${'00'.repeat(15)}07${'ff'.repeat(16)}${'00'.repeat(16)}`, 'test');
    expect(limbs(bytes)).toEqual([7n, 2n ** 128n - 1n, 0n]);
    expect(hiLo(bytes.subarray(0, 32))).toEqual([7n, 2n ** 128n - 1n]);
    expect(limbs(new Uint8Array(0))).toEqual([]);
  });

  test('other lengths are a caller’s mistake', () => {
    expect(() => limbs(new Uint8Array(15))).toThrow(RangeError);
    expect(() => hiLo(new Uint8Array(48))).toThrow(RangeError);
  });
});
