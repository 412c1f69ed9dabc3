/** What speaks for an event, once: table, filter and registers ask for the same, and each answer costs a hash. */
import { type Proof, proofOf } from '#verifier/abi/event-log/preimage.ts';
import { isExtended, type LogEvent } from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';

/** `said`: extended nowhere, so no digest could prove it. */
export type RowProof = Proof | 'said';

const known = new WeakMap<LogEvent, Map<TpmHash, RowProof>>();

export function rowProofOf(event: LogEvent, algorithm: TpmHash): RowProof {
  const proofs = known.get(event) ?? new Map<TpmHash, RowProof>();
  known.set(event, proofs);
  const proof = proofs.get(algorithm) ?? (isExtended(event) ? proofOf(event, algorithm) : 'said');
  proofs.set(algorithm, proof);
  return proof;
}
