import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bigEndian,
  compareBytes,
  concat,
  equalBytes,
  fromBase64,
  fromBigEndian,
  fromHex,
  fromUtf8,
  isZero,
  quote,
  Reader,
  toBase64,
  toHex,
  utf8,
  Writer,
} from '#verifier/bytes.ts';
import { codeOf } from './code-of.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
// Any code point but the surrogates.
const character = fc.nat(0x10f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
const someBytes = fc.uint8Array({ maxLength: 100 });

describe('UTF-8', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(fromUtf8(utf8(text), 'test')).toBe(text);
      }),
    );
  });

  test('keeps a byte order mark, so that what follows can refuse it', () => {
    expect(fromUtf8(bytes(0xef, 0xbb, 0xbf, 0x61), 'test')).toBe('\ufeffa');
  });

  test.each([
    ['a lone continuation byte', [0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s', (_, values) => {
    expect(codeOf(() => fromUtf8(bytes(...values), 'test'))).toBe('utf8-malformed');
    expect(codeOf(() => fromUtf8(bytes(0xe2, 0x82, 0xac), 'test'))).toBe(null);
  });
});

describe('concatenation and comparison', () => {
  test('concat joins copies', () => {
    const part = bytes(1, 2);
    const joined = concat(part, bytes(), bytes(3));
    part[0] = 9;
    expect(joined).toEqual(bytes(1, 2, 3));
    expect(concat()).toEqual(bytes());
  });

  test('equalBytes compares lengths and every byte', () => {
    expect(equalBytes(bytes(), bytes())).toBe(true);
    expect(equalBytes(bytes(1, 2), bytes(1, 2))).toBe(true);
    expect(equalBytes(bytes(1, 2), bytes(1, 3))).toBe(false);
    expect(equalBytes(bytes(1), bytes(1, 0))).toBe(false);
  });

  test('equalBytes notices each byte of a long text, wherever it lies in memory', () => {
    for (const length of [127, 128, 129, 131, 512]) {
      const memory = new Uint8Array(length + 4);
      for (const offset of [0, 1, 2, 3, 4]) {
        const a = new Uint8Array(length).map((_, i) => i);
        const b = memory.subarray(offset, offset + length);
        b.set(a);
        expect(equalBytes(a, b)).toBe(true);
        expect(equalBytes(b, a)).toBe(true);
        for (let i = 0; i < length; i++) {
          a[i] = (a[i] as number) ^ 0x80;
          if (equalBytes(a, b) || equalBytes(b, a)) expect.fail(`${length}, ${offset}: byte ${i}`);
          a[i] = (a[i] as number) ^ 0x80;
        }
      }
    }
  });

  test('compareBytes orders unsigned bytes, a prefix first', () => {
    const order = [bytes(), bytes(0), bytes(0, 0), bytes(0x7f), bytes(0x80), bytes(0xff, 0)];
    order.forEach((a, i) => {
      order.forEach((b, j) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j));
      });
    });
  });

  test('isZero', () => {
    expect(isZero(bytes())).toBe(true);
    expect(isZero(bytes(0, 1))).toBe(false);
  });
});

describe('hex', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(someBytes, (value) => {
        expect(toHex(value)).toMatch(/^[0-9a-f]*$/);
        expect(fromHex(toHex(value), 'test', value.length)).toEqual(value);
      }),
    );
  });

  test.each(['AB', 'aB', 'a', 'abc', '0xab', 'ab ', 'ab\n', ' ab', 'zz', '１２', 'a-'])(
    'refuses %j',
    (text) => {
      expect(codeOf(() => fromHex(text, 'test'))).toBe('hex-malformed');
      expect(codeOf(() => fromHex('ab', 'test'))).toBe(null);
    },
  );

  test('refuses another length than the format fixes', () => {
    expect(codeOf(() => fromHex('abcd', 'test', 2))).toBe(null);
    for (const text of ['', 'ab', 'abcdef']) {
      expect(codeOf(() => fromHex(text, 'test', 2))).toBe('hex-malformed');
    }
  });
});

describe('base64', () => {
  test.each([
    [[], ''],
    [[0x66], 'Zg=='],
    [[0x66, 0x6f], 'Zm8='],
    [[0x66, 0x6f, 0x6f], 'Zm9v'],
    [[0xfb, 0xef, 0xff], '++//'],
  ])('of %j is %j', (values, text) => {
    expect(toBase64(bytes(...values))).toBe(text);
    expect(fromBase64(text, 'test')).toEqual(bytes(...values));
  });

  test('round trip', () => {
    fc.assert(
      fc.property(someBytes, (value) => {
        expect(fromBase64(toBase64(value), 'test')).toEqual(value);
      }),
    );
  });

  test('whatever is accepted is the one canonical text', () => {
    const unit = fc.constantFrom(...'AQgwxyz019+/-_=');
    const quads = fc.string({ unit, maxLength: 3 }).map((text) => text.padEnd(4, '='));
    fc.assert(
      fc.property(fc.oneof(quads, fc.string({ unit, maxLength: 8 })), (text) => {
        if (codeOf(() => fromBase64(text, 'test')) === null) {
          expect(toBase64(fromBase64(text, 'test'))).toBe(text);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['unused bits after one byte', 'Zh=='],
    ['unused bits after two bytes', 'Zm9='],
    ['no padding', 'Zg'],
    ['too much padding', 'Zm9v===='],
    ['padding alone', '===='],
    ['three padding characters', 'Z==='],
    ['padding in the middle', 'Zg==Zg=='],
    ['URL alphabet', '--__'],
    ['a space', 'Zm 9'],
    ['a line feed at the end', 'Zm9v\n'],
    ['a line feed in place of padding', 'Zm9\n'],
    ['a character past Latin-1', 'Zm9é'],
  ])('refuses %s', (_, text) => {
    expect(codeOf(() => fromBase64(text, 'test'))).toBe('base64-malformed');
    expect(codeOf(() => fromBase64('Zg==', 'test'))).toBe(null);
  });

  test('takes 8 MiB without stalling', () => {
    const value = new Uint8Array(6 * 1024 * 1024).fill(0xa5);
    const start = performance.now();
    expect(equalBytes(fromBase64(toBase64(value), 'test'), value)).toBe(true);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('integers', () => {
  test('big-endian round trip', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(fromBigEndian(bigEndian(value, 8))).toBe(value);
      }),
    );
    expect(bigEndian(0x0102, 4)).toEqual(bytes(0, 0, 1, 2));
    expect(fromBigEndian(bytes())).toBe(0n);
  });

  test('a value that does not fit is the caller’s mistake', () => {
    expect(bigEndian(255, 1)).toEqual(bytes(255));
    expect(() => bigEndian(256, 1)).toThrow(RangeError);
    expect(() => bigEndian(-1, 1)).toThrow(RangeError);
    expect(() => bigEndian(0.5, 1)).toThrow(RangeError);
  });
});

describe('Reader', () => {
  const input = Uint8Array.from({ length: 40 }, (_, i) => i);

  test('reads in order, also from the middle of a buffer', () => {
    const reader = new Reader(input.subarray(1), 'thing');
    expect(reader.u8('a')).toBe(1);
    expect(reader.u16be('b')).toBe(0x0203);
    expect(reader.u32le('c')).toBe(0x07060504);
    expect(reader.u64le('d')).toBe(0x0f0e0d0c0b0a0908n);
    expect(reader.u64be('e')).toBe(0x1011121314151617n);
    expect(reader.bytes(2, 'f')).toEqual(bytes(0x18, 0x19));
    expect(reader.u16le('g')).toBe(0x1b1a);
    expect(reader.offset).toBe(27);
    expect(reader.left).toBe(12);
  });

  test('unsigned at the top', () => {
    const reader = new Reader(new Uint8Array(17).fill(0xff), 'thing');
    expect(reader.u8('a')).toBe(255);
    expect(reader.u16be('a')).toBe(0xffff);
    expect(reader.u16le('a')).toBe(0xffff);
    expect(reader.u32le('a')).toBe(0xffffffff);
    expect(reader.u64le('a')).toBe(2n ** 64n - 1n);
  });

  test('hands out copies', () => {
    const own = bytes(1, 2);
    const read = new Reader(own, 'thing').bytes(2, 'a');
    own[0] = 9;
    expect(read).toEqual(bytes(1, 2));
  });

  test.each([
    ['u8', 1, (reader: Reader) => reader.u8('SIZE')],
    ['u16be', 2, (reader: Reader) => reader.u16be('SIZE')],
    ['u16le', 2, (reader: Reader) => reader.u16le('SIZE')],
    ['u32le', 4, (reader: Reader) => reader.u32le('SIZE')],
    ['u64le', 8, (reader: Reader) => reader.u64le('SIZE')],
    ['u64be', 8, (reader: Reader) => reader.u64be('SIZE')],
    ['bytes', 3, (reader: Reader) => reader.bytes(3, 'SIZE')],
    ['zero', 3, (reader: Reader) => reader.zero(3, 'SIZE')],
  ] as const)('%s past the end names thing and field', (_, length, read) => {
    const short = new Uint8Array(length - 1);
    expect(codeOf(() => read(new Reader(short, 'thing')))).toBe('length-wrong');
    expect(() => read(new Reader(short, 'thing'))).toThrow(/^thing ends inside SIZE: /);
    expect(codeOf(() => read(new Reader(new Uint8Array(length), 'thing')))).toBe(null);
  });

  test('zero names the reserved range', () => {
    const reader = () => new Reader(bytes(7, 0, 0, 1), 'thing');
    const read = (length: number) => {
      const from = reader();
      from.u8('a');
      from.zero(length, 'pad');
    };
    expect(codeOf(() => read(2))).toBe(null);
    expect(codeOf(() => read(3))).toBe('reserved-not-zero');
    expect(() => read(3)).toThrow('thing: reserved bytes 0x1 to 0x3 (pad) are not zero');
  });

  test('end refuses bytes that are left', () => {
    const reader = new Reader(bytes(1), 'thing');
    expect(codeOf(() => reader.end())).toBe('length-wrong');
    reader.u8('a');
    expect(codeOf(() => reader.end())).toBe(null);
  });
});

describe('Writer', () => {
  test('mirrors Reader', () => {
    const writer = new Writer(20)
      .u8(1)
      .u16le(0xfffd)
      .u32le(0xfffffffe)
      .u64le(2n ** 64n - 1n);
    const written = writer
      .zero(2)
      .bytes(bytes(5, 6, 7), 3)
      .finish();
    const reader = new Reader(written, 'thing');
    expect(reader.u8('a')).toBe(1);
    expect(reader.u16le('a')).toBe(0xfffd);
    expect(reader.u32le('b')).toBe(0xfffffffe);
    expect(reader.u64le('c')).toBe(2n ** 64n - 1n);
    reader.zero(2, 'd');
    expect(reader.bytes(3, 'e')).toEqual(bytes(5, 6, 7));
    reader.end();
  });

  test('a wrong length is the caller’s mistake', () => {
    expect(() => new Writer(2).u8(1).finish()).toThrow(RangeError);
    expect(() => new Writer(1).u8(1).u8(1)).toThrow(RangeError);
    expect(() => new Writer(2).bytes(bytes(1), 2)).toThrow(RangeError);
    expect(new Writer(1).u8(1).finish()).toEqual(bytes(1));
  });
});

describe('quote', () => {
  test('shows short text as it is', () => {
    expect(quote('échö "x"')).toBe('"échö \\"x\\""');
  });

  test('cuts long text and says how long it was', () => {
    expect(quote('a'.repeat(40))).toBe(`"${'a'.repeat(40)}"`);
    expect(quote('a'.repeat(41))).toBe(`"${'a'.repeat(40)}… (41 characters)"`);
  });

  test('lets no control, direction or line-separator character through', () => {
    const hostile = '\u0000\n\u001b[2J\u007f\u009b\u200b\u202e\u2028\u2029\u2066\ufeff\ud800';
    expect(quote(hostile)).toMatch(/^[\x20-\x7e]*$/);
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 60 }), (text) => {
        expect(quote(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
