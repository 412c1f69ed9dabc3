/** Which checks a reader asked to see. */
import type { CheckResult, CheckStatus } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';

export type StatusFilter = CheckStatus | 'all';

/** What is wrong first. */
export const statusFilters = [
  'all',
  'fail',
  'skip',
  'waived',
  'pass',
] as const satisfies readonly StatusFilter[];

/** Those of this status that hold every word of `text` in their id, title, values or reason; in the same order. */
export function filterChecks(
  checks: readonly CheckResult[],
  status: StatusFilter,
  text: string,
): CheckResult[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return checks.filter((check) => {
    if (status !== 'all' && check.status !== status) return false;
    const { id, expected, actual, reason } = check;
    const held = [id, entryOf(id).title, expected, actual, reason].join('\n').toLowerCase();
    return words.every((word) => held.includes(word));
  });
}

export function countOf(checks: readonly CheckResult[], status: StatusFilter): number {
  return status === 'all'
    ? checks.length
    : checks.filter((check) => check.status === status).length;
}
