import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClosurePath,
  closureDigest,
  encodeManifest,
  parseManifest,
  storePathPattern,
} from '#verifier/abi/closure.ts';
import { concat, fromUtf8, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';

const hash = (value: number) => new Uint8Array(32).fill(value);
const storePath = (digit: string, name: string) => `/nix/store/${digit.repeat(32)}-${name}`;
const line = (hex: string, path: string) => `${hex.repeat(32)} ${path}\n`;
const a = { path: storePath('0', 'a'), narHash: hash(0x11) };
const b = { path: storePath('1', 'b'), narHash: hash(0x22) };
const lineA = line('11', a.path);
const lineB = line('22', b.path);
const codeOfText = (text: string) => codeOf(() => parseManifest(utf8(text)));

const base32 = '0123456789abcdfghijklmnpqrsvwxyz';
const nameUnit = '0123456789ABCXYZabcxyz+-._?=';
const paths: fc.Arbitrary<ClosurePath[]> = fc.uniqueArray(
  fc.record({
    path: fc
      .tuple(
        fc.string({ unit: fc.constantFrom(...base32), minLength: 32, maxLength: 32 }),
        fc.string({ unit: fc.constantFrom(...nameUnit), minLength: 1, maxLength: 20 }),
      )
      .map(([digest, name]) => `/nix/store/${digest}-${name}`),
    narHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  }),
  { selector: ({ path }) => path, minLength: 1, maxLength: 20 },
);

test('the protocol’s vector', () => {
  const manifest = encodeManifest([a, b]);
  expect(fromUtf8(manifest, 'test')).toBe(lineA + lineB);
  expect(toHex(closureDigest(manifest))).toBe(
    'b1604616dd845318644d8fddcae9d90ff44edcc5f6097de4a7618dc3befd3904',
  );
});

describe('manifest', () => {
  test('round trip, whatever the order of the paths', () => {
    fc.assert(
      fc.property(paths, (list) => {
        const manifest = encodeManifest(list);
        expect(encodeManifest([...list].reverse())).toEqual(manifest);
        const parsed = parseManifest(manifest);
        expect(encodeManifest(parsed)).toEqual(manifest);
        expect(new Map(parsed.map(({ path, narHash }) => [path, narHash]))).toEqual(
          new Map(list.map(({ path, narHash }) => [path, narHash])),
        );
      }),
    );
  });

  test('sorted by the path’s bytes: not by its hash, by no locale, a prefix first', () => {
    const names = ['+', '-', '.', '0', '=', '?', 'B', '_', 'a', 'aa', 'b'];
    const list = names.map((name, i) => ({ path: storePath('0', name), narHash: hash(99 - i) }));
    const parsed = parseManifest(encodeManifest([...list].reverse()));
    expect(parsed.map(({ path }) => path)).toEqual(names.map((name) => storePath('0', name)));
  });

  test('a parsed path set out of order, repeated or empty is refused', () => {
    expect(codeOfText(lineA + lineB)).toBe(null);
    expect(codeOfText(lineB + lineA)).toBe('closure-malformed');
    expect(codeOfText(lineA + lineA)).toBe('closure-malformed');
    expect(codeOfText(lineA + line('22', a.path))).toBe('closure-malformed');
    expect(codeOfText('')).toBe('closure-malformed');
  });

  test('an encoder given a repetition or no path refuses too', () => {
    expect(codeOf(() => encodeManifest([a, b]))).toBe(null);
    expect(codeOf(() => encodeManifest([]))).toBe('closure-malformed');
    expect(codeOf(() => encodeManifest([a, a]))).toBe('closure-malformed');
    const other = { ...a, narHash: hash(0x33) };
    expect(codeOf(() => encodeManifest([a, b, other]))).toBe('closure-malformed');
    expect(codeOf(() => encodeManifest([{ ...a, path: '/bin/sh' }]))).toBe('closure-malformed');
  });

  test('a NAR hash of another length is the caller’s mistake', () => {
    expect(() => encodeManifest([{ ...a, narHash: new Uint8Array(31) }])).toThrow(RangeError);
  });

  test('two paths may have the same content', () => {
    expect(codeOfText(lineA + line('11', b.path))).toBe(null);
  });

  test.each([
    ['no line feed at the end', lineA.slice(0, -1)],
    ['a line feed alone', '\n'],
    ['an empty line at the end', `${lineA}\n`],
    ['an empty line between', `${lineA}\n${lineB}`],
    ['carriage returns', lineA.replace('\n', '\r\n')],
    ['two spaces', lineA.replace(' ', '  ')],
    ['a tab', lineA.replace(' ', '\t')],
    ['a space at the end', lineA.replace('\n', ' \n')],
    ['a space at the beginning', ` ${lineA}`],
    ['a byte order mark', `\ufeff${lineA}`],
    ['a third column', lineA.replace('\n', ' 120\n')],
    ['a path alone', `${a.path}\n`],
    ['a hash alone', `${'11'.repeat(32)}\n`],
    ['upper-case hex', line('AA', a.path)],
    ['Nix’s own hash text', lineA.replace('1111', 'sha256:1111')],
    ['a hash too short', lineA.slice(2)],
    ['a hash too long', `11${lineA}`],
  ])('refuses %s', (_, text) => {
    expect(codeOfText(text)).toBe('closure-malformed');
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(codeOf(() => parseManifest(concat(utf8(lineA), Uint8Array.of(0xff, 0x0a))))).toBe(
      'utf8-malformed',
    );
  });

  test('cut anywhere but between lines it is refused', () => {
    const manifest = encodeManifest([a, b]);
    for (let length = 0; length < manifest.length; length++) {
      const code = codeOf(() => parseManifest(manifest.subarray(0, length)));
      expect(code, `${length}`).toBe(length === lineA.length ? null : 'closure-malformed');
    }
  });

  test('each change changes the digest, or is refused', () => {
    const manifest = encodeManifest([a, b]);
    const digest = toHex(closureDigest(manifest));
    fc.assert(
      fc.property(fc.nat(manifest.length - 1), fc.nat(7), (at, bit) => {
        const changed = manifest.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const code = codeOf(() => parseManifest(changed));
        expect([null, 'closure-malformed', 'utf8-malformed']).toContain(code);
        expect(toHex(closureDigest(changed))).not.toBe(digest);
      }),
    );
  });
});

describe('store paths', () => {
  const digest = '0123456789abcdfghijklmnpqrsvwxyz';

  test.each([
    `/nix/store/${digest}-a`,
    `/nix/store/${digest}-${'a'.repeat(211)}`,
    `/nix/store/${digest}--`,
    `/nix/store/${digest}-A.b_c+d?e=f-9`,
    `/nix/store/${digest}-openssl-3.0.1`,
  ])('takes %s', (path) => {
    expect(storePathPattern.test(path)).toBe(true);
    expect(codeOfText(line('11', path))).toBe(null);
  });

  test.each([
    ['no name', `/nix/store/${digest}-`],
    ['no dash', `/nix/store/${digest}`],
    ['a name of 212 characters', `/nix/store/${digest}-${'a'.repeat(212)}`],
    ['a digest too short', `/nix/store/${digest.slice(1)}-a`],
    ['a digest too long', `/nix/store/0${digest}-a`],
    ...[...'eoutEA'].map((digit) => [
      `the digit ${digit}`,
      `/nix/store/${digit}${digest.slice(1)}-a`,
    ]),
    ...[...'/%~@:!,*é\u0000'].map((character) => [
      `${JSON.stringify(character)} in the name`,
      `/nix/store/${digest}-a${character}`,
    ]),
    ['a file below it', `/nix/store/${digest}-a/bin/sh`],
    ['another store', `/gnu/store/${digest}-a`],
    ['a store elsewhere', `/mnt/nix/store/${digest}-a`],
    ['a relative path', `nix/store/${digest}-a`],
    ['a doubled slash', `/nix//store/${digest}-a`],
  ])('refuses %s', (_, path = '') => {
    expect(storePathPattern.test(path)).toBe(false);
    expect(codeOfText(line('11', path))).toBe('closure-malformed');
    expect(codeOf(() => encodeManifest([{ ...a, path }]))).toBe('closure-malformed');
  });

  test('a line feed at the end of a path is refused', () => {
    expect(codeOf(() => encodeManifest([{ ...a, path: `${a.path}\n` }]))).toBe('closure-malformed');
  });
});
