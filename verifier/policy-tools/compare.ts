/** One policy on many pieces of evidence, and two policies on the same ones. */
import { appraise } from '../appraise/appraise.ts';
import type { Policy } from '../appraise/policy.ts';
import type { Decision } from '../appraise/verdict.ts';
import type { CheckResult } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { canonicalJson } from '../json.ts';
import { noReferences, type VerifiedReferences } from '../reference/verified.ts';
import type { Verified } from '../verified.ts';

/** From worst to best: what was forged, what is refused, what nobody knows, what is good. */
export const worstFirst = ['invalid', 'rejected', 'undecided', 'accepted'] as const;

/** @throws RangeError when there is none */
export function worstOf(decisions: readonly Decision[]): Decision {
  const found = worstFirst.find((decision) => decisions.includes(decision));
  if (found === undefined) throw new RangeError('no decision was given');
  return found;
}

/** The checks that made the decision: failures before policy, what is missing, or failures of policy; none when accepted. */
export function decisive(decision: Decision, checks: readonly CheckResult[]): CheckId[] {
  const ids = (matches: (check: CheckResult) => boolean) =>
    checks.filter(matches).map(({ id }) => id);
  switch (decision) {
    case 'invalid':
      return ids(({ stage, status }) => status === 'fail' && stage !== 'policy');
    case 'undecided':
      return ids(({ status }) => status === 'skip');
    case 'rejected':
      return ids(({ status }) => status === 'fail');
    case 'accepted':
      return [];
  }
}

/** A check that the two policies see in another light; null where only one of them asks. */
export type CheckChange = {
  id: CheckId;
  from: CheckResult['status'];
  to: CheckResult['status'];
  /** Why, under the policy under which it does not pass. */
  reason: string | null;
};

export type DecisionChange = {
  from: Decision;
  to: Decision;
  /** In the verdict's order. */
  checks: CheckChange[];
};

/** What becomes of one verification when `from` is replaced by `to`, the reference files being the same. */
export function compareDecisions(
  verified: Verified,
  from: Policy,
  to: Policy,
  references: VerifiedReferences = noReferences,
): DecisionChange {
  const judge = (policy: Policy) => appraise(verified, policy, references);
  const [before, after] = [judge(from), judge(to)];
  // The subject is one and the same, and so are the checks and their order.
  const checks = after.checks.flatMap((check, index) => {
    const old = before.checks[index] as CheckResult;
    if (old.status === check.status) return [];
    const reason = (check.status === 'pass' ? old : check).reason;
    return [{ id: check.id, from: old.status, to: check.status, reason }];
  });
  return { from: before.decision, to: after.decision, checks };
}

/** A member of two policies; `from` or `to` is left out where only one of them has it. */
export type MemberChange = { path: string; from?: unknown; to?: unknown };

/** Every member that differs, a set as a whole; in the order of the first policy's members. */
export function diffPolicies(from: Policy, to: Policy): MemberChange[] {
  return [...diffMembers(byName(from), byName(to), '')];
}

/** Waivers by check, builders in order of their names: the order in which they stand says nothing. */
function byName(policy: Policy): object {
  const { references } = policy;
  const waivers = policy.waivers.map(({ check, ...rest }) => [check, rest] as const);
  const builders = references?.builders.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...policy,
    ...(references && { references: { ...references, builders } }),
    waivers: Object.fromEntries(waivers),
  };
}

function* diffMembers(from: object, to: object, path: string): Generator<MemberChange> {
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const at = path === 'waivers' ? `waivers[${name}]` : path === '' ? name : `${path}.${name}`;
    const [a, b] = [memberOf(from, name), memberOf(to, name)];
    if (isObject(a) && isObject(b)) yield* diffMembers(a, b, at);
    else if (a === undefined) yield { path: at, to: b };
    else if (b === undefined) yield { path: at, from: a };
    else if (canonicalJson(a) !== canonicalJson(b)) yield { path: at, from: a, to: b };
  }
}

function memberOf(holder: object, name: string): unknown {
  return Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
