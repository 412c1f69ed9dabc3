/**
 * What the agent speaks for: the closure, the services' tree and the log. A snapshot, never changed
 * in place.
 */
import { type ClosurePath, closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { encodeLogEntry } from '#verifier/abi/log.ts';
import { serviceTree } from '#verifier/abi/service.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Tree } from '#verifier/smt/tree.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { AgentService } from './config.ts';

export type AgentState = {
  readonly manifest: Bytes;
  readonly closureDigest: Bytes;
  readonly pathCount: number;
  readonly services: readonly AgentService[];
  readonly tree: Tree;
  /** Raw entries, in order; the last tree entry holds the tree's root. */
  readonly log: readonly Bytes[];
};

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
  return {
    manifest,
    closureDigest: closureDigest(manifest),
    pathCount: closure.length,
    services,
    tree,
    log: [encodeLogEntry({ kind: 'tree', time: now, treeRoot: tree.root, reason: 'boot' })],
  };
}
