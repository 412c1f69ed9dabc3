/** Stage policy: what was verified against what one user accepts. It never throws for evidence; it returns a verdict. */
import { toHex } from '../bytes.ts';
import { Checklist, type CheckResult } from '../checklist.ts';
import { applicableChecks, type CheckId, waivableChecks } from '../checks.ts';
import { fieldToBytes } from '../field.ts';
import {
  aVerifiedReferences,
  noReferences,
  type VerifiedReferences,
} from '../reference/verified.ts';
import type { UnixTime } from '../time.ts';
import { aVerified, type Ending, type ProofClaims, type Verified } from '../verified.ts';
import { checkPlatform, forgive } from './intel.ts';
import { checkMember } from './member.ts';
import { type Policy, policyDigest } from './policy.ts';
import { checkReferences } from './reference.ts';
import { checkEnclave, isDebugEnclave } from './sgx.ts';
import { checkSnp } from './snp.ts';
import { checkTd, isDebugTd } from './tdx.ts';
import { tdxSoftware } from './tdx-policy.ts';
import { decide, type Verdict } from './verdict.ts';

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
  const list = new Checklist(applicableChecks(subject, 'policy'));
  let release: Ending | null = null;
  if (claims === null) list.skipRest('a readable report');
  else if (policy[memberOf[claims.platform]] === undefined) {
    const member = memberOf[claims.platform];
    list.failRest({
      expected: `a policy with the member ${member}`,
      actual: 'no such member',
      reason: `the policy has no member ${member}: evidence of this kind is refused`,
    });
  } else {
    checkMachine(list, claims, policy, at);
    release = checkReferences(list, verified, policy.references, signed);
    checkSoftware(list, verified, policy);
    checkMoment(list, verified, policy);
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

const memberOf = { 'sev-snp': 'sevSnp', tdx: 'tdx', sgx: 'sgx' } as const;

type Claims = NonNullable<Verified['claims']>;

function checkMachine(list: Checklist, claims: Claims, policy: Policy, at: UnixTime): void {
  if (claims.platform === 'sev-snp') {
    if (policy.sevSnp !== undefined) checkSnp(list, claims, policy.sevSnp);
    return;
  }
  const rules = policy[claims.platform];
  const { body } = claims.quote;
  if (rules !== undefined) checkPlatform(list, claims, rules, at);
  if (body.kind === 'tdx' && policy.tdx !== undefined) checkTd(list, body.report, policy.tdx);
  if (body.kind === 'sgx' && policy.sgx !== undefined) checkEnclave(list, body.report, policy.sgx);
}

function forgiven(
  check: CheckResult,
  claims: Claims | null,
  policy: Policy,
  at: UnixTime,
): CheckResult {
  if (claims === null || claims.platform === 'sev-snp') return check;
  const tcb = policy[claims.platform]?.tcb;
  return tcb === undefined ? check : forgive(check, claims, tcb, at);
}

/** Whether the policy names the software that was measured, all of it: itself, or by reference. */
function namesSoftware({ platform }: Claims, policy: Policy): boolean {
  if (policy.references !== undefined && platform !== 'sgx') return true;
  switch (platform) {
    case 'sev-snp':
      return policy.sevSnp !== undefined && policy.sevSnp.measurement !== 'any';
    case 'tdx':
      return tdxSoftware.every((name) => policy.tdx !== undefined && policy.tdx[name] !== 'any');
    case 'sgx':
      return policy.sgx !== undefined && policy.sgx.mrEnclave !== 'any';
  }
}

/** Closure and services are the word of the software that was measured: of software that nobody named they prove nothing. */
function checkSoftware(list: Checklist, { bundle, claims }: Verified, policy: Policy): void {
  const named = claims !== null && namesSoftware(claims, policy);
  const claim = (
    id: CheckId,
    actual: string | null,
    accepted: 'any' | readonly string[],
    reason: string,
  ) => {
    if (accepted === 'any') list.pass(id, { expected: 'any', ...(actual !== null && { actual }) });
    else if (actual === null)
      list.skip(id, 'an evidence bundle: a raw report or quote carries no digests');
    else if (!named && accepted.includes(actual)) {
      list.skip(id, 'a named measurement: the value fits, but is claimed by unnamed software');
    } else checkMember(list, id, actual, accepted, reason);
  };
  const bound = bundle?.bound;
  claim(
    'policy.closure-digest',
    bound ? toHex(bound.closureDigest) : null,
    policy.closureDigest,
    'the machine runs another system closure',
  );
  claim(
    'policy.tree-root',
    bound ? toHex(fieldToBytes(bound.treeRoot)) : null,
    policy.treeRoot,
    'the machine vouches for other services or keys',
  );
  const count = bundle?.deviceCount ?? 0;
  list.decide('policy.devices', policy.devices === 'any' || count === 0, {
    expected: policy.devices,
    actual: count === 0 ? 'none' : `${count}, bound to the report but not verified by this release`,
    reason: 'the policy allows no devices',
  });
}

function checkMoment(list: Checklist, { subject, bundle }: Verified, policy: Policy): void {
  if (policy.freshness === 'any') {
    list.pass('policy.freshness', {
      expected: 'any',
      actual: subject.challenged ? "this verifier's nonce" : 'the moment is not proven',
    });
  } else if (subject.challenged) {
    list.pass('policy.freshness', { expected: 'verifier-nonce', actual: "this verifier's nonce" });
  } else
    list.skip('policy.freshness', 'the nonce that this verifier drew (--nonce, or verify by URL)');

  if (policy.channel === 'any') {
    return list.pass('policy.channel', {
      expected: 'any',
      actual: bundle?.channel?.kind ?? 'none',
    });
  }
  if (!subject.connected)
    return list.skip(
      'policy.channel',
      "this verifier's own connection to the agent (verify by URL)",
    );
  checkMember(
    list,
    'policy.channel',
    bundle?.channel?.kind ?? 'none',
    policy.channel,
    'the evidence can be relayed',
  );
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

function warningsFor(
  { insecureRoot, bundle, claims, subject, proof, checks }: Verified,
  policy: Policy,
): string[] {
  const warnings: string[] = [];
  if (insecureRoot) {
    warnings.push(
      'INSECURE: the chain ends in a root that was handed over, not in the vendor’s. This proves nothing about hardware.',
    );
  }
  if (claims !== null && !namesSoftware(claims, policy)) {
    warnings.push(unnamedSoftware[claims.platform]);
  }
  if (claims !== null && isDebug(claims) && allowsDebug(claims, policy)) {
    warnings.push(
      'DANGEROUS: the guest is in debug mode and the policy allows it: the host sees all its memory.',
    );
  }
  const late = checks.filter(({ id }) => claims !== null && isOverdue(claims, id));
  if (late.length > 0) {
    warnings.push(
      `Collateral has run out (${late.map(({ id }) => id).join(', ')}): what was found out since then is not in it.`,
    );
  }
  if (bundle !== null && bundle.channel === null) {
    warnings.push(
      'The evidence is bound to no channel: it shows that such a machine exists, not that you talk to it.',
    );
  }
  if (subject.form === 'bundle' && !subject.challenged) {
    warnings.push('No nonce of yours is in the evidence: it proves the machine, not the moment.');
  }
  const proved = checks.every(({ stage, status }) => stage !== 'proof' || status === 'pass');
  return proof !== null && proved ? [...warnings, ...proofWarnings(proof)] : warnings;
}

const unnamedSoftware = {
  'sev-snp':
    'The policy names no software (measurement "any"): whatever runs in this guest is accepted.',
  tdx: `The policy does not name all of the software (one of ${tdxSoftware.join(', ')} is "any"): whatever runs in this guest is accepted.`,
  sgx: 'The policy names no enclave (mrEnclave "any"): whatever runs in it is accepted.',
} as const;

function isDebug(claims: Claims): boolean {
  if (claims.platform === 'sev-snp') return claims.report.policy.debug;
  const { body } = claims.quote;
  return body.kind === 'tdx' ? isDebugTd(body.report) : isDebugEnclave(body.report);
}

function allowsDebug({ platform }: Claims, { sevSnp, tdx, sgx }: Policy): boolean {
  const rule = {
    'sev-snp': sevSnp?.guestPolicy.debug,
    tdx: tdx?.attributes.debug,
    sgx: sgx?.debug,
  };
  return rule[platform] === 'dangerously-allowed';
}

function isOverdue(claims: Claims, id: CheckId): boolean {
  return claims.platform !== 'sev-snp' && claims.overdue.has(id);
}

/** What an accepted proof says, and what it does not. */
function proofWarnings({ circuit, service, replayable, signed }: ProofClaims): string[] {
  if (circuit === 'unreadable' || service === null) return [];
  const warnings = [
    circuit === 'response-open'
      ? `Proved: a key that the bundle's tree holds for ${service} signed this response. Hidden: that key, the service's build and the tree's other services.`
      : `Proved: the bundle's tree holds the disclosed key for ${service}; the signature was checked in the open. Hidden: the service's build and the tree's other services.`,
    'The proof is for your audience and nonce; it does not say who made it. Use a nonce once.',
  ];
  if (replayable) {
    warnings.push(
      "The response answers no client's nonce: it can be replayed, however new the proof.",
    );
  }
  if (circuit === 'response-open' && signed) {
    warnings.push(
      "The response came with its signature: the service's key can be computed from it, though the proof hides it.",
    );
  }
  return warnings;
}
