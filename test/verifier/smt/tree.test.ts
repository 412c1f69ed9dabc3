import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Field, fieldOrder, p2 } from '#verifier/field.ts';
import { type Claim, encodeProof, parseProof, verifyProof } from '#verifier/smt/proof.ts';
import { buildTree, emptyTree } from '#verifier/smt/tree.ts';

type Entry = { key: Field; value: Field };

const collision = expect.objectContaining({ code: 'tree-key-collision' });
const low64 = (key: Field) => BigInt.asUintN(64, key);

const anyField = fc.bigInt({ min: 0n, max: fieldOrder - 1n });
/** Small keys, and keys that part only at a high bit, make deep trees. */
const key = fc.oneof(
  anyField,
  fc.bigInt({ min: 0n, max: 15n }),
  fc.bigInt({ min: 0n, max: 3n }).map((top) => top << 62n),
);
const entry: fc.Arbitrary<Entry> = fc.record({
  key,
  value: fc.oneof(anyField, fc.constant(0n)),
});
const entrySet = fc.uniqueArray(entry, { maxLength: 6, selector: (e) => low64(e.key) });

/** The protocol's words, with no thought for speed. */
function rootByDefinition(entries: readonly Entry[], depth = 0): Field {
  const [first, second] = entries;
  if (first === undefined) return 0n;
  if (second === undefined) return p2('leaf', first.key, first.value);
  const bit = (e: Entry) => (e.key >> BigInt(depth)) & 1n;
  const below = (side: bigint) =>
    rootByDefinition(
      entries.filter((e) => bit(e) === side),
      depth + 1,
    );
  return p2('node', below(0n), below(1n));
}

describe('shape', () => {
  test('an empty tree has root 0, one leaf is its own root', () => {
    expect(emptyTree.root).toBe(0n);
    expect(emptyTree.size).toBe(0);
    expect(emptyTree.set(5n, 6n).root).toBe(p2('leaf', 5n, 6n));
  });

  test('the root is the protocol’s, for any set in any order', () => {
    fc.assert(
      fc.property(entrySet, fc.infiniteStream(fc.nat()), (entries, random) => {
        const shuffled = entries
          .map((e) => ({ e, rank: random.next().value as number }))
          .sort((x, y) => x.rank - y.rank)
          .map(({ e }) => e);
        const tree = buildTree(entries);
        expect(tree.root).toBe(rootByDefinition(entries));
        expect(buildTree(shuffled).root).toBe(tree.root);
        expect(tree.size).toBe(entries.length);
      }),
      { numRuns: 20 },
    );
  });

  test('get finds every value, 0 too, and nothing else', () => {
    const tree = buildTree([
      { key: 1n, value: 0n },
      { key: 3n, value: 9n },
    ]);
    expect([tree.get(1n), tree.get(3n), tree.get(5n), tree.get(2n)]).toEqual([
      0n,
      9n,
      undefined,
      undefined,
    ]);
  });
});

describe('changes', () => {
  test('set then remove gives back the former root, and changes no older tree', () => {
    fc.assert(
      fc.property(
        entrySet.filter((entries) => entries.length > 0),
        (entries) => {
          const { key, value } = entries[0] as Entry;
          const before = buildTree(entries.slice(1));
          const root = before.root;
          const after = before.set(key, value);
          expect(after.root).toBe(rootByDefinition(entries));
          expect(after.remove(key).root).toBe(root);
          expect(after.remove(key).size).toBe(before.size);
          expect(before.root).toBe(root);
          expect(before.get(key)).toBeUndefined();
        },
      ),
      { numRuns: 20 },
    );
  });

  test('removing all of a deep tree, one by one, passes through every smaller one', () => {
    const entries = [0n, 1n << 63n, 1n << 62n, 3n << 62n, 1n].map((key) => ({ key, value: 1n }));
    let tree = buildTree(entries);
    entries.forEach(({ key }, i) => {
      tree = tree.remove(key);
      expect(tree.root).toBe(rootByDefinition(entries.slice(i + 1)));
    });
    expect(tree.size).toBe(0);
  });

  test('a replaced value keeps the size', () => {
    const tree = buildTree([
      { key: 1n, value: 1n },
      { key: 2n, value: 2n },
    ]);
    const changed = tree.set(1n, 7n);
    expect(changed.size).toBe(2);
    expect(changed.get(1n)).toBe(7n);
    expect(tree.get(1n)).toBe(1n);
    expect(changed.root).not.toBe(tree.root);
    expect(changed.set(1n, 1n).root).toBe(tree.root);
  });

  test('nothing to change is the same tree', () => {
    const tree = emptyTree.set(1n, 1n);
    expect(tree.set(1n, 1n)).toBe(tree);
    expect(tree.remove(3n)).toBe(tree);
  });
});

describe('collisions', () => {
  test('the same key twice is refused, also with the same value', () => {
    expect(() =>
      buildTree([
        { key: 1n, value: 0n },
        { key: 1n, value: 0n },
      ]),
    ).toThrow(collision);
  });

  test('equal low 64 bits are refused, 63 are not', () => {
    const near = buildTree([
      { key: 5n, value: 1n },
      { key: 5n + (1n << 63n), value: 2n },
    ]);
    expect(near.prove(5n).proof.siblings).toHaveLength(64);
    const alike = 5n + (1n << 64n);
    expect(() => near.set(alike, 3n)).toThrow(collision);
    expect(() => emptyTree.set(5n, 1n).set(alike, 1n)).toThrow(collision);
    expect(near.remove(5n).set(alike, 3n).get(alike)).toBe(3n);
  });

  test('a key with equal low 64 bits is still provably absent', () => {
    const tree = buildTree([
      { key: 5n, value: 1n },
      { key: 5n + (1n << 63n), value: 2n },
    ]);
    const missing = 5n + (1n << 64n);
    const { claim, proof } = tree.prove(missing);
    expect(claim).toEqual({ kind: 'absent', other: { key: 5n, value: 1n } });
    expect(verifyProof(tree.root, missing, claim, proof)).toBe(true);
  });

  test.each([
    ['key q', () => emptyTree.set(fieldOrder, 1n)],
    ['value q', () => emptyTree.set(1n, fieldOrder)],
    ['a number', () => emptyTree.set(1 as unknown as Field, 1n)],
    ['get', () => emptyTree.get(-1n)],
    ['remove', () => emptyTree.remove(fieldOrder)],
    ['prove', () => emptyTree.prove(fieldOrder)],
  ])('no field element (%s) is a RangeError', (_, call) => {
    expect(emptyTree.set(fieldOrder - 1n, fieldOrder - 1n).size).toBe(1);
    expect(call).toThrow(RangeError);
  });
});

describe('proofs', () => {
  test('present keys prove present, all others absent, nothing the opposite', () => {
    fc.assert(
      fc.property(entrySet, fc.array(key, { maxLength: 4 }), (entries, others) => {
        const tree = buildTree(entries);
        for (const { key, value } of entries) {
          const { claim, proof } = tree.prove(key);
          expect(claim).toEqual({ kind: 'present', value });
          expect(verifyProof(tree.root, key, claim, proof)).toBe(true);
          for (const opposite of absences(entries)) {
            expect(verifyProof(tree.root, key, opposite, proof)).toBe(false);
          }
        }
        for (const key of others.filter((other) => tree.get(other) === undefined)) {
          const { claim, proof } = tree.prove(key);
          expect(claim.kind).toBe('absent');
          expect(verifyProof(tree.root, key, claim, proof)).toBe(true);
          for (const { value } of [...entries, { value: 0n }]) {
            expect(verifyProof(tree.root, key, { kind: 'present', value }, proof)).toBe(false);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test('no proof of one key is a proof of another’s absence when that is present', () => {
    fc.assert(
      fc.property(entrySet, (entries) => {
        const tree = buildTree(entries);
        for (const { key } of entries) {
          const { proof } = tree.prove(key);
          for (const victim of entries) {
            for (const other of [null, ...entries]) {
              const claim: Claim = { kind: 'absent', other };
              expect(verifyProof(tree.root, victim.key, claim, proof)).toBe(false);
            }
          }
        }
      }),
      { numRuns: 5 },
    );
  });

  test('bytes and back: every proof of a tree has its one wire form', () => {
    fc.assert(
      fc.property(entrySet, key, (entries, missing) => {
        const tree = buildTree(entries);
        for (const key of [missing, ...entries.map((e) => e.key)]) {
          const { proof } = tree.prove(key);
          expect(parseProof(encodeProof(proof))).toEqual(proof);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('no flipped bit of a proof verifies', () => {
    const entries = [0n, 1n, 3n, 8n].map((key) => ({ key, value: key + 1n }));
    const tree = buildTree(entries);
    for (const key of [3n, 2n]) {
      const { claim, proof } = tree.prove(key);
      const wire = encodeProof(proof);
      expect(verifies(tree.root, key, claim, wire)).toBe(true);
      for (let bit = 0; bit < 8 * wire.length; bit++) {
        const flipped = wire.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(verifies(tree.root, key, claim, flipped)).toBe(false);
      }
    }
  });
});

/** Every absence that could be said of a key in this set. */
function absences(entries: readonly Entry[]): Claim[] {
  return [null, ...entries].map((other) => ({ kind: 'absent', other }));
}

function verifies(root: Field, key: Field, claim: Claim, wire: Uint8Array): boolean {
  try {
    return verifyProof(root, key, claim, parseProof(wire));
  } catch (error) {
    expect(error).toMatchObject({ code: 'proof-malformed' });
    return false;
  }
}
