import { describe, expect, test } from 'vitest';
import { fromNixBase32, parseNixHash } from '#agent/nix-hash.ts';
import { parseRegistration } from '#agent/registration.ts';
import { closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

/** SHA-256 of nothing and of `abc`, as `nix hash` writes them. */
const known = [
  {
    hex: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    base32: '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
    base64: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  },
  {
    hex: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    base32: '1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s',
    base64: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=',
  },
] as const;

const a = `/nix/store/${'0'.repeat(32)}-a`;
const b = `/nix/store/${'1'.repeat(32)}-b`;
const hashA = '11'.repeat(32);
const hashB = '22'.repeat(32);

function record(path: string, hash: string, references: readonly string[] = [], deriver = '') {
  return [path, hash, '120', deriver, String(references.length), ...references];
}

function file(...records: readonly string[][]): Uint8Array {
  return utf8(`${records.flat().join('\n')}\n`);
}

async function refusal(text: string | Uint8Array): Promise<{ code: unknown; message: string }> {
  const bytes = typeof text === 'string' ? utf8(text) : text;
  let message = '';
  const code = await codeOf(() => {
    try {
      parseRegistration(bytes);
    } catch (error) {
      message = (error as Error).message;
      throw error;
    }
  });
  return { code, message };
}

describe('a NAR hash', () => {
  test.each(known)('is read in each of its forms: $hex', ({ hex, base32, base64 }) => {
    for (const text of [hex, `sha256:${hex}`, `sha256:${base32}`, `sha256-${base64}`]) {
      expect(toHex(parseNixHash(text) ?? new Uint8Array())).toBe(hex);
    }
  });

  const [empty] = known;
  test.each([
    '',
    'sha256:',
    empty.base32,
    `${empty.hex}00`,
    empty.hex.toUpperCase(),
    `sha512:${empty.hex}`,
    `sha256:${empty.base32}0`,
    `sha256:e${empty.base32.slice(1)}`,
    // One bit beyond the 256.
    `sha256:2${empty.base32.slice(1)}`,
    `sha256-${empty.base64.slice(0, -1)}`,
    // Unused bits that are not zero.
    `sha256-${empty.base64.replace('FU=', 'FV=')}`,
    `sha256-${empty.base64.replace('+', '-')}`,
    ` ${empty.hex}`,
  ])('is refused: %j', (text) => {
    expect(parseNixHash(text)).toBeNull();
  });

  test('base32 of the wrong length is refused', () => {
    expect(fromNixBase32('00', 1)).toEqual(new Uint8Array(1));
    expect(fromNixBase32('0', 1)).toBeNull();
    expect(fromNixBase32('80', 1)).toBeNull();
  });
});

describe('a registration file', () => {
  const good = file(record(b, hashB, [a, b], `${a}.drv`), record(a, `sha256:${hashA}`));

  test('gives the closure of the test vectors', () => {
    const closure = parseRegistration(good);
    expect(closure.map(({ path }) => path)).toEqual([b, a]);
    expect(toHex(closureDigest(encodeManifest(closure)))).toBe(
      'b1604616dd845318644d8fddcae9d90ff44edcc5f6097de4a7618dc3befd3904',
    );
  });

  test('may lack its last line feed', () => {
    expect(parseRegistration(good.slice(0, -1))).toEqual(parseRegistration(good));
    const withReferences = file(record(a, hashA, [a]));
    expect(parseRegistration(withReferences.slice(0, -1))).toHaveLength(1);
  });

  const lines = (...changed: string[]) => changed.join('\n');
  test.each([
    ['empty', '', 'it is empty'],
    ['one line feed', '\n', 'line 1: expected a store path'],
    ['a path that is none', lines('/nix/store/x', hashA, '1', '', '0'), 'line 1: expected a store'],
    ['a hash of no known form', lines(a, 'md5:00', '1', '', '0'), 'line 2: expected a SHA-256'],
    ['a size that is none', lines(a, hashA, '-1', '', '0'), 'line 3: expected the NAR size'],
    ['a deriver that is none', lines(a, hashA, '1', 'x', '0'), 'line 4: expected a deriver'],
    ['a count that is none', lines(a, hashA, '1', '', 'x'), 'line 5: expected the number of ref'],
    [
      'a reference that is none',
      lines(a, hashA, '1', '', '1', 'x'),
      'line 6: expected reference 1',
    ],
    ['a huge count', lines(a, hashA, '1', '', '99999999'), 'line 6: the file ends where reference'],
    ['the end after the path', a, 'line 2: the file ends where a NAR hash should be'],
    ['the end after the hash', lines(a, hashA), 'line 3: the file ends'],
    ['the end after the size', lines(a, hashA, '1'), 'line 4: the file ends'],
    ['the end after the deriver', lines(a, hashA, '1', ''), 'line 4: the file ends'],
    ['a path twice', lines(...record(a, hashA), ...record(a, hashA)), 'already on line 1'],
    ['a line too many', lines(...record(a, hashA), '', ''), 'line 6: expected a store path'],
  ])('is refused: %s', async (_, text, problem) => {
    const { code, message } = await refusal(text);
    expect(message).toContain(problem);
    expect(code).toBe('closure-malformed');
  });

  test('is refused when it is not UTF-8', async () => {
    expect((await refusal(new Uint8Array([0xff, 0x0a]))).code).toBe('utf8-malformed');
  });
});
