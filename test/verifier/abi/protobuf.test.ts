import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeMessage, type MessageShape, parseMessage } from '#verifier/abi/protobuf.ts';
import { type Bytes, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import type { ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';

const shape = {
  small: [1, 'uint32'],
  text: [2, 'bytes'],
  large: [3, 'uint64'],
  many: [4, 'repeated'],
  far: [1000, 'bytes'],
} as const satisfies MessageShape;
const empty = { small: 0, text: null, large: 0n, many: [], far: null };

const read = (hex: string) => parseMessage(fromHex(hex, 'test'), shape, 'test');

describe('a message', () => {
  test('has the wire form of the specification’s own examples', () => {
    // protobuf.dev, "Encoding": field 1 = 150; field 2 = "testing".
    expect(read('089601')).toEqual({ ...empty, small: 150 });
    expect(read('120774657374696e67')).toEqual({ ...empty, text: utf8('testing') });
    expect(toHex(encodeMessage(shape, { ...empty, small: 150 }))).toBe('089601');
    expect(toHex(encodeMessage(shape, { ...empty, text: utf8('testing') }))).toBe(
      '120774657374696e67',
    );
  });

  test('may be empty, in any order, with zero written out', () => {
    expect(read('')).toEqual(empty);
    expect(read('12000801')).toEqual({ ...empty, small: 1, text: new Uint8Array() });
    expect(read('0800')).toEqual(empty);
  });

  test('keeps each occurrence of a repeated field, in order', () => {
    expect(read('2201aa220022 01bb'.replace(/ /g, '')).many.map(toHex)).toEqual(['aa', '', 'bb']);
  });

  test('holds the largest numbers of its types', () => {
    expect(read(`08${'ff'.repeat(4)}0f`).small).toBe(0xffffffff);
    expect(read(`18${'ff'.repeat(9)}01`).large).toBe(0xffffffffffffffffn);
  });

  test('survives a round trip', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const message = fc.record({
      small: fc.nat(0xffffffff),
      text: fc.option(bytes),
      large: fc.bigInt(0n, 0xffffffffffffffffn),
      many: fc.array(bytes, { maxLength: 4 }),
      far: fc.option(bytes),
    });
    fc.assert(
      fc.property(message, (value) => {
        const encoded = encodeMessage(shape, value);
        expect(parseMessage(encoded, shape, 'test')).toEqual(value);
      }),
    );
  });

  test('any bytes are parsed or refused, never anything else', () => {
    const near = fc.uint8Array({ maxLength: 40, max: 40 });
    fc.assert(
      fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 40 })), (bytes: Bytes) => {
        expect([null, 'length-wrong', 'protobuf-malformed', 'value-out-of-range']).toContain(
          codeOf(() => parseMessage(bytes, shape, 'test')),
        );
      }),
    );
  });
});

describe('a message is refused', () => {
  const cases: [string, string, ErrorCode | null][] = [
    ['no: one byte of varint', '0801', null],
    ['with a varint that is not minimal', '088100', 'protobuf-malformed'],
    ['with a zero that is not minimal', '088000', 'protobuf-malformed'],
    ['with a field key that is not minimal', '888001', 'protobuf-malformed'],
    ['with a length that is not minimal', '128000', 'protobuf-malformed'],
    ['with a varint of 11 bytes', `18${'80'.repeat(10)}01`, 'protobuf-malformed'],
    ['with a number over 64 bits', `18${'ff'.repeat(9)}02`, 'value-out-of-range'],
    ['with a number over 32 bits', `08${'80'.repeat(4)}10`, 'value-out-of-range'],
    ['that ends inside a varint', '0880', 'length-wrong'],
    ['that ends before a value', '08', 'length-wrong'],
    ['that ends inside a value', '120274', 'length-wrong'],
    ['with a length past the end of any buffer', '12ffffffff0f', 'length-wrong'],
    ['with an unknown field', '2801', 'protobuf-malformed'],
    ['with field 0', '0001', 'protobuf-malformed'],
    ['with a field twice', '08010801', 'protobuf-malformed'],
    ['with bytes twice', '12001200', 'protobuf-malformed'],
    ['with a group', '0b0c', 'protobuf-malformed'],
    ['with 32 bits of fixed length', '0d00000000', 'protobuf-malformed'],
    ['with 64 bits of fixed length', '190000000000000000', 'protobuf-malformed'],
    ['with bytes for a number', '0a00', 'protobuf-malformed'],
    ['with a number for bytes', '1001', 'protobuf-malformed'],
  ];
  test.each(cases)('%s', (_, hex, code) => {
    expect(codeOf(() => read(hex))).toBe(code);
  });

  test('by the encoder, for what does not fit', () => {
    expect(() => encodeMessage(shape, { ...empty, small: 2 ** 32 })).toThrow(RangeError);
    expect(() => encodeMessage(shape, { ...empty, small: -1 })).toThrow(RangeError);
    expect(() => encodeMessage(shape, { ...empty, large: 1n << 64n })).toThrow(RangeError);
  });
});
