import { appendFileSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { refuseDifferences, verifyClosure } from '#agent/closure/verify.ts';
import { codeOf } from '../helpers.ts';
import { createFakeStore, listOf, storePath } from './fake-store.ts';

const [a, b, c] = ['0', '1', '2'].map((digit) => storePath(digit)) as [string, string, string];

function store() {
  const root = createFakeStore({ [a]: { file: 'a' }, [b]: 'b', '/nix/store/.links': {} });
  return { root, list: listOf(root, { [b]: [a], [a]: [] }) };
}

async function differencesIn(
  change: (root: string) => void,
  extent: 'exact' | 'listed' = 'exact',
): Promise<[string, string][]> {
  const { root, list } = store();
  change(root);
  const { differences } = await verifyClosure(list, { root, extent });
  return differences.map(({ kind, path }) => [kind, path]);
}

test('a store that holds what is listed has no difference', async () => {
  const { root, list } = store();
  const seen: unknown[] = [];
  const { differences, bytes } = await verifyClosure(list, {
    root,
    extent: 'exact',
    progress: ({ paths, total }) => seen.push([paths, total]),
  });
  expect(differences).toEqual([]);
  expect(bytes).toBe(list.reduce((sum, { narSize }) => sum + narSize, 0));
  expect(seen).toEqual([
    [1, 2],
    [2, 2],
  ]);
  refuseDifferences(differences);
});

describe('a difference is found:', () => {
  test.each<[string, (root: string) => void, [string, string][]]>([
    ['one byte more', (root) => appendFileSync(join(root, a, 'file'), 'x'), [['differs', a]]],
    ['a file more', (root) => writeFileSync(join(root, a, 'more'), ''), [['differs', a]]],
    ['a mode', (root) => chmodSync(join(root, b), 0o755), [['differs', b]]],
    ['a path less', (root) => rmSync(join(root, b)), [['missing', b]]],
    ['a path more', (root) => writeFileSync(join(root, c), ''), [['extra', c]]],
    [
      'a name that is no store path',
      (root) => writeFileSync(join(root, '/nix/store/evil'), ''),
      [['extra', '/nix/store/evil']],
    ],
    [
      'several, by path',
      (root) => {
        writeFileSync(join(root, c), '');
        writeFileSync(join(root, b), 'other');
        rmSync(join(root, a), { recursive: true });
      },
      [
        ['missing', a],
        ['differs', b],
        ['extra', c],
      ],
    ],
  ])('%s', async (_, change, expected) => {
    expect(await differencesIn(change)).toEqual(expected);
  });

  test('a path more is none of the list’s', async () => {
    expect(await differencesIn((root) => writeFileSync(join(root, c), ''), 'listed')).toEqual([]);
    expect(await differencesIn((root) => rmSync(join(root, b)), 'listed')).toEqual([
      ['missing', b],
    ]);
  });
});

test('the refusal names the first path and counts the others', async () => {
  const { root, list } = store();
  appendFileSync(join(root, b), 'x');
  rmSync(join(root, a), { recursive: true });
  const { differences } = await verifyClosure(list, { root, extent: 'exact' });
  expect(await codeOf(() => refuseDifferences(differences))).toBe('closure-differs');
  expect(() => refuseDifferences(differences)).toThrow(
    `${a} is listed and not in the store (and 1`,
  );
  expect(() => refuseDifferences(differences.slice(1))).toThrow(/^\/nix\/store\/1+-x differs/);
});

test('without a store nothing can be verified', async () => {
  const { root, list } = store();
  const other = { root: join(root, 'nothing'), extent: 'exact' } as const;
  expect(await codeOf(() => verifyClosure(list, other))).toBe('closure-unreadable');
});
