/** The circuits of a release. */

/** A proof beside the bundle: the checker sees the attestation. */
export const openCircuitNames = ['response-open', 'response-open-key'] as const;
export type OpenCircuitName = (typeof openCircuitNames)[number];

/** Proofs in place of the bundle, linked by commitments. */
export const linkedCircuitNames = [
  'tdx-pck',
  'tdx-quote',
  'snp-vek',
  'snp-report',
  'vek-member',
  'response',
  'response-text',
] as const;
export type LinkedCircuitName = (typeof linkedCircuitNames)[number];

export const circuitNames = [...openCircuitNames, ...linkedCircuitNames] as const;
export type CircuitName = (typeof circuitNames)[number];
