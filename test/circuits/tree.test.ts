import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput, toResponseOpenKeyInputs } from '#prover/circuit-inputs.ts';
import { serviceTree } from '#verifier/abi/service.ts';
import { type Field, fieldOrder } from '#verifier/field.ts';
import { goesRight, leafHash, nodeHash } from '#verifier/smt/proof.ts';
import { buildTree } from '#verifier/smt/tree.ts';
import { type Circuit, forTests, refusalOf, shipped } from './circuit.ts';
import { serviceOf, witnessOf } from './scene.ts';

let treeCheck: Circuit;
let inclusion: Circuit;
beforeAll(async () => {
  inclusion = await shipped('response-open-key');
  treeCheck = await forTests('tree_vectors');
});

const wrongPath = 'the path does not lead from the leaf to the root';

function refusal(root: Field, key: Field, value: Field, siblings: readonly Field[]) {
  const padded = Array.from({ length: 64 }, (_, i) => fieldInput(siblings[i] ?? 0n));
  return refusalOf(treeCheck, {
    root: fieldInput(root),
    key: fieldInput(key),
    value: fieldInput(value),
    path: { n: fieldInput(BigInt(siblings.length)), siblings: padded },
  });
}

const field = fc.bigInt({ min: 0n, max: fieldOrder - 1n });

test('every service of a random tree is proved', async () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,15}$/);
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(names, async (all) => {
      const tree = serviceTree(all.map(serviceOf));
      for (const one of all) {
        expect(await refusalOf(inclusion, toResponseOpenKeyInputs(witnessOf(one, tree)))).toBe(
          undefined,
        );
      }
    }),
    { numRuns: 8 },
  );
});

test('every key of a random tree is proved, whatever its value, and no other value', async () => {
  const entries = fc.uniqueArray(fc.record({ key: field, value: field }), {
    minLength: 1,
    maxLength: 12,
    selector: ({ key }) => BigInt.asUintN(64, key),
  });
  await fc.assert(
    fc.asyncProperty(entries, async (all) => {
      const tree = buildTree(all);
      for (const { key, value } of all) {
        const { siblings } = tree.prove(key).proof;
        expect(await refusal(tree.root, key, value, siblings)).toBeUndefined();
        const other = (value + 1n) % fieldOrder;
        expect(await refusal(tree.root, key, other, siblings)).toBe(wrongPath);
      }
    }),
    { numRuns: 8 },
  );
});

describe('deep trees', () => {
  test.each([1, 2, 32, 63, 64])('%i siblings', async (depth) => {
    const key = 0x0123_4567_89ab_cdef_0123n;
    const beside = key ^ (1n << BigInt(depth - 1));
    const tree = buildTree([key, beside].map((one) => ({ key: one, value: 7n })));
    const { siblings } = tree.prove(key).proof;
    expect(siblings).toHaveLength(depth);
    expect(await refusal(tree.root, key, 7n, siblings)).toBeUndefined();
    expect(await refusal(tree.root, beside, 7n, siblings)).toBe(wrongPath);
  });

  test('keys at both ends of the field', async () => {
    const tree = buildTree([0n, 1n, fieldOrder - 1n].map((key) => ({ key, value: 0n })));
    for (const key of [0n, 1n, fieldOrder - 1n]) {
      expect(await refusal(tree.root, key, 0n, tree.prove(key).proof.siblings)).toBeUndefined();
    }
  });
});

describe('forgeries', () => {
  const siblings = [11n, 12n, 13n, 14n];

  function rootAlong(path: bigint, key: Field): Field {
    return siblings.reduceRight(
      (hash, sibling, i) =>
        goesRight(path, i) ? nodeHash(sibling, hash) : nodeHash(hash, sibling),
      leafHash(key, 1n),
    );
  }

  test('the path follows the canonical integer of the key, not key + q', async () => {
    const key = 6n;
    expect(await refusal(rootAlong(key, key), key, 1n, siblings)).toBeUndefined();
    const alias = key + fieldOrder;
    expect(await refusal(rootAlong(alias, key), key, 1n, siblings)).toBe(wrongPath);
  });

  test('a node is no leaf', async () => {
    const root = nodeHash(6n, 1n);
    expect(await refusal(root, 6n, 1n, [])).toBe(wrongPath);
    expect(await refusal(leafHash(6n, 1n), 6n, 1n, [])).toBeUndefined();
  });

  test('an empty tree holds nothing', async () => {
    expect(await refusal(0n, 6n, 0n, [])).toBe(wrongPath);
  });

  test('a leaf pushed below an empty sibling is no second proof of it', async () => {
    const low = nodeHash(leafHash(6n, 1n), 0n);
    expect(await refusal(low, 6n, 1n, [0n])).toBe('the last sibling of the path is empty');
  });
});
