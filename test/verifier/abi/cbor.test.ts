import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CborValue, encodeCbor, parseCbor } from '#verifier/abi/cbor.ts';
import { fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError, type ErrorCode } from '#verifier/errors.ts';
import { codeOf } from '../code-of.ts';

const read = (hex: string) => parseCbor(fromHex(hex, 'test'), 'test');
const nested = (depth: number) => `${'81'.repeat(depth)}00`;

/** RFC 8949, appendix A, those of this form. */
const examples: [string, CborValue][] = [
  ['00', 0],
  ['01', 1],
  ['17', 23],
  ['1818', 24],
  ['1864', 100],
  ['1903e8', 1000],
  ['1a000f4240', 1000000],
  ['1b000000e8d4a51000', 1000000000000],
  ['20', -1],
  ['29', -10],
  ['3863', -100],
  ['3903e7', -1000],
  ['f4', false],
  ['f5', true],
  ['f6', null],
  ['c11a514b67b0', { tag: 1, value: 1363896240 }],
  ['d74401020304', { tag: 23, value: Uint8Array.of(1, 2, 3, 4) }],
  ['40', new Uint8Array()],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['62225c', '"\\'],
  ['62c3bc', 'ü'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
  ['a0', new Map()],
  [
    'a201020304',
    new Map([
      [1, 2],
      [3, 4],
    ]),
  ],
  [
    'a26161016162820203',
    new Map<string, CborValue>([
      ['a', 1],
      ['b', [2, 3]],
    ]),
  ],
  [
    '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
    Array.from({ length: 25 }, (_, i) => i + 1),
  ],
];

test.for(examples)('%s of RFC 8949 is written and read', ([hex, value]) => {
  expect(toHex(encodeCbor(value))).toBe(hex);
  expect(read(hex)).toEqual(value);
});

test('keys are sorted by their bytes, as RFC 8949, 4.2.1 does', () => {
  const keys = ['aa', 'z', -1, 100, 10];
  const map = new Map<number | string, CborValue>(keys.map((key) => [key, 0]));
  expect(toHex(encodeCbor(map))).toBe('a50a00186400200061 7a00 62616100'.replace(/ /g, ''));
});

describe('one value has one spelling', () => {
  test.for<[string, string, string, ErrorCode]>([
    ['a number in one byte more', '17', '1817', 'cbor-malformed'],
    ['a number in two bytes more', '1818', '190018', 'cbor-malformed'],
    ['a number in four bytes more', '190100', '1a00000100', 'cbor-malformed'],
    ['a number in eight bytes more', '1a00010000', '1b0000000000010000', 'cbor-malformed'],
    ['a length in one byte more', '4101', '580101', 'cbor-malformed'],
    ['an indefinite length', '820102', '9f0102ff', 'cbor-malformed'],
    ['text in chunks', '6161', '7f6161ff', 'cbor-malformed'],
    ['keys that descend', 'a201020304', 'a203040102', 'cbor-malformed'],
    ['a key that occurs twice', 'a201020302', 'a201020102', 'cbor-malformed'],
    ['a key that is an array', 'a10102', 'a1800 2'.replace(' ', ''), 'cbor-malformed'],
    ['a float', '01', 'f93c00', 'cbor-malformed'],
    ['undefined', 'f6', 'f7', 'cbor-malformed'],
    ['a simple value in two bytes', 'f6', 'f820', 'cbor-malformed'],
    ['a reserved head', '1818', '1c', 'cbor-malformed'],
    ['text that is not UTF-8', '6161', '61ff', 'utf8-malformed'],
    ['bytes after the end', '01', '0101', 'length-wrong'],
    ['nothing', '00', '', 'length-wrong'],
    ['less than stated', '4101', '4201', 'length-wrong'],
    ['fewer elements than stated', '8101', '8201', 'length-wrong'],
    ['a huge array that is not there', '80', '9b001fffffffffffff', 'length-wrong'],
    ['a huge text that is not there', '60', '7b001fffffffffffff', 'length-wrong'],
    ['2^53', '1b001fffffffffffff', '1b0020000000000000', 'value-out-of-range'],
    ['-2^53', '3b001ffffffffffffe', '3b001fffffffffffff', 'value-out-of-range'],
    ['17 arrays in each other', nested(16), nested(17), 'cbor-malformed'],
  ])('%s', ([, good, bad, code]) => {
    expect(codeOf(() => read(good))).toBeNull();
    expect(codeOf(() => read(bad))).toBe(code);
  });

  test('no depth of anything is more than a refusal', () => {
    for (const head of ['81', 'a1', 'a100', 'a16161', 'c1', 'bf', 'bf00']) {
      const bytes = fromHex(head.repeat(100_000), 'test');
      for (const maps of ['sorted', 'any-order'] as const)
        expect(
          codeOf(() => parseCbor(bytes, 'test', maps)),
          head,
        ).toBe('cbor-malformed');
    }
  });

  test('numbers reach to 2^53 - 1 either side of zero', () => {
    for (const value of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(parseCbor(encodeCbor(value), 'test')).toBe(value);
    }
  });
});

describe('maps in any order', () => {
  const readAny = (hex: string) => parseCbor(fromHex(hex, 'test'), 'test', 'any-order');

  test.for<[string, string, CborValue]>([
    [
      'sorted',
      'a201020304',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      'descending',
      'a203040102',
      new Map([
        [3, 4],
        [1, 2],
      ]),
    ],
    [
      'of indefinite length',
      'bf01020304ff',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ['of none', 'bfff', new Map()],
    ['in each other', 'bf616abf01f6ffff', new Map([['j', new Map([[1, null]])]])],
    ['in an array', '82bf0102ffa0', [new Map([[1, 2]]), new Map()]],
    [
      'a number and its text',
      'a2010061 3100'.replace(' ', ''),
      new Map<number | string, CborValue>([
        [1, 0],
        ['1', 0],
      ]),
    ],
  ])('%s', ([, hex, value]) => {
    expect(readAny(hex)).toEqual(value);
  });

  test('are read as such only where that was asked for', () => {
    for (const hex of ['a203040102', 'bf0102ff']) {
      expect(codeOf(() => readAny(hex))).toBeNull();
      expect(codeOf(() => read(hex))).toBe('cbor-malformed');
    }
  });

  test.for<[string, string, string, ErrorCode]>([
    ['a key that occurs twice', 'a201020302', 'a201020102', 'cbor-malformed'],
    ['twice, and not side by side', 'bf010203040502ff', 'bf010203040102ff', 'cbor-malformed'],
    ['no end', 'bf0102ff', 'bf0102', 'length-wrong'],
    ['a break for a value', 'bf01f6ff', 'bf01ff', 'cbor-malformed'],
    ['a break in a map of stated length', 'a10102', 'a1ff', 'cbor-malformed'],
    ['a break in an array', '8100', '81ff', 'cbor-malformed'],
    ['a break alone', 'f6', 'ff', 'cbor-malformed'],
    ['a tagged break', 'c100', 'c1ff', 'cbor-malformed'],
    ['an array of indefinite length', '820102', '9f0102ff', 'cbor-malformed'],
    ['text in chunks', '6161', '7f6161ff', 'cbor-malformed'],
    ['bytes in chunks', '4161', '5f4161ff', 'cbor-malformed'],
    ['a tag without a number', 'c100', 'df00', 'cbor-malformed'],
    ['a number in one byte more', 'bf1700ff', 'bf181700ff', 'cbor-malformed'],
    [
      '17 maps in each other',
      `${'bf00'.repeat(16)}00${'ff'.repeat(16)}`,
      `${'bf00'.repeat(17)}00${'ff'.repeat(17)}`,
      'cbor-malformed',
    ],
    ['bytes after the end', 'bfff', 'bfff00', 'length-wrong'],
  ])('%s', ([, good, bad, code]) => {
    expect(codeOf(() => readAny(good))).toBeNull();
    expect(codeOf(() => readAny(bad))).toBe(code);
  });

  test('what is sorted reads the same both ways', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeCbor(value);
        expect(parseCbor(bytes, 'test', 'any-order')).toEqual(parseCbor(bytes, 'test'));
      }),
    );
  });
});

test('what has no such spelling is a mistake of the caller', () => {
  for (const value of [0.5, 2 ** 53, Number.NaN, '\ud800', { tag: -1, value: 0 }]) {
    expect(() => encodeCbor(value)).toThrow(RangeError);
  }
  let deep: CborValue = 0;
  for (let i = 0; i < 17; i++) deep = [deep];
  expect(() => encodeCbor(deep)).toThrow(RangeError);
});

const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.maxSafeInteger().map((number) => number + 0),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.oneof(fc.maxSafeInteger(), fc.string()), tie('value')), { maxLength: 5 })
      .map((entries) => new Map(entries)),
    fc.record({ tag: fc.maxSafeNat(), value: tie('value') }, { noNullPrototype: true }),
  ),
}));

test('every value survives a round trip', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const encoded = encodeCbor(value);
      const again = parseCbor(encoded, 'test');
      expect(toHex(encodeCbor(again))).toBe(toHex(encoded));
      expect(again).toEqual(value);
    }),
  );
});

/** Whether what is accepted is the very spelling that the writer gives; anything but an AttestationError is thrown on. */
function isCanonicalOrRefused(bytes: Uint8Array): boolean {
  try {
    return toHex(encodeCbor(parseCbor(bytes, 'test'))) === toHex(bytes);
  } catch (error) {
    if (error instanceof AttestationError) return true;
    throw error;
  }
}

test('random bytes are refused, or are the one spelling of a value', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), isCanonicalOrRefused), { numRuns: 2000 });
});

test('so is every spelling with a bit changed', () => {
  fc.assert(
    fc.property(anyValue, fc.nat(), fc.nat(7), (value, place, bit) => {
      const bytes = encodeCbor(value);
      const at = place % bytes.length;
      return isCanonicalOrRefused(bytes.with(at, (bytes[at] as number) ^ (1 << bit)));
    }),
    { numRuns: 1000 },
  );
});

test('a value keeps no hold of the bytes it was read from', () => {
  const bytes = encodeCbor([utf8('abc')]);
  const value = parseCbor(bytes, 'test');
  bytes.fill(0);
  expect(value).toEqual([utf8('abc')]);
});
