/**
 * A proof that a tree holds a key, or does not (protocol, "Tree"). The path comes from the key
 * alone.
 */
import { type Bytes, fromBigEndian, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldToBytes, isField, p2 } from '#verifier/field.ts';

/** Two keys differ in their low 64 bits, so no leaf lies deeper. */
export const maxDepth = 64;

/** What is said about a key. The caller of `verifyProof` chooses it; a proof cannot. */
export type Claim =
  | { readonly kind: 'present'; readonly value: Field }
  /** The key's path ends in nothing (null), or in the leaf of another key. */
  | { readonly kind: 'absent'; readonly other: Entry | null };

export type Entry = { readonly key: Field; readonly value: Field };

/** Sibling i is that of the node at depth i + 1, root side first; zero is an empty sibling. */
export type TreeProof = { readonly siblings: readonly Field[] };

/** empty = 0 */
export const emptyHash: Field = 0n;

/** leaf = P2(leaf; key, value) */
export function leafHash(key: Field, value: Field): Field {
  return p2('leaf', key, value);
}

/** node = P2(node; left, right) */
export function nodeHash(left: Field, right: Field): Field {
  return p2('node', left, right);
}

/** At depth i (root 0) bit i of the key goes on, bit 0 the least significant: 0 left, 1 right. */
export function goesRight(key: Field, depth: number): boolean {
  return ((key >> BigInt(depth)) & 1n) === 1n;
}

/** @throws RangeError for anything but a field element */
export function assertField(value: unknown, what: string): asserts value is Field {
  if (typeof value !== 'bigint' || !isField(value)) {
    throw new RangeError(`${what} is not a BN254 field element`);
  }
}

/**
 * Proof bytes: u8 n (0 to 64) ‖ ⌈n/8⌉ bitmap bytes, sibling i ↔ bit i mod 8, least significant
 * first, of byte ⌊i/8⌋, unused bits 0 ‖ the non-zero siblings in order, 32 bytes each.
 * @throws RangeError when the siblings have no wire form: more than 64, no field element, the last
 * one zero
 */
export function encodeProof(proof: TreeProof): Bytes {
  const siblings = assertSiblings(proof);
  if (!isCanonical(siblings)) {
    throw new RangeError(`a proof has ${maxDepth} siblings at most and its last one is not zero`);
  }
  const present = siblings.filter((sibling) => sibling !== emptyHash);
  const start = 1 + Math.ceil(siblings.length / 8);
  const out = new Uint8Array(start + 32 * present.length);
  out[0] = siblings.length;
  siblings.forEach((sibling, i) => {
    const at = 1 + (i >> 3);
    if (sibling !== emptyHash) out[at] = (out[at] as number) | (1 << (i & 7));
  });
  present.forEach((sibling, i) => {
    out.set(fieldToBytes(sibling), start + 32 * i);
  });
  return out;
}

/**
 * The mirror of `encodeProof`. Exact length; each sibling non-zero and below q; bit n − 1 is set
 * when n > 0: one proof for one fact.
 * @throws AttestationError `proof-malformed`
 */
export function parseProof(bytes: Bytes): TreeProof {
  const [n] = bytes;
  if (n === undefined) throw malformed('expected at least 1 byte, got none');
  if (n > maxDepth) throw malformed(`expected ${maxDepth} siblings at most, got ${n}`);
  const start = 1 + Math.ceil(n / 8);
  const bitmap = bytes.subarray(1, start);
  const isSet = (i: number) => (((bitmap[i >> 3] ?? 0) >> (i & 7)) & 1) === 1;
  for (let i = n; i < 8 * bitmap.length; i++) {
    if (isSet(i)) throw malformed(`bit ${i} of the bitmap is set, only ${n} are used`);
  }
  if (n > 0 && !isSet(n - 1)) throw malformed(`the last sibling (bit ${n - 1}) is empty`);

  const siblings: Field[] = [];
  let at = start;
  for (let i = 0; i < n; i++) {
    const sibling = isSet(i) ? readSibling(bytes.subarray(at, at + 32), i) : emptyHash;
    if (isSet(i)) at += 32;
    siblings.push(sibling);
  }
  if (at !== bytes.length) throw malformed(`expected ${at} bytes, got ${bytes.length}`);
  return { siblings };
}

function readSibling(bytes: Bytes, i: number): Field {
  if (bytes.length !== 32) throw malformed(`the bytes end inside sibling ${i}`);
  const sibling = fromBigEndian(bytes);
  if (sibling === 0n) throw malformed(`sibling ${i} is marked in the bitmap, yet zero`);
  if (!isField(sibling)) throw malformed(`sibling ${i}, 0x${toHex(bytes)}, is q or more`);
  return sibling;
}

function malformed(problem: string): AttestationError {
  return new AttestationError('proof-malformed', `tree proof: ${problem}`);
}

/**
 * verify(root, key, claim, proof): the path comes from the key alone.
 * @returns whether the tree with this root makes the claim true; a false proof or one not canonical
 * is false
 * @throws RangeError when an argument has the wrong type or is no field element: a mistake of the
 * caller
 */
export function verifyProof(root: Field, key: Field, claim: Claim, proof: TreeProof): boolean {
  assertField(root, 'root');
  assertField(key, 'key');
  const siblings = assertSiblings(proof);
  const start = startOf(key, claim, siblings.length);
  if (start === undefined || !isCanonical(siblings)) return false;
  return climb(start, key, siblings) === root;
}

/**
 * `present(value)`: start from leaf(key, value). `absent`, empty: start from 0. `absent`, other
 * (k', v'): k' ≠ key, k' agrees with key on bits 0 … n − 1, start from leaf(k', v').
 * @returns undefined when the other leaf does not lie on the key's path
 */
function startOf(key: Field, claim: Claim, n: number): Field | undefined {
  switch (claim?.kind) {
    case 'present':
      assertField(claim.value, 'value');
      return leafHash(key, claim.value);
    case 'absent': {
      const { other } = claim;
      if (other === null) return emptyHash;
      assertField(other?.key, 'key of the other leaf');
      assertField(other.value, 'value of the other leaf');
      const agrees = BigInt.asUintN(n, other.key) === BigInt.asUintN(n, key);
      return other.key !== key && agrees ? leafHash(other.key, other.value) : undefined;
    }
    default:
      throw new RangeError('a claim is "present" or "absent"');
  }
}

function climb(start: Field, key: Field, siblings: readonly Field[]): Field {
  return siblings.reduceRight(
    (hash, sibling, depth) =>
      goesRight(key, depth) ? nodeHash(sibling, hash) : nodeHash(hash, sibling),
    start,
  );
}

function assertSiblings(proof: TreeProof): readonly Field[] {
  const siblings: unknown = proof?.siblings;
  if (!Array.isArray(siblings)) throw new RangeError('a proof has an array of siblings');
  // By index, for forEach skips holes.
  for (let i = 0; i < siblings.length; i++) assertField(siblings[i], `sibling ${i}`);
  return siblings;
}

/**
 * A leaf stands as high as it can, so the node above it has another child: the last sibling is not
 * empty.
 */
function isCanonical(siblings: readonly Field[]): boolean {
  return siblings.length <= maxDepth && siblings.at(-1) !== emptyHash;
}

/** A key as errors name it. */
export function showKey(key: Field): string {
  return `0x${toHex(fieldToBytes(key))}`;
}
