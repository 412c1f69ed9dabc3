/** A tree proof as a road from its leaf to the root, every node computed here; and what that proves of a bundle's tree. */
import { serviceId, serviceKey, serviceValue } from '#verifier/abi/service.ts';
import {
  parseTreeProof,
  type TreeProofDocument,
  verifyTreeProof,
} from '#verifier/abi/tree-proof.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import { emptyHash, goesRight, leafHash, nodeHash } from '#verifier/smt/proof.ts';
import type { TreeClaim, Verified } from '#verifier/verified.ts';

/** One level: two children, and the node that they make. */
export type Level = {
  /** Of the children; the root's depth is 0. */
  readonly depth: number;
  /** Bit `depth − 1` of the key: 0 goes left, 1 right. */
  readonly bit: 0 | 1;
  /** On the road, hex. */
  readonly child: string;
  /** Beside it; null for an empty subtree. */
  readonly sibling: string | null;
  readonly siblingSide: 'left' | 'right';
  /** Computed from both. */
  readonly node: string;
};

/** Where the road of the service's key ends. */
export type End =
  | { readonly kind: 'leaf'; readonly key: string; readonly value: string; readonly hash: string }
  | { readonly kind: 'empty'; readonly hash: string }
  | {
      readonly kind: 'other';
      readonly key: string;
      readonly value: string;
      readonly hash: string;
    };

/** Why it proves nothing. */
export type Fault =
  | { readonly kind: 'root' }
  /** The other leaf does not lie on the key's road: the first bit in which they differ. */
  | { readonly kind: 'other-elsewhere'; readonly bit: number }
  /** The other leaf is the service's own: then it is there. */
  | { readonly kind: 'other-is-own' }
  | { readonly kind: 'unfit'; readonly message: string };

export type Road = {
  readonly name: string;
  readonly present: boolean;
  /** hex */
  readonly id: string;
  readonly key: string;
  readonly end: End;
  /** The leaf's first, the root's last; none where the root is the leaf itself. */
  readonly levels: readonly Level[];
  /** What the road leads to. */
  readonly computed: string;
  /** What the document says it leads to. */
  readonly stated: string;
  /** Null when it proves its claim for the root that it states. */
  readonly fault: Fault | null;
  readonly service: { readonly narHash: string; readonly publicKey: string } | null;
};

export type ReadProof = { readonly file: string } & (
  | { readonly road: Road; readonly problem: null }
  | { readonly road: null; readonly problem: string }
);

/** @param file its name, for people */
export function readProof(file: string, bytes: Bytes): ReadProof {
  try {
    return { file, road: roadOf(parseTreeProof(fromUtf8(bytes, 'tree proof'))), problem: null };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { file, road: null, problem: error.message };
  }
}

/** @throws AttestationError `signature-malformed` for a public key that is no point of the curve */
export function roadOf(document: TreeProofDocument): Road {
  const { name, present, service, root } = document;
  const id = serviceId(name);
  const key = serviceKey(id);
  const end = endOf(document, key);
  const levels = climb(end.hash, key, document.proof.siblings);
  const computed = levels.at(-1)?.node ?? end.hash;
  return {
    name,
    present,
    id: toHex(id),
    key: hexOf(key),
    end,
    levels,
    computed,
    stated: hexOf(root),
    fault: faultOf(document, key, computed),
    service: service && {
      narHash: toHex(service.narHash),
      publicKey: toHex(service.publicKey),
    },
  };
}

function endOf({ present, service, other }: TreeProofDocument, key: Field): End {
  if (present) return { kind: 'leaf', ...leafOf(key, serviceValue(service)) };
  if (other === null) return { kind: 'empty', hash: hexOf(emptyHash) };
  return { kind: 'other', ...leafOf(other.key, other.value) };
}

function leafOf(key: Field, value: Field) {
  return { key: hexOf(key), value: hexOf(value), hash: hexOf(leafHash(key, value)) };
}

function climb(start: string, key: Field, siblings: readonly Field[]): Level[] {
  let child = BigInt(`0x${start}`);
  const levels: Level[] = [];
  for (const [i, sibling] of [...siblings.entries()].toReversed()) {
    const right = goesRight(key, i);
    const node = right ? nodeHash(sibling, child) : nodeHash(child, sibling);
    levels.push({
      depth: i + 1,
      bit: right ? 1 : 0,
      child: hexOf(child),
      sibling: sibling === emptyHash ? null : hexOf(sibling),
      siblingSide: right ? 'left' : 'right',
      node: hexOf(node),
    });
    child = node;
  }
  return levels;
}

/** The library decides; what is found here only says where. */
function faultOf(document: TreeProofDocument, key: Field, computed: string): Fault | null {
  const { root, name, present, other, proof } = document;
  try {
    verifyTreeProof(document, { root, name, claim: present ? 'present' : 'absent' });
    return null;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    if (other !== null && other.key === key) return { kind: 'other-is-own' };
    const bit = other === null ? -1 : differingBit(other.key, key);
    if (bit >= 0 && bit < proof.siblings.length) return { kind: 'other-elsewhere', bit };
    if (computed !== hexOf(root)) return { kind: 'root' };
    return { kind: 'unfit', message: error.message };
  }
}

/** The first from the root; -1 for equal keys. */
function differingBit(one: Field, other: Field): number {
  let bit = 0;
  for (let left = one ^ other; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) return bit;
    bit += 1;
  }
  return -1;
}

function hexOf(field: Field): string {
  return toHex(fieldToBytes(field));
}

/**
 * What a proof that holds says of the bundle. `bound`: the report binds its root. `stated`: the bundle names that root, but its report
 * does not bind what it says. `earlier`: the log, which the report binds, tells of a tree with that root that was replaced.
 */
export type Standing =
  | { readonly kind: 'false' | 'bound' | 'stated' | 'other' | 'nothing' }
  | { readonly kind: 'earlier'; readonly tree: TreeClaim };

export function standingOf(road: Road, { bundle, checks }: Verified): Standing {
  if (road.fault !== null) return { kind: 'false' };
  if (bundle === null) return { kind: 'nothing' };
  const binding = checks.find(({ id }) => id === 'binding.report-data')?.status === 'pass';
  if (hexOf(bundle.bound.treeRoot) === road.stated) return { kind: binding ? 'bound' : 'stated' };
  const tree = bundle.trees.findLast(({ treeRoot }) => treeRoot === road.stated);
  return binding && tree !== undefined ? { kind: 'earlier', tree } : { kind: 'other' };
}
