/** The reader of Wycheproof's cases: that it says of each what the file says, and takes no second encoding. */
import { existsSync } from 'node:fs';
import { p384 } from '@noble/curves/nist.js';
import { describe, expect, test } from 'vitest';
import { sharedPath } from '#test/shared.ts';
import { concat, fromHex, toHex } from '#verifier/bytes.ts';
import { fromDer, fromP1363, p384Cases } from './p384-cases.ts';

describe.skipIf(!existsSync(sharedPath('vectors/wycheproof')))(
  'Wycheproof (expected in ../shared/vectors/wycheproof)',
  () => {
    test('every case is counted, and each sixth is what another implementation says of it', () => {
      const wrong: string[] = [];
      const counts = { valid: 0, refused: 0, outOfRange: 0, excluded: 0 };
      for (const [place, found] of p384Cases().entries()) {
        const { id, digest, publicKey, signature, valid, excluded } = found;
        if (signature === null || publicKey === null) {
          if (valid) wrong.push(`${id}: valid, yet not read`);
          counts[excluded === null ? 'outOfRange' : 'excluded'] += 1;
          continue;
        }
        counts[valid ? 'valid' : 'refused'] += 1;
        if (place % 6 !== 0) continue;
        const key = concat(Uint8Array.of(4), publicKey);
        const isSigned = p384.verify(signature, digest, key, { prehash: false, lowS: false });
        if (isSigned !== valid) wrong.push(id);
      }
      expect(wrong).toEqual([]);
      expect(counts).toEqual({ valid: 193, refused: 68, outOfRange: 9, excluded: 10 });
    });
  },
);

describe('a signature', () => {
  const r = `7f${'11'.repeat(47)}`;
  const s = `80${'22'.repeat(47)}`;
  const der = (content: string) => {
    const length = (content.length / 2).toString(16).padStart(2, '0');
    return `30${content.length < 256 ? '' : '81'}${length}${content}`;
  };
  const long = der(`0230${r}023100${s}`);

  test('in DER is its two numbers, in P1363 itself', () => {
    const numbers = { kind: 'numbers', signature: fromHex(r + s, 'signature') };
    expect(fromDer(fromHex(long, 'DER'))).toEqual(numbers);
    expect(fromP1363(fromHex(r + s, 'P1363'))).toEqual(numbers);
    const found = fromDer(fromHex(der('020101020100'), 'DER'));
    expect(found.kind === 'numbers' && toHex(found.signature)).toBe(
      `${'01'.padStart(96, '0')}${'00'.repeat(48)}`,
    );
  });

  test.each([
    ['a negative r', der('0201ff020101'), 'out of range'],
    ['an s of 49 bytes', der(`02010102317f${'11'.repeat(48)}`), 'out of range'],
    ['a byte after it', `${der('020101020101')}00`, 'malformed'],
    ['a byte after s', der('02010102010100'), 'malformed'],
    ['no s', der('020101'), 'malformed'],
    ['an empty integer', der('0200020101'), 'malformed'],
    ['a zero in front', der('02020001020101'), 'malformed'],
    ['a sign in front', der('0202ff80020101'), 'malformed'],
    ['a set', der('020101020101').replace(/^30/, '31'), 'malformed'],
    ['a BIT STRING for r', der('030101020101'), 'malformed'],
    ['a length of two bytes for one', der('020101020101').replace(/^3006/, '308106'), 'malformed'],
    ['an indefinite length', '30800201010201010000', 'malformed'],
    ['an r of 130 bytes', der(`028182${'11'.repeat(130)}020101`), 'out of range'],
    ['a length of three bytes', long.replace(/^3065/, '30820065'), 'malformed'],
    ['its end missing', long.slice(0, -2), 'malformed'],
    ['nothing', '', 'malformed'],
    ['a tag alone', '30', 'malformed'],
  ])('in DER with %s is none', (_, hex, kind) => {
    expect(fromDer(fromHex(hex, 'DER')).kind).toBe(kind);
  });

  test.each([
    ['short', r, 'malformed'],
    ['of an odd length', `${r}${s}00`, 'malformed'],
    ['longer by zeros', `00${r}00${s}`, 'malformed'],
    ['of a longer r', `01${r}00${s}`, 'out of range'],
    ['of a longer s', `00${r}01${s}`, 'out of range'],
    ['empty', '', 'malformed'],
  ])('in P1363 that is %s is none', (_, hex, kind) => {
    expect(fromP1363(fromHex(hex, 'P1363')).kind).toBe(kind);
  });
});
