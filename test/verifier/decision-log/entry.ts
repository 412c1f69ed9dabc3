/** Decisions to write down. */
import type { DecisionEntry } from '#verifier/decision-log/line.ts';

export function entry(n: number, more: Partial<DecisionEntry> = {}): DecisionEntry {
  return {
    at: 1_795_000_000 + n,
    evidence: n.toString(16).padStart(64, '0'),
    policy: 'ab'.repeat(32),
    policyName: 'production',
    decision: 'accepted',
    failed: [],
    skipped: [],
    waived: [],
    expires: null,
    ...more,
  };
}
