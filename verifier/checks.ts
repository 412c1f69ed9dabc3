/**
 * The one catalogue of checks (its entries are in catalogue/). The order is the order of every verdict; ids are API. No
 * check exists outside it: Checklist accepts nothing else, and finishes only when each applicable check has a result.
 */
import type { CheckEntry, Subject } from './catalogue/entry.ts';
import { guestChecks } from './catalogue/guest.ts';
import { machineChecks } from './catalogue/machine.ts';
import { policyChecks } from './catalogue/policy.ts';

export { type ProofSubject, type Stage, type Subject, stages } from './catalogue/entry.ts';

export const catalogue = { ...machineChecks, ...guestChecks, ...policyChecks } as const;

export type CheckId = keyof typeof catalogue;

export const checkIds = Object.keys(catalogue) as CheckId[];

export function entryOf(id: CheckId): CheckEntry {
  return catalogue[id];
}

/**
 * What a policy may do without: collateral that nobody could give, and its own questions. That a report is genuine, is of
 * this guest and is proved is never optional.
 */
export const waivableChecks: readonly CheckId[] = checkIds.filter((id) =>
  ['collateral', 'policy'].includes(entryOf(id).stage),
);

/** The checks of a verification, in the verdict's order. */
export function applicableChecks(subject: Subject): CheckId[] {
  return checkIds.filter((id) => entryOf(id).appliesTo?.(subject) ?? true);
}
