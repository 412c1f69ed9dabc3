import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createReferenceScanner, hashOf } from '#agent/closure/references.ts';
import { utf8 } from '#verifier/bytes.ts';
import { digitsOf, storePath } from './fake-store.ts';

const hashes = ['0', '1', 'z'].map(digitsOf);

function found(text: string, pieces: readonly number[] = []): number[] {
  const scanner = createReferenceScanner(hashes);
  const bytes = utf8(text);
  let from = 0;
  for (const to of [...pieces, bytes.length]) {
    const before = Math.max(0, from - 31);
    scanner.scan(bytes.slice(before, to), from - before);
    from = to;
  }
  return scanner.take();
}

describe('references', () => {
  test.each<[string, string, number[]]>([
    ['a store path', `exec ${storePath('1')}/bin/x`, [1]],
    ['the digits alone, at both ends', hashes[2] as string, [2]],
    ['several, each once', `${hashes[2]} ${hashes[0]}${hashes[0]}`, [0, 2]],
    ['inside a longer run of digits', `abcd${hashes[1]}dcba`, [1]],
    ['one digit less', digitsOf('1').slice(1), []],
    ['another first digit', `2${digitsOf('1').slice(1)}2`, []],
    ['another last digit', `${digitsOf('1').slice(1)}2`, []],
    ['a letter that is no digit', `${'1'.repeat(16)}e${'1'.repeat(31)}`, []],
    ['upper case', digitsOf('Z'), []],
    ['nothing', '', []],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test('are forgotten once they are taken', () => {
    const scanner = createReferenceScanner(hashes);
    scanner.scan(utf8(digitsOf('0')), 0);
    expect([scanner.take(), scanner.take()]).toEqual([[0], []]);
  });

  test('are those that a plain search finds, however the bytes are cut', () => {
    const part = fc.oneof(
      fc.constantFrom(...hashes, '1'.repeat(20), '0'.repeat(40), ' ', '/nix/store/', 'e', 'ab12'),
      fc.string({ maxLength: 40 }),
    );
    const cut = fc.array(fc.nat(400), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), cut, (parts, cuts) => {
        const text = parts.join('');
        const { length } = utf8(text);
        const expected = hashes.flatMap((hash, index) => (text.includes(hash) ? [index] : []));
        const sorted = cuts.filter((at) => at <= length).sort((a, b) => a - b);
        expect(found(text, sorted)).toEqual(expected);
      }),
    );
  });
});

test('what is no hash cannot be looked for', () => {
  expect(() => createReferenceScanner([digitsOf('0')])).not.toThrow();
  expect(() => createReferenceScanner([digitsOf('e')])).toThrow(RangeError);
  expect(() => createReferenceScanner(['0'])).toThrow(RangeError);
  expect(hashOf(storePath('0'))).toBe(digitsOf('0'));
  expect(() => hashOf('/nix/store/x')).toThrow(RangeError);
});
