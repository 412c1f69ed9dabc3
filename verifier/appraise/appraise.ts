/** Stage policy: what was verified against what one user accepts. It never throws for evidence; it returns a verdict. */
import { toHex } from '../bytes.ts';
import { Checklist, type CheckResult, type Comparison } from '../checklist.ts';
import { applicableChecks, type CheckId, waivableChecks } from '../checks.ts';
import {
  aVerifiedReferences,
  noReferences,
  type VerifiedReferences,
} from '../reference/verified.ts';
import type { UnixTime } from '../time.ts';
import { aVerified, type Ending, type Verified } from '../verified.ts';
import { standsBeside, takesAlone } from './alone.ts';
import { checkGpus, nvidiaRules } from './devices.ts';
import { checkPlatform, forgive } from './intel.ts';
import { checkNitro } from './nitro.ts';
import { checkNitroTpm } from './nitro-tpm.ts';
import { type Policy, policyDigest } from './policy.ts';
import { checkReferences } from './reference.ts';
import { checkEnclave } from './sgx.ts';
import { checkSnp } from './snp.ts';
import { checkMoment, checkSoftware, type Due } from './software.ts';
import { checkTd, needsEventLog } from './tdx.ts';
import { checkTdEventLog, checkTpm } from './tpm.ts';
import { decide, type Verdict } from './verdict.ts';
import { warningsFor } from './warnings.ts';

/**
 * @param references what a policy with the member `references` compares with; none is as good as none signed
 * @throws TypeError for a `verified` that `verify`, or references that `verifyReferences`, did not make
 */
export function appraise(
  verified: Verified,
  policy: Policy,
  references: VerifiedReferences = noReferences,
): Verdict {
  const signed = aVerifiedReferences(references);
  const { subject, checks: before, claims, at, expires, ends } = aVerified(verified);
  const ids = applicableChecks(subject, 'policy');
  const due: Due = (id) => ids.includes(id);
  const list = new Checklist(ids);
  let release: Ending | null = null;
  const refusal = claims === null ? null : refusalOf(claims, policy, due);
  if (claims === null) list.skipRest('a readable report');
  else if (refusal !== null) list.failRest(refusal);
  else {
    checkMachine(list, verified, claims, policy);
    checkBeside(list, verified, policy, due);
    release = checkReferences(list, verified, policy.references, signed);
    checkSoftware(list, verified, policy, due);
    checkMoment(list, verified, policy, due);
  }
  const checks = [...before, ...list.finish()].map((check) =>
    waive(forgiven(check, claims, policy, at), policy, at),
  );
  return {
    decision: decide(checks),
    at,
    policy: toHex(policyDigest(policy)),
    checks,
    expires,
    forecast: forecastOf(release === null ? ends : [...ends, release], checks, policy),
    warnings: warningsFor(verified, policy),
  };
}

/** NVIDIA's devices fall under `devices`, which every policy has: its checks refuse them one by one. */
const memberOf = {
  'sev-snp': 'sevSnp',
  tdx: 'tdx',
  sgx: 'sgx',
  nitro: 'nitro',
  tpm: 'tpm',
  nvidia: 'devices',
} as const satisfies Record<Claims['platform'], keyof Policy>;

type Claims = NonNullable<Verified['claims']>;

/** Why the policy takes no such evidence at all; null when it may. */
function refusalOf(
  claims: Claims,
  policy: Policy,
  due: Due,
): (Comparison & { reason: string }) | null {
  const member = memberOf[claims.platform];
  if (policy[member] === undefined) {
    return {
      expected: `a policy with the member ${member}`,
      actual: 'no such member',
      reason: `the policy has no member ${member}: evidence of this kind is refused`,
    };
  }
  if (standsBeside(claims) && !takesAlone(policy)) {
    return {
      expected: 'evidence of a machine, with what stands beside it',
      actual: 'a TPM, or devices, by themselves',
      reason:
        'the policy is about machines, for which these would pass: give them a policy of their own',
    };
  }
  const asked = bundleMembers.filter(([id, name]) => !due(id) && policy[name] !== 'any');
  if (asked.length === 0) return null;
  const names = asked.map(([, name]) => name).join(', ');
  return {
    expected: `a bundle, as the policy asks for ${names}`,
    actual: 'evidence of a kind that comes in no bundle',
    reason: `such evidence cannot have what the policy names: ${names}`,
  };
}

const bundleMembers = [
  ['policy.closure-digest', 'closureDigest'],
  ['policy.tree-root', 'treeRoot'],
  ['policy.channel', 'channel'],
] as const satisfies readonly [CheckId, keyof Policy][];

/** What the evidence is of. A TPM or devices by themselves are held against their rules below. */
function checkMachine(
  list: Checklist,
  { eventLog, at }: Verified,
  claims: Claims,
  policy: Policy,
): void {
  switch (claims.platform) {
    case 'sev-snp':
      if (policy.sevSnp !== undefined) checkSnp(list, claims, policy.sevSnp);
      return;
    case 'tdx':
    case 'sgx': {
      const rules = policy[claims.platform];
      const { body } = claims.quote;
      if (rules !== undefined) checkPlatform(list, claims, rules, at);
      if (body.kind === 'tdx' && policy.tdx !== undefined)
        checkTd(list, body.report, policy.tdx, eventLog);
      if (body.kind === 'sgx' && policy.sgx !== undefined)
        checkEnclave(list, body.report, policy.sgx);
      return;
    }
    case 'nitro':
      if (policy.nitro !== undefined) checkNitro(list, claims.document, policy.nitro);
      return;
    case 'tpm':
    case 'nvidia':
      return;
  }
}

/** TPM, event log and devices, whether they stand beside a machine or by themselves. */
function checkBeside(list: Checklist, verified: Verified, policy: Policy, due: Due): void {
  const { subject, eventLog, nitroTpm, devices } = verified;
  // Of devices in a bundle a policy may ask nothing: then their members may be missing too.
  const unasked = subject.form === 'bundle' && policy.devices === 'any' ? 'unasked' : undefined;
  if (due('policy.tpm-key')) checkTpm(list, verified, policy.tpm ?? unasked);
  else if (due('policy.event-log')) {
    checkTdEventLog(list, eventLog, policy.tdx !== undefined && needsEventLog(policy.tdx));
  }
  if (subject.nitroTpm) checkNitroTpm(list, nitroTpm, policy.nitro ?? unasked);
  if (subject.gpu) checkGpus(list, devices, nvidiaRules(policy.devices));
}

function forgiven(
  check: CheckResult,
  claims: Claims | null,
  policy: Policy,
  at: UnixTime,
): CheckResult {
  if (claims === null || (claims.platform !== 'tdx' && claims.platform !== 'sgx')) return check;
  const tcb = policy[claims.platform]?.tcb;
  return tcb === undefined ? check : forgive(check, claims, tcb, at);
}

function waive(check: CheckResult, policy: Policy, at: number): CheckResult {
  if (check.status !== 'skip') return check;
  const waiver = policy.waivers.find(({ check: id }) => id === check.id);
  if (waiver === undefined) return check;
  if (!waivableChecks.includes(check.id))
    return { ...check, reason: `${check.reason}; this check cannot be waived` };
  if (waiver.expires !== null && waiver.expires <= at)
    return { ...check, reason: `${check.reason}; its waiver has expired` };
  return { ...check, status: 'waived', reason: `${check.reason}; waived: ${waiver.reason}` };
}

/** A waiver that was used runs out like collateral: from then on its check decides again. */
function forecastOf(
  ends: readonly Ending[],
  checks: readonly CheckResult[],
  { waivers }: Policy,
): Ending[] {
  const used = checks.filter(({ status }) => status === 'waived').map(({ id }) => id);
  const waived = waivers.flatMap(({ check, expires }) =>
    expires !== null && used.includes(check)
      ? [{ what: `the waiver of ${check}`, at: expires }]
      : [],
  );
  return [...ends, ...waived].toSorted((one, other) => one.at - other.at);
}
