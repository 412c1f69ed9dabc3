import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import {
  anyOr,
  arrayOf,
  base64Bytes,
  bool,
  canonicalJson,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  text,
  unixTime,
  version,
} from '#verifier/json.ts';
import { codeOf } from './code-of.ts';

// Any code point but the surrogates.
const character = fc.nat(0x10f7ff).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));
const parse = (json: string) => parseJson(json, 'test');

describe('parseJson', () => {
  test('agrees with JSON.parse on everything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4, stringUnit: character }), fc.nat(3), (json, indent) => {
        const spaced = JSON.stringify(JSON.parse(json), null, indent);
        expect(canonicalJson(parse(` \t\r\n${spaced}\n`))).toBe(canonicalJson(JSON.parse(json)));
      }),
      { numRuns: 200 },
    );
  });

  test('accepts nothing that JSON.parse refuses, and throws nothing but a typed error', () => {
    const token = fc.constantFrom(
      ...'{}[]:,"\\0123456789-+.eEu \n\u0000',
      'true',
      'null',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const json = tokens.join('');
        const code = codeOf(() => parse(json));
        expect(code === null || code === 'json-malformed').toBe(true);
        if (code === null) expect(() => JSON.parse(json)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['nothing', ''],
    ['white space alone', ' \n'],
    ['a byte order mark', '\ufeff{}'],
    ['a no-break space', '\u00a01'],
    ['HTML', '<!doctype html><html></html>'],
    ['a NUL at the end', '{}\u0000'],
    ['a comment', '{/* */}'],
    ['a comma at an object’s end', '{"a":1,}'],
    ['a comma at an array’s end', '[1,]'],
    ['a comma at an array’s start', '[,1]'],
    ['a missing comma', '[1 2]'],
    ['a missing colon', '{"a" 1}'],
    ['a name without quotes', '{a:1}'],
    ['single quotes', "'a'"],
    ['an open object', '{"a":1'],
    ['an open string', '"a'],
    ['a string whose end is escaped', '"a\\"'],
    ['a wrong bracket', '[1}'],
    ['a bracket too many', '[]]'],
    ['a raw line feed in a string', '"a\nb"'],
    ['a raw NUL in a string', '"\u0000"'],
    ['an unknown escape', '"\\x41"'],
    ['a lone high surrogate', '"\ud800"'],
    ['an escaped lone high surrogate', '"\\ud800"'],
    ['an escaped lone low surrogate', '"\\udc00"'],
    ['surrogates in the wrong order', '"\\udc00\\ud800"'],
    ['a lone surrogate in a name', '{"\\ud800":1}'],
    ['a leading zero', '01'],
    ['a leading point', '.5'],
    ['a trailing point', '1.'],
    ['an empty exponent', '1e'],
    ['hexadecimal', '0x10'],
    ['a minus alone', '-'],
    ['NaN', 'NaN'],
    ['a number past the range', '1e400'],
    ['a number of 400 digits', '9'.repeat(400)],
    ['upper case', 'True'],
    ['a word too long', 'nullx'],
  ])('refuses %s', (_, json) => {
    expect(codeOf(() => parse(json))).toBe('json-malformed');
  });

  test.each([
    ['"\\ud83d\\ude00"', '\u{1f600}'],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"', '"\\/\b\f\n\r\tA'],
    ['"\\\\"', '\\'],
    ['"\u007f\u2028"', '\u007f\u2028'],
    ['-0.5e+2', -50],
    ['1e308', 1e308],
    ['1e-400', 0],
    ['[1,[true,false,null]]', [1, [true, false, null]]],
  ])('%s is %j', (json, value) => {
    expect(parse(json)).toEqual(value);
  });

  test.each([
    ['side by side', '{"a":1,"a":1}'],
    ['far apart and nested', '{"x":[{"a":1,"b":2,"a":3}]}'],
    ['by an escape', '{"a":1,"\\u0061":2}'],
    ['of the empty name', '{"":1,"":2}'],
    ['of __proto__', '{"__proto__":1,"__proto__":2}'],
  ])('refuses a repeated member %s', (_, json) => {
    expect(codeOf(() => parse(json))).toBe('json-malformed');
    expect(() => parse(json)).toThrow(/occurs twice/);
  });

  test('takes equal names in different objects, and names that differ in case', () => {
    expect(codeOf(() => parse('[{"a":{"a":1}},{"a":1,"A":2}]'))).toBe(null);
  });

  test('__proto__, constructor and toString are names like any other', () => {
    const compact = '{"__proto__":{"admin":true},"constructor":1,"toString":2}';
    for (const text of [compact, compact.replaceAll(',', ', ')]) {
      const found = parse(text) as object;
      expect(Object.keys(found)).toEqual(['__proto__', 'constructor', 'toString']);
      expect((found as { admin?: boolean }).admin).toBe(undefined);
      expect(({} as { admin?: boolean }).admin).toBe(undefined);
    }
  });

  test('a document has 200,000 commas at most', () => {
    const list = (commas: number) => `[${'{},'.repeat(commas)}{}]`;
    expect(codeOf(() => parse(list(200_000)))).toBe(null);
    expect(codeOf(() => parse(list(200_001)))).toBe('too-large');
    expect(codeOf(() => parse(list(2_800_000)))).toBe('too-large');
  });

  test('a value lies in 32 brackets at most', () => {
    const nested = (open: string, close: string, depth: number) =>
      `${open.repeat(depth)}1${close.repeat(depth)}`;
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      expect(codeOf(() => parse(nested(open, close, 32)))).toBe(null);
      expect(codeOf(() => parse(nested(open, close, 33)))).toBe('json-malformed');
    }
  });

  test.each([
    ['100,000 open arrays', '['.repeat(100_000)],
    ['100,000 arrays', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['100,000 open objects', '{"a":'.repeat(100_000)],
  ])('%s are a typed error and no stack overflow', (_, json) => {
    expect(codeOf(() => parse(json))).toBe('json-malformed');
  });

  const million = 1024 * 1024;
  test.each([
    ['a plain string', `"${'a'.repeat(8 * million)}"`, null],
    ['a string of escaped quotes', `"${'\\"'.repeat(4 * million)}"`, null],
    ['a string of backslashes', `"${'\\\\'.repeat(4 * million)}"`, null],
    ['an open string of backslashes', `"${'\\'.repeat(8 * million)}`, 'json-malformed'],
    ['white space', ' '.repeat(8 * million), 'json-malformed'],
    ['digits', '1'.repeat(8 * million), 'json-malformed'],
    ['a fraction', `0.${'1'.repeat(8 * million)}`, null],
  ])('8 MiB of %s are read without stalling', (_, json, code) => {
    const start = performance.now();
    expect(codeOf(() => parse(json))).toBe(code);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('the message says which document, what and where', () => {
    expect(() => parseJson('[1,x]', 'policy file')).toThrow(
      'policy file: expected a JSON value at character 3',
    );
  });
});

describe('canonicalJson (RFC 8785)', () => {
  test.each([
    ['{ "b" : 1, "a" : [ true , null ] }', '{"a":[true,null],"b":1}'],
    ['{"z":{"b":1,"a":2},"":0}', '{"":0,"z":{"a":2,"b":1}}'],
    ['{"10":1,"9":2,"a":3,"A":4}', '{"10":1,"9":2,"A":4,"a":3}'],
    // By UTF-16 code units U+1F600 (d83d de00) comes before U+FB33; by code points it would not.
    ['{"\\ufb33":1,"\\ud83d\\ude00":2,"\\u20ac":3}', '{"€":3,"\u{1f600}":2,"\ufb33":1}'],
    ['[1.0, 1e0, 100e-2, -0, 0.000001, 1e-7]', '[1,1,1,0,0.000001,1e-7]'],
    ['[1e21, 123456789012345680000, 1E+2, 4.50]', '[1e+21,123456789012345680000,100,4.5]'],
    ['"\\u0001\\b\\t\\n\\f\\r\\"\\\\\\/"', '"\\u0001\\b\\t\\n\\f\\r\\"\\\\/"'],
    ['"\\u00e9\\u007f\\u2028"', '"é\u007f\u2028"'],
    ['{"__proto__":1,"a":{}}', '{"__proto__":1,"a":{}}'],
    ['{}', '{}'],
  ])('%s is %s', (json, canonical) => {
    expect(canonicalJson(parse(json))).toBe(canonical);
  });

  test('the order of members does not count, and it is its own canonical form', () => {
    const members = fc.uniqueArray(fc.tuple(fc.string({ unit: character }), fc.jsonValue()), {
      selector: ([name]) => name,
      maxLength: 8,
    });
    fc.assert(
      fc.property(members, (entries) => {
        const canonical = canonicalJson(Object.fromEntries(entries));
        expect(canonicalJson(Object.fromEntries([...entries].reverse()))).toBe(canonical);
        expect(canonicalJson(parse(canonical))).toBe(canonical);
      }),
    );
  });

  test('a member that is undefined is left out, as by JSON.stringify', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });
});

describe('decoders', () => {
  const decode = <T>(decoder: Decoder<T>, json: string) => decoder(parse(json), 'doc');

  const shape = object({
    version: version(1, 2),
    name: text(/^[a-z]+$/, 'a small name'),
    list: arrayOf(integer(0, 9), { min: 1, max: 3 }),
    deep: object({ flag: bool }),
    note: optional(nullable(text(/^/, 'text'))),
  });
  const document = { version: 1, name: 'a', list: [0, 9], deep: { flag: true } };
  const decodeShape = (changed: object) => decode(shape, JSON.stringify(changed));

  test('exactly the declared members pass, optional ones with and without', () => {
    expect(decodeShape(document)).toEqual(document);
    expect(decodeShape({ ...document, note: null, version: 2 })).toEqual({
      ...document,
      note: null,
      version: 2,
    });
    expect(Object.hasOwn(decodeShape(document), 'note')).toBe(false);
  });

  test.each([
    ['an unknown member', { ...document, extra: 1 }, 'doc: unknown member "extra" (known: version'],
    ['another case', { ...document, Name: 'a' }, 'doc: unknown member "Name"'],
    ['an inherited name', { ...document, toString: 1 }, 'doc: unknown member "toString"'],
    ['a missing member', { ...document, name: undefined }, 'doc: member "name" is missing'],
    ['a nested unknown one', { ...document, deep: { flag: true, x: 1 } }, 'doc.deep: unknown'],
    ['a nested missing one', { ...document, deep: {} }, 'doc.deep: member "flag" is missing'],
    ['a wrong type', { ...document, name: 5 }, 'doc.name: expected a small name, got 5'],
    ['a wrong text', { ...document, name: 'A' }, 'doc.name: expected a small name, got "A"'],
    ['null for an object', { ...document, deep: null }, 'doc.deep: expected an object, got null'],
    ['an array for an object', { ...document, deep: [] }, 'doc.deep: expected an object, got an'],
    ['an object for an array', { ...document, list: {} }, 'doc.list: expected an array, got obj'],
    ['an empty list', { ...document, list: [] }, 'doc.list: expected 1 to 3 elements, got 0'],
    ['a list too long', { ...document, list: [1, 1, 1, 1] }, 'doc.list: expected 1 to 3 elements'],
    ['a wrong element', { ...document, list: [0, 10] }, 'doc.list[1]: expected an integer from 0'],
    ['a wrong optional member', { ...document, note: 1 }, 'doc.note: expected text, got 1'],
  ])('%s is refused with its path', (_, changed, message) => {
    expect(codeOf(() => decodeShape(changed))).toBe('json-shape');
    expect(() => decodeShape(changed)).toThrow(message);
  });

  test('__proto__ is an unknown member', () => {
    const hostile = JSON.stringify(document).replace('{', '{"__proto__":{"name":"a"},');
    expect(codeOf(() => decode(shape, hostile))).toBe('json-shape');
  });

  test('an unknown version is told before the members that it may have brought', () => {
    for (const value of [0, 3, 1.5, '1', null]) {
      const newer = { ...document, version: value, extra: 1 };
      expect(codeOf(() => decodeShape(newer))).toBe('version-unknown');
    }
    expect(codeOf(() => decodeShape({ ...document, version: 2 }))).toBe(null);
    expect(codeOf(() => decodeShape({ ...document, version: undefined }))).toBe('json-shape');
  });

  test.each<[string, Decoder<unknown>, string[], string[]]>([
    ['bool', bool, ['true', 'false'], ['0', '"true"', 'null']],
    [
      'oneOf',
      oneOf<'a' | 1 | null>('a', 1, null),
      ['"a"', '1', 'null'],
      ['"b"', '"1"', '0', '[]', '{}'],
    ],
    ['integer', integer(1, 9), ['1', '9', '1.0'], ['0', '10', '1.5', '"1"', 'null', '1e300']],
    ['unixTime', unixTime, ['0', '9007199254740991'], ['-1', '9007199254740992', '0.5', '"0"']],
    ['nullable', nullable(bool), ['null', 'true'], ['0', '"null"']],
    ['anyOr', anyOr(bool), ['"any"', 'true'], ['"ANY"', 'null', '"*"']],
    ['text', text(/^a$/, 'a'), ['"a"'], ['"a\\n"', '["a"]', 'null']],
  ])('%s', (_, decoder, accepted, refused) => {
    for (const json of accepted) expect(codeOf(() => decode(decoder, json))).toBe(null);
    for (const json of refused) expect(codeOf(() => decode(decoder, json))).toBe('json-shape');
  });

  test('hexBytes and base64Bytes decode, and say whether type or text is wrong', () => {
    expect(decode(hexBytes(2), '"00ff"')).toEqual(Uint8Array.of(0, 255));
    expect(codeOf(() => decode(hexBytes(2), '"00FF"'))).toBe('hex-malformed');
    expect(codeOf(() => decode(hexBytes(2), '"00"'))).toBe('hex-malformed');
    expect(codeOf(() => decode(hexBytes(2), '255'))).toBe('json-shape');
    expect(decode(base64Bytes, '"YWI="')).toEqual(utf8('ab'));
    expect(codeOf(() => decode(base64Bytes, '"YWI"'))).toBe('base64-malformed');
    expect(codeOf(() => decode(base64Bytes, 'null'))).toBe('json-shape');
  });
});
