/** That a set does not hold an element: which chip is not revoked. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { absenceInput } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { type Field, fieldOrder } from '#verifier/field.ts';
import { type Entry, goesRight, leafHash, nodeHash } from '#verifier/smt/proof.ts';
import { buildTree, type Tree } from '#verifier/smt/tree.ts';
import { setOf } from './scene.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('absence_vectors');
}, 300_000);

const wrongPath = 'the path does not lead from the leaf to the root';
const ownLeaf = "the leaf in the key's place is the key's own";
const elsewhere = "the other leaf is not in the key's place";
const filled = 'an empty place has a leaf';
const emptyLast = 'the last sibling of the path is empty';
const beyond = "a sibling beyond the path's depth is not zero";
const tooDeep = 'the path has more siblings than the circuit takes';

type Forgery = {
  root: Field;
  key: Field;
  other: Entry | null;
  siblings: readonly Field[];
  n?: bigint;
};

function refusal({ root, key, other, siblings, n }: Forgery) {
  const absence = absenceInput({ kind: 'absent', other }, siblings);
  const path = absence['path'] as { n: string; siblings: string[] };
  return refusalOf(circuit, {
    root: fieldInput(root),
    key: fieldInput(key),
    absence: { ...absence, path: { ...path, ...(n !== undefined && { n: fieldInput(n) }) } },
  });
}

function honest(tree: Tree, key: Field): Forgery {
  const { claim, proof } = tree.prove(key);
  if (claim.kind === 'present') throw new RangeError('the tree holds it');
  return { root: tree.root, key, other: claim.other, siblings: proof.siblings };
}

test('a key that a random tree has not is shown absent; one that it has is not', {
  timeout: 120_000,
}, async () => {
  const field = fc.bigInt({ min: 0n, max: fieldOrder - 1n });
  const keys = fc.uniqueArray(field, {
    minLength: 1,
    maxLength: 9,
    selector: (key) => BigInt.asUintN(64, key),
  });
  await fc.assert(
    fc.asyncProperty(keys, field, async (all, key) => {
      fc.pre(!all.includes(key));
      const tree = setOf(...all);
      expect(await refusal(honest(tree, key))).toBeUndefined();
      const held = all[0] as Field;
      const { siblings } = tree.prove(held).proof;
      const other = { key: held, value: 1n };
      expect(await refusal({ root: tree.root, key: held, other, siblings })).toBe(ownLeaf);
      expect([wrongPath, emptyLast]).toContain(
        await refusal({ root: tree.root, key: held, other: null, siblings }),
      );
    }),
    { numRuns: 10 },
  );
});

test('nothing is in the empty tree, and one leaf is in the place of every other key', async () => {
  expect(await refusal({ root: 0n, key: 5n, other: null, siblings: [] })).toBeUndefined();
  const root = leafHash(6n, 1n);
  const other = { key: 6n, value: 1n };
  expect(await refusal({ root, key: 5n, other, siblings: [] })).toBeUndefined();
  expect(await refusal({ root, key: 6n, other, siblings: [] })).toBe(ownLeaf);
});

test('a leaf 64 levels deep', async () => {
  const [low, high] = [3n, 3n + (1n << 63n)];
  const tree = setOf(low, high);
  const key = low + (1n << 64n);
  const right = honest(tree, key);
  expect(right.siblings).toHaveLength(64);
  expect(await refusal(right)).toBeUndefined();
  expect(await refusal({ ...right, other: { key: high, value: 1n } })).toBe(elsewhere);
});

describe('refused', () => {
  // 0b0 → nothing beside 0b01 and 0b11, which share their lowest bit.
  const tree = setOf(0b01n, 0b11n);
  const empty = honest(tree, 0b10n);
  const leaf = honest(tree, 0b101n);

  test('not the honest ones', async () => {
    expect(empty).toMatchObject({ other: null });
    expect(leaf).toMatchObject({ other: { key: 0b01n } });
    expect(await refusal(empty)).toBeUndefined();
    expect(await refusal(leaf)).toBeUndefined();
  });

  test.each<[string, Forgery, string]>([
    ['the key itself as the other', { ...leaf, other: { key: 0b101n, value: 1n } }, ownLeaf],
    [
      'the key itself, of the tree’s own',
      { ...leaf, key: 0b01n, other: { key: 0b01n, value: 1n } },
      ownLeaf,
    ],
    ['a leaf off the path', { ...leaf, other: { key: 0b11n, value: 1n } }, elsewhere],
    ['a leaf of another value', { ...leaf, other: { key: 0b01n, value: 2n } }, wrongPath],
    ['nothing where a leaf is', { ...leaf, other: null }, wrongPath],
    ['a leaf where nothing is', { ...empty, other: { key: 0b110n, value: 1n } }, wrongPath],
    ['another root', { ...empty, root: tree.root + 1n }, wrongPath],
    ['another sibling', { ...leaf, siblings: [leaf.siblings[0] as Field, 9n] }, wrongPath],
    ['a path that ends too early', { ...leaf, other: null, siblings: [] }, wrongPath],
    ['a node on the path taken for nothing', { ...leaf, siblings: [7n], other: null }, wrongPath],
    ['an empty last sibling', { ...empty, siblings: [...empty.siblings, 0n] }, emptyLast],
    ['a sibling that does not count', { ...leaf, n: 1n }, beyond],
    ['65 siblings', { ...leaf, n: 65n }, tooDeep],
    ['−1 siblings', { ...leaf, n: fieldOrder - 1n }, tooDeep],
  ])('%s', async (_, forgery, message) => {
    expect(await refusal(forgery)).toBe(message);
  });

  test.each(['other_key', 'other_value'])('an empty place with %s', async (part) => {
    const absence = absenceInput({ kind: 'absent', other: null }, empty.siblings);
    const inputs = { root: fieldInput(empty.root), key: fieldInput(empty.key) };
    expect(await refusalOf(circuit, { ...inputs, absence })).toBeUndefined();
    const wrong = { ...absence, [part]: fieldInput(1n) };
    expect(await refusalOf(circuit, { ...inputs, absence: wrong })).toBe(filled);
  });

  test('a path by another integer of the same key', async () => {
    // key + q is the same field and goes elsewhere: a tree along that path shows nothing.
    const key = 6n;
    const other = { key: 6n + 64n, value: 1n };
    const siblings = [11n, 12n, 13n, 14n];
    const rootAlong = (path: bigint) =>
      siblings.reduceRight(
        (hash, sibling, i) =>
          goesRight(path, i) ? nodeHash(sibling, hash) : nodeHash(hash, sibling),
        leafHash(other.key, other.value),
      );
    expect(await refusal({ root: rootAlong(key), key, other, siblings })).toBeUndefined();
    const alias = rootAlong(key + fieldOrder);
    expect(await refusal({ root: alias, key, other, siblings })).toBe(wrongPath);
  });

  test('the leaf of a revoked key, whatever its value', async () => {
    const revoked = buildTree([{ key: 9n, value: 0n }]);
    const other = { key: 9n, value: 0n };
    expect(await refusal({ root: revoked.root, key: 9n, other, siblings: [] })).toBe(ownLeaf);
  });
});
