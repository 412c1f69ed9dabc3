/**
 * The catalogue of checks of evidence (its entries are in catalogue/), and beside it that of linked proofs. The order is the order of
 * every verdict; ids are API. No check exists outside the two: Checklist accepts nothing but the first, and finishes only when each
 * applicable check has a result.
 */
import { chainChecks, parseChecks } from './catalogue/chain.ts';
import { collateralChecks } from './catalogue/collateral.ts';
import {
  deviceBindingChecks,
  deviceChainChecks,
  deviceCollateralChecks,
  deviceEvidenceChecks,
  deviceParseChecks,
  devicePolicyChecks,
} from './catalogue/devices.ts';
import type { CheckEntry, Stage, Subject } from './catalogue/entry.ts';
import { evidenceChecks } from './catalogue/evidence.ts';
import { bindingChecks, proofChecks } from './catalogue/guest.ts';
import { intelPolicyChecks } from './catalogue/intel-policy.ts';
import { type LinkedCheckId, linkedChecks } from './catalogue/linked.ts';
import { policyChecks, softwarePolicyChecks } from './catalogue/policy.ts';
import { referencePolicyChecks } from './catalogue/reference.ts';

export {
  type AkKind,
  type Cpu,
  type ProofSubject,
  type Stage,
  type Subject,
  stages,
  type Tee,
} from './catalogue/entry.ts';

export const catalogue = {
  ...parseChecks,
  ...deviceParseChecks,
  ...chainChecks,
  ...deviceChainChecks,
  ...collateralChecks,
  ...deviceCollateralChecks,
  ...evidenceChecks,
  ...deviceEvidenceChecks,
  ...bindingChecks,
  ...deviceBindingChecks,
  ...proofChecks,
  ...policyChecks,
  ...intelPolicyChecks,
  ...devicePolicyChecks,
  ...referencePolicyChecks,
  ...softwarePolicyChecks,
} as const;

export type CheckId = keyof typeof catalogue;
/** Of a verdict on evidence, or on linked proofs. */
export type AnyCheckId = CheckId | LinkedCheckId;

export const checkIds = Object.keys(catalogue) as CheckId[];

/** Of the evidence that a CPU signed, whichever it is. */
export const cpuEvidenceChecks = Object.keys(evidenceChecks) as CheckId[];

export const linkedCheckIds = Object.keys(linkedChecks) as LinkedCheckId[];

const everyCheck: Readonly<Record<AnyCheckId, CheckEntry>> = { ...catalogue, ...linkedChecks };

export function entryOf(id: AnyCheckId): CheckEntry {
  return everyCheck[id];
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

/** Who makes a check: `verify`, the checker of proofs, or `appraise`. */
type Step = 'verify' | 'proof' | 'policy';

function stepOf(stage: Stage): Step {
  return stage === 'proof' || stage === 'policy' ? stage : 'verify';
}

/** By step and all that the subject says, of which there are a few dozen kinds at most. */
const applicable = new Map<string, readonly CheckId[]>();

/** The checks of one step of a verification, in the verdict's order. */
export function applicableChecks(subject: Subject, step: Step): readonly CheckId[] {
  const kind = `${step} ${JSON.stringify(subject)}`;
  let ids = applicable.get(kind);
  if (ids === undefined) {
    const ofStep = checkIds.filter((id) => stepOf(entryOf(id).stage) === step);
    ids = Object.freeze(ofStep.filter((id) => entryOf(id).appliesTo?.(subject) ?? true));
    applicable.set(kind, ids);
  }
  return ids;
}
