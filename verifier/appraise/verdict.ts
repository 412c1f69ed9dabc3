/** The answer, the same from the CLI, the library and the page (protocol, "Verdict"). */
import type { CheckResult } from '../checklist.ts';
import type { AnyCheckId, CheckId } from '../checks.ts';
import type { UnixTime } from '../time.ts';
import type { Ending } from '../verified.ts';

export type Decision = 'accepted' | 'rejected' | 'invalid' | 'undecided';

export type Verdict<Id extends AnyCheckId = CheckId> = {
  decision: Decision;
  /** The time verified for. */
  at: UnixTime;
  /** policyDigest, hex */
  policy: string;
  /** Every check, in the catalogue's order. */
  checks: readonly CheckResult<Id>[];
  /** When the first piece of collateral runs out. */
  expires: UnixTime | null;
  /** All that runs out, the first first: collateral, the policy's waivers that were used, the reference values. */
  forecast: readonly Ending[];
  /** What a reader of an acceptance must know and no single check says. */
  warnings: readonly string[];
};

/**
 * Invalid if a check before stage policy fails; else undecided if one was skipped that policy does not waive; else
 * rejected if a policy check fails; else accepted.
 */
export function decide(checks: readonly Pick<CheckResult, 'stage' | 'status'>[]): Decision {
  if (checks.some(({ stage, status }) => stage !== 'policy' && status === 'fail')) return 'invalid';
  if (checks.some(({ status }) => status === 'skip')) return 'undecided';
  if (checks.some(({ status }) => status === 'fail')) return 'rejected';
  return 'accepted';
}
