/**
 * The one catalogue of checks (its entries are in catalogue/). The order is the order of every verdict; ids are API. No
 * check exists outside it: Checklist accepts nothing else, and finishes only when each applicable check has a result.
 */
import { chainChecks } from './catalogue/chain.ts';
import { collateralChecks } from './catalogue/collateral.ts';
import type { CheckEntry, Subject } from './catalogue/entry.ts';
import { evidenceChecks } from './catalogue/evidence.ts';
import { guestChecks } from './catalogue/guest.ts';
import { intelPolicyChecks } from './catalogue/intel-policy.ts';
import { policyChecks, softwarePolicyChecks } from './catalogue/policy.ts';

export {
  type ProofSubject,
  type Stage,
  type Subject,
  stages,
  type Tee,
} from './catalogue/entry.ts';

export const catalogue = {
  ...chainChecks,
  ...collateralChecks,
  ...evidenceChecks,
  ...guestChecks,
  ...policyChecks,
  ...intelPolicyChecks,
  ...softwarePolicyChecks,
} as const;

export type CheckId = keyof typeof catalogue;

export const checkIds = Object.keys(catalogue) as CheckId[];

export function entryOf(id: CheckId): CheckEntry {
  return catalogue[id];
}

/** Without these a document that anybody wrote would be believed: a waiver of them would be one for the attacker. */
const vouching = /^collateral\.(tcb-info|qe-identity)-/;

/**
 * What a policy may do without: revocation lists that nobody could give, and its own questions. That a report is genuine, is of
 * this guest and is proved is never optional.
 */
export const waivableChecks: readonly CheckId[] = checkIds.filter(
  (id) => ['collateral', 'policy'].includes(entryOf(id).stage) && !vouching.test(id),
);

/** The checks of a verification, in the verdict's order. */
export function applicableChecks(subject: Subject): CheckId[] {
  return checkIds.filter((id) => entryOf(id).appliesTo?.(subject) ?? true);
}
