/** The commonest question of a policy: is this value one of those named? */
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';

/** @param accepted a set, empty when nothing can fit, or "any" */
export function checkMember<T extends string | number>(
  list: Checklist,
  id: CheckId,
  actual: T | string,
  accepted: 'any' | readonly T[],
  reason: string,
): void {
  if (accepted === 'any') return list.pass(id, { expected: 'any', actual: String(actual) });
  list.decide(
    id,
    accepted.some((value) => value === actual),
    {
      expected:
        accepted.length === 0
          ? 'nothing: the value asked for is not one that the policy accepts'
          : accepted.join(' or '),
      actual: String(actual),
      reason,
    },
  );
}
