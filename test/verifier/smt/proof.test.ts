import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bigEndian, concat, fromHex } from '#verifier/bytes.ts';
import { type Field, fieldOrder, fieldToBytes } from '#verifier/field.ts';
import {
  type Claim,
  encodeProof,
  leafHash,
  nodeHash,
  parseProof,
  verifyProof,
} from '#verifier/smt/proof.ts';

const malformed = expect.objectContaining({ code: 'proof-malformed' });
const present = (value: Field): Claim => ({ kind: 'present', value });
const absent = (other: { key: Field; value: Field } | null): Claim => ({ kind: 'absent', other });
const none = { siblings: [] };

describe('wire form', () => {
  const sibling = fieldToBytes(7n);
  const bytes = (head: number[], ...rest: Uint8Array[]) => concat(Uint8Array.from(head), ...rest);

  test('no sibling is one zero byte', () => {
    expect(encodeProof(none)).toEqual(Uint8Array.of(0));
    expect(parseProof(Uint8Array.of(0))).toEqual(none);
  });

  test('the bitmap is least significant first, the siblings root side first', () => {
    const siblings = [5n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 7n];
    const wire = bytes([10, 0b0000_0001, 0b0000_0010], fieldToBytes(5n), sibling);
    expect(encodeProof({ siblings })).toEqual(wire);
    expect(parseProof(wire)).toEqual({ siblings });
  });

  test('encode and parse are each other’s inverse', () => {
    const siblings = fc
      .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: fieldOrder - 1n })), {
        maxLength: 64,
      })
      .filter((list) => list.at(-1) !== 0n);
    fc.assert(
      fc.property(siblings, (list) => {
        const wire = encodeProof({ siblings: list });
        expect(parseProof(wire)).toEqual({ siblings: list });
        expect(encodeProof(parseProof(wire))).toEqual(wire);
      }),
    );
  });

  test('64 siblings are the most', () => {
    const siblings = Array<Field>(64).fill(7n);
    const wire = encodeProof({ siblings });
    expect(wire.length).toBe(1 + 8 + 64 * 32);
    expect(parseProof(wire)).toEqual({ siblings });
    const longer = bytes([65, ...Array(8).fill(255), 1], ...Array(65).fill(sibling));
    expect(() => parseProof(longer)).toThrow(malformed);
    expect(() => encodeProof({ siblings: [...siblings, 7n] })).toThrow(RangeError);
  });

  const accepted = bytes([2, 0b11], sibling, sibling);
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['no bitmap', bytes([2])],
    ['a byte too few', accepted.subarray(0, -1)],
    ['a byte too many', concat(accepted, Uint8Array.of(0))],
    ['bytes after the empty proof', Uint8Array.of(0, 0)],
    ['an unused bit', bytes([2, 0b111], sibling, sibling)],
    ['an unused bit with its sibling', bytes([2, 0b111], sibling, sibling, sibling)],
    ['the last bit not set', bytes([2, 0b01], sibling)],
    ['a zero sibling', bytes([2, 0b11], sibling, new Uint8Array(32))],
    ['a sibling q', bytes([2, 0b11], sibling, bigEndian(fieldOrder, 32))],
    ['an alias of 7', bytes([2, 0b11], sibling, bigEndian(fieldOrder + 7n, 32))],
  ])('refuses %s', (_, wire) => {
    expect(parseProof(accepted)).toEqual({ siblings: [7n, 7n] });
    expect(() => parseProof(wire)).toThrow(malformed);
  });

  test.each([
    ['a zero sibling last', [7n, 0n]],
    ['a sibling q', [fieldOrder]],
    ['a negative sibling', [-1n]],
    ['a number', [7 as unknown as Field]],
    ['a hole', Array<Field>(1)],
  ])('does not encode %s', (_, siblings) => {
    expect(encodeProof({ siblings: [7n] })).toHaveLength(34);
    expect(() => encodeProof({ siblings })).toThrow(RangeError);
  });
});

/** Keys 0b00 and 0b10 share a parent at depth 1, 0b01 stands alone on the right. */
const [a, b, c] = [0b00n, 0b10n, 0b01n];
const [leafA, leafB, leafC] = [leafHash(a, 10n), leafHash(b, 11n), leafHash(c, 12n)];
const inner = nodeHash(leafA, leafB);
const root = nodeHash(inner, leafC);
const proofA = { siblings: [leafC, leafB] };
const proofC = { siblings: [inner] };

describe('verifyProof', () => {
  test('present, absent beside another leaf, absent in an empty place', () => {
    expect(verifyProof(root, a, present(10n), proofA)).toBe(true);
    expect(verifyProof(root, c, present(12n), proofC)).toBe(true);
    expect(verifyProof(root, 0b100n, absent({ key: a, value: 10n }), proofA)).toBe(true);
    const sparse = nodeHash(inner, 0n);
    expect(verifyProof(sparse, c, absent(null), proofC)).toBe(true);
    expect(verifyProof(sparse, a, present(10n), { siblings: [0n, leafB] })).toBe(true);
  });

  test('a tree with one leaf, and the empty tree', () => {
    expect(verifyProof(leafA, a, present(10n), none)).toBe(true);
    expect(verifyProof(leafA, c, absent({ key: a, value: 10n }), none)).toBe(true);
    expect(verifyProof(leafA, c, absent(null), none)).toBe(false);
    expect(verifyProof(0n, a, absent(null), none)).toBe(true);
    expect(verifyProof(0n, a, present(0n), none)).toBe(false);
  });

  test('another root, value, sibling or length is false', () => {
    expect(verifyProof(root + 1n, a, present(10n), proofA)).toBe(false);
    expect(verifyProof(root, a, present(11n), proofA)).toBe(false);
    expect(verifyProof(root, a, present(10n), { siblings: [leafC, leafB + 1n] })).toBe(false);
    expect(verifyProof(root, a, present(10n), { siblings: [leafB, leafC] })).toBe(false);
    expect(verifyProof(root, a, present(10n), { siblings: [leafC] })).toBe(false);
    expect(verifyProof(root, a, present(10n), none)).toBe(false);
  });

  test('value 0 is legal, and is not absence', () => {
    const tree = nodeHash(leafHash(2n, 0n), leafC);
    const proof = { siblings: [leafC] };
    expect(verifyProof(tree, 2n, present(0n), proof)).toBe(true);
    expect(verifyProof(tree, 2n, absent(null), proof)).toBe(false);
    expect(verifyProof(tree, 2n, present(1n), proof)).toBe(false);
  });
});

describe('forgeries that other trees let through', () => {
  test('an inner node’s children as an entry', () => {
    expect(nodeHash(inner, leafC)).toBe(root);
    expect(verifyProof(root, inner, present(leafC), none)).toBe(false);
    const asLeft = goesLeft(leafA) ? leafA : leafB;
    const value = asLeft === leafA ? leafB : leafA;
    expect(verifyProof(root, asLeft, present(value), { siblings: [leafC] })).toBe(false);
  });

  test('the root’s children as the other leaf, with no siblings, of a present key', () => {
    expect(verifyProof(root, a, present(10n), proofA)).toBe(true);
    expect(verifyProof(root, a, absent({ key: inner, value: leafC }), none)).toBe(false);
  });

  test('a flipped claim', () => {
    expect(verifyProof(root, a, present(10n), proofA)).toBe(true);
    expect(verifyProof(root, a, absent(null), proofA)).toBe(false);
    expect(verifyProof(root, a, absent({ key: a, value: 10n }), proofA)).toBe(false);

    const missing = 0b100n;
    expect(verifyProof(root, missing, absent({ key: a, value: 10n }), proofA)).toBe(true);
    expect(verifyProof(root, missing, present(10n), proofA)).toBe(false);
    expect(verifyProof(root, missing, present(0n), proofA)).toBe(false);
  });

  test('another leaf that is not on the key’s path', () => {
    expect(verifyProof(root, 0b11n, absent({ key: c, value: 12n }), proofC)).toBe(true);
    expect(verifyProof(root, a, absent({ key: c, value: 12n }), proofC)).toBe(false);
    expect(verifyProof(root, c, absent({ key: a, value: 10n }), proofA)).toBe(false);
    // On the path for one bit, and not for the other.
    expect(verifyProof(root, a, absent({ key: b, value: 11n }), { siblings: [leafC, leafA] })).toBe(
      false,
    );
  });

  test('another leaf on the wrong side, in a tree that its builder broke', () => {
    const proof = { siblings: [leafC] };
    const other = { key: 0b11n, value: 13n };
    const broken = nodeHash(leafHash(other.key, other.value), leafC);
    expect(verifyProof(broken, a, absent(other), proof)).toBe(false);
    expect(verifyProof(nodeHash(leafB, leafC), a, absent({ key: b, value: 11n }), proof)).toBe(
      true,
    );
  });

  test('an alias of a key: q more is the same element, and another path', () => {
    expect(verifyProof(root, c, present(12n), proofC)).toBe(true);
    expect(() => verifyProof(root, c + fieldOrder, present(12n), proofC)).toThrow(RangeError);
    const other = { key: c + fieldOrder, value: 12n };
    expect(() => verifyProof(root, c, absent(other), proofC)).toThrow(RangeError);
  });

  test('a leaf taken for a node: one leaf (0, v) is not the node of nothing and v', () => {
    const single = leafHash(0n, leafC);
    expect(verifyProof(single, 0n, present(leafC), none)).toBe(true);
    expect(verifyProof(single, 0n, absent(null), { siblings: [leafC] })).toBe(false);
    // The same proof under a root where it is true.
    expect(verifyProof(nodeHash(0n, leafC), 0n, absent(null), { siblings: [leafC] })).toBe(true);
  });

  test('an empty place above a leaf: a leaf stands as high as it can', () => {
    expect(verifyProof(leafA, a, present(10n), none)).toBe(true);
    expect(verifyProof(nodeHash(leafA, 0n), a, present(10n), { siblings: [0n] })).toBe(false);
    expect(verifyProof(nodeHash(0n, 0n), a, absent(null), { siblings: [0n] })).toBe(false);
  });

  test('a path longer than 64', () => {
    const chain = (n: number) => Array<Field>(n).fill(7n);
    const top = (n: number) => chain(n).reduce((hash, sibling) => nodeHash(hash, sibling), leafA);
    expect(verifyProof(top(64), a, present(10n), { siblings: chain(64) })).toBe(true);
    expect(verifyProof(top(65), a, present(10n), { siblings: chain(65) })).toBe(false);
  });
});

describe('mistakes of the caller', () => {
  const wrong = <T>(value: unknown) => value as T;
  test.each([
    ['root', () => verifyProof(fieldOrder, a, present(10n), proofA)],
    ['a number as key', () => verifyProof(root, wrong(0), present(10n), proofA)],
    ['a negative key', () => verifyProof(root, -1n, present(10n), proofA)],
    ['value', () => verifyProof(root, a, present(fieldOrder), proofA)],
    ['no value', () => verifyProof(root, a, wrong({ kind: 'present' }), proofA)],
    ['no other', () => verifyProof(root, a, wrong({ kind: 'absent' }), proofA)],
    ['other value', () => verifyProof(root, a, absent({ key: c, value: -1n }), proofC)],
    ['another claim', () => verifyProof(root, a, wrong({ kind: 'maybe' }), proofA)],
    ['no claim', () => verifyProof(root, a, wrong(undefined), proofA)],
    ['sibling', () => verifyProof(root, a, present(10n), { siblings: [fieldOrder] })],
    ['no proof', () => verifyProof(root, a, present(10n), wrong(undefined))],
    ['proof bytes', () => verifyProof(root, a, present(10n), wrong(fromHex('00', 'test')))],
  ])('%s is a RangeError', (_, call) => {
    expect(verifyProof(root, a, present(10n), proofA)).toBe(true);
    expect(call).toThrow(RangeError);
  });
});

function goesLeft(key: Field): boolean {
  return (key & 1n) === 0n;
}
