/** What /history and /proofs/:name answer. */
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { fromHex, toBase64, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldFromBytes } from '#verifier/field.ts';
import { AgentError } from './errors.ts';
import { treeOf } from './history.ts';
import type { AgentState } from './state.ts';

const written = new WeakMap<AgentState['log'], string>();

/** `version` 1 · `entries` (base64) · `logDigest`, written once for each log. */
export function historyDocument({ log, logDigest }: AgentState): string {
  const found =
    written.get(log) ??
    JSON.stringify({ version: 1, entries: log.map(toBase64), logDigest: toHex(logDigest) });
  written.set(log, found);
  return found;
}

/**
 * That a service is in a tree, or is not.
 * @param name of a form that a service can have
 * @param root 64 hex digits; undefined: the present tree
 * @throws AgentError `tree-gone`, `tree-unknown`
 */
export function proofDocument(state: AgentState, name: string, root: string | undefined): string {
  const { tree, services } = root === undefined ? state : treeOf(state, rootOf(root));
  const service = services.find((known) => known.name === name) ?? null;
  return JSON.stringify(encodeTreeProof(buildTreeProof(tree, name, service)));
}

function rootOf(hex: string): Field {
  try {
    return fieldFromBytes(fromHex(hex, 'root', 32), 'root');
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    throw new AgentError('tree-unknown', 'no tree has a root that is no field', { cause });
  }
}
