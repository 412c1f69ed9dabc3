/**
 * The sparse Merkle tree (protocol, "Tree"), immutable: a change returns a new tree that shares
 * every node off the changed path. Hashes are made when a root or a proof is first asked for, once
 * for each node, so filling a tree costs none for the nodes that later entries replace.
 */
import { AttestationError } from '#verifier/errors.ts';
import type { Field } from '#verifier/field.ts';
import {
  assertField,
  type Claim,
  type Entry,
  emptyHash,
  goesRight,
  leafHash,
  maxDepth,
  nodeHash,
  showKey,
  type TreeProof,
} from './proof.ts';

export type Tree = {
  /** Number of leaves. */
  readonly size: number;
  /** 0 when empty. The first read hashes what is new since the tree this one came from. */
  readonly root: Field;
  /** undefined when absent. */
  get(key: Field): Field | undefined;
  /**
   * The tree with this value under this key, new or replaced. Itself when nothing changes.
   * @throws AttestationError `tree-key-collision` when another key has the same low 64 bits
   */
  set(key: Field, value: Field): Tree;
  /**
   * The tree without this key: the very tree in which it never was. Itself when the key is absent.
   */
  remove(key: Field): Tree;
  /**
   * What is true of this key, and its proof: `verifyProof(tree.root, key, claim, proof)` is true.
   */
  prove(key: Field): { readonly claim: Claim; readonly proof: TreeProof };
};

type Leaf = { readonly kind: 'leaf'; readonly key: Field; readonly value: Field; hash?: Field };
type Branch = { readonly kind: 'branch'; readonly left: Node; readonly right: Node; hash?: Field };
/**
 * null is the empty subtree. A branch has two leaves at least: a subtree with one leaf is that
 * leaf.
 */
type Node = Leaf | Branch | null;

export const emptyTree: Tree = treeOf(null, 0);

/**
 * The tree of these entries, whatever their order.
 * @throws AttestationError `tree-key-collision` for a key given twice, or two with equal low 64
 * bits
 */
export function buildTree(entries: Iterable<Entry>): Tree {
  let tree = emptyTree;
  for (const { key, value } of entries) {
    if (tree.get(key) !== undefined) {
      throw new AttestationError('tree-key-collision', `key ${showKey(key)} is given twice`);
    }
    tree = tree.set(key, value);
  }
  return tree;
}

function treeOf(top: Node, size: number): Tree {
  const tree: Tree = {
    size,
    get root() {
      return hashOf(top);
    },
    get(key) {
      assertField(key, 'key');
      const { end } = descend(top, key);
      return end?.key === key ? end.value : undefined;
    },
    set(key, value) {
      assertField(key, 'key');
      assertField(value, 'value');
      const { end } = descend(top, key);
      if (end?.key === key && end.value === value) return tree;
      const grown = end?.key === key ? size : size + 1;
      return treeOf(insert(top, 0, { kind: 'leaf', key, value }), grown);
    },
    remove(key) {
      assertField(key, 'key');
      if (descend(top, key).end?.key !== key) return tree;
      return treeOf(without(top, 0, key), size - 1);
    },
    prove(key) {
      assertField(key, 'key');
      const { end, siblings } = descend(top, key);
      const claim: Claim =
        end?.key === key
          ? { kind: 'present', value: end.value }
          : { kind: 'absent', other: end && { key: end.key, value: end.value } };
      return { claim, proof: { siblings: siblings.map(hashOf) } };
    },
  };
  return tree;
}

/** Where the key's path ends, and what lies beside it, root side first. */
function descend(top: Node, key: Field): { end: Leaf | null; siblings: Node[] } {
  const siblings: Node[] = [];
  let node = top;
  while (node?.kind === 'branch') {
    const right = goesRight(key, siblings.length);
    siblings.push(right ? node.left : node.right);
    node = right ? node.right : node.left;
  }
  return { end: node, siblings };
}

/** empty = 0 · leaf = P2(leaf; key, value) · node = P2(node; left, right), each made once. */
function hashOf(node: Node): Field {
  if (node === null) return emptyHash;
  node.hash ??=
    node.kind === 'leaf'
      ? leafHash(node.key, node.value)
      : nodeHash(hashOf(node.left), hashOf(node.right));
  return node.hash;
}

function insert(node: Node, depth: number, leaf: Leaf): Node {
  if (node === null || (node.kind === 'leaf' && node.key === leaf.key)) return leaf;
  const right = goesRight(leaf.key, depth);
  if (node.kind === 'branch') {
    return right
      ? branch(node.left, insert(node.right, depth + 1, leaf))
      : branch(insert(node.left, depth + 1, leaf), node.right);
  }
  if (depth === maxDepth) {
    throw new AttestationError(
      'tree-key-collision',
      `keys ${showKey(node.key)} and ${showKey(leaf.key)} have the same low ${maxDepth} bits`,
    );
  }
  if (goesRight(node.key, depth) !== right) return right ? branch(node, leaf) : branch(leaf, node);
  const below = insert(node, depth + 1, leaf);
  return right ? branch(null, below) : branch(below, null);
}

function without(node: Node, depth: number, key: Field): Node {
  if (node?.kind !== 'branch') return null;
  const right = goesRight(key, depth);
  const left = right ? node.left : without(node.left, depth + 1, key);
  const other = right ? without(node.right, depth + 1, key) : node.right;
  // A subtree with one leaf is that leaf, at any depth.
  if (left === null && other?.kind === 'leaf') return other;
  if (other === null && left?.kind === 'leaf') return left;
  return branch(left, other);
}

function branch(left: Node, right: Node): Branch {
  return { kind: 'branch', left, right };
}
