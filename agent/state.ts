/**
 * What the agent speaks for: the closure, the services' tree and the log. A snapshot, never changed
 * in place: evidence under way keeps the one that it began with.
 */
import { type ClosurePath, closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { encodeLogEntry, extendLogDigest, type LogEntry, logDigest } from '#verifier/abi/log.ts';
import { serviceId, serviceKey, serviceTree, serviceValue } from '#verifier/abi/service.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import type { Tree } from '#verifier/smt/tree.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { AgentService } from './config.ts';

/** A tree, and what it was made from. */
export type ServedTree = {
  readonly tree: Tree;
  readonly services: readonly AgentService[];
};

export type AgentState = ServedTree & {
  readonly manifest: Bytes;
  readonly closureDigest: Bytes;
  readonly pathCount: number;
  /** When the digest was computed, by the guest's clock. */
  readonly closureTime: UnixTime;
  /** Raw entries, in order; the last tree entry holds the tree's root. */
  readonly log: readonly Bytes[];
  readonly logDigest: Bytes;
  /** Of the log's last entry. */
  readonly logTime: UnixTime;
  /** Something happened that the log has no room for: no evidence may leave it out. */
  readonly logFull: boolean;
  /** The newest trees, the present one last. */
  readonly trees: readonly ServedTree[];
  /** Roots of this boot's trees that are no longer kept. */
  readonly goneRoots: ReadonlySet<Field>;
};

/** Trees of this boot that proofs are served against. */
export const maxKeptTrees = 64;

/**
 * The state at boot: entry 1 of the log is the boot's first tree.
 * @param now Unix seconds
 * @throws AttestationError `closure-malformed`, `tree-key-collision`, `signature-malformed`
 */
export function bootState(
  closure: readonly ClosurePath[],
  services: readonly AgentService[],
  now: UnixTime,
): AgentState {
  const manifest = encodeManifest(closure);
  const tree = serviceTree(services);
  const log = [encodeLogEntry({ kind: 'tree', time: now, treeRoot: tree.root, reason: 'boot' })];
  return {
    manifest,
    closureDigest: closureDigest(manifest),
    pathCount: closure.length,
    closureTime: now,
    services,
    tree,
    log,
    logDigest: logDigest(log),
    logTime: now,
    logFull: false,
    trees: [{ tree, services }],
    goneRoots: new Set(),
  };
}

/** Without its time: the guest's clock may go back, and the log's never does. */
type NewEntry<Entry = LogEntry> = Entry extends LogEntry ? Omit<Entry, 'time'> : never;

/** The state with one entry more. Whether the log has room is for the caller to look at. */
function append(state: AgentState, entry: NewEntry, now: UnixTime): AgentState {
  const logTime = Math.max(now, state.logTime);
  const bytes = encodeLogEntry({ ...entry, time: logTime });
  return {
    ...state,
    log: [...state.log, bytes],
    logDigest: extendLogDigest(state.logDigest, bytes),
    logTime,
  };
}

/**
 * The state in which these services have these keys, and an entry says so.
 * @param keys by the service's place
 * @throws AttestationError `signature-malformed` for a key that is not on the curve
 */
export function withKeys(
  state: AgentState,
  keys: readonly Bytes[],
  { reason, now }: { reason: string; now: UnixTime },
): AgentState {
  let tree = state.tree;
  const services = state.services.map((service, i) => {
    const publicKey = keys[i] ?? service.publicKey;
    // Thousands may be there, and a leaf costs a check of the curve.
    if (equalBytes(publicKey, service.publicKey)) return service;
    const changed = { ...service, publicKey };
    tree = tree.set(serviceKey(serviceId(service.name)), serviceValue(changed));
    return changed;
  });
  const grown = append(state, { kind: 'tree', treeRoot: tree.root, reason }, now);
  const trees = [...state.trees, { tree, services }];
  const kept = trees.slice(-maxKeptTrees);
  const keptRoots = new Set(kept.map((known) => known.tree.root));
  const gone = trees.slice(0, -maxKeptTrees).map((known) => known.tree.root);
  const goneRoots = new Set([...state.goneRoots, ...gone].filter((root) => !keptRoots.has(root)));
  return { ...grown, tree, services, trees: kept, goneRoots };
}

export function withEvent(
  state: AgentState,
  { name, digest, now }: { name: string; digest: Bytes; now: UnixTime },
): AgentState {
  return append(state, { kind: 'event', name, digest }, now);
}
