/** The checks of a verdict taken together: how many ended how, and which for the same reason. */
import type { CheckResult } from '#verifier/checklist.ts';
import type { AnyCheckId } from '#verifier/checks.ts';

type AnyResult = CheckResult<AnyCheckId>;

const words = [
  ['pass', 'passed'],
  ['fail', 'failed'],
  ['skip', 'could not be made'],
  ['waived', 'waived'],
] as const;

export function countsOf(checks: readonly AnyResult[]): string {
  return words
    .map(([status, word]) => [checks.filter((check) => check.status === status).length, word])
    .filter(([count]) => count !== 0)
    .map((parts) => parts.join(' '))
    .join(', ');
}

/** What is missing is the news, not how much hangs on it. */
export function byReason(checks: readonly AnyResult[]): AnyResult[][] {
  const groups = new Map<string | null, AnyResult[]>();
  for (const check of checks) {
    const group = groups.get(check.reason) ?? [];
    groups.set(check.reason, [...group, check]);
  }
  return [...groups.values()];
}
