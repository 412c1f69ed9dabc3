/** Stage policy: what was verified against what one user accepts. It never throws for evidence; it returns a verdict. */
import { toHex } from '../bytes.ts';
import { Checklist, type CheckResult } from '../checklist.ts';
import { applicableChecks, type CheckId, entryOf, waivableChecks } from '../checks.ts';
import { fieldToBytes } from '../field.ts';
import { aVerified, type ProofClaims, type Verified } from '../verified.ts';
import { checkMember } from './member.ts';
import { type Policy, policyDigest } from './policy.ts';
import { checkSnp } from './snp.ts';
import { decide, type Verdict } from './verdict.ts';

/** @throws TypeError for a `verified` that `verify` did not make */
export function appraise(verified: Verified, policy: Policy): Verdict {
  const { subject, checks: before, claims, at, expires } = aVerified(verified);
  const list = new Checklist(
    applicableChecks(subject).filter((id) => entryOf(id).stage === 'policy'),
  );
  if (claims === null) list.skipRest('a readable report');
  else {
    checkSnp(list, claims, policy.sevSnp);
    checkSoftware(list, verified, policy);
    checkMoment(list, verified, policy);
  }
  const checks = [...before, ...list.finish()].map((check) => waive(check, policy, at));
  return {
    decision: decide(checks),
    at,
    policy: toHex(policyDigest(policy)),
    checks,
    expires,
    warnings: warningsFor(verified, policy),
  };
}

/** Closure and services are the word of the software that was measured: of software that nobody named they prove nothing. */
function checkSoftware(list: Checklist, { bundle }: Verified, policy: Policy): void {
  const named = policy.sevSnp !== undefined && policy.sevSnp.measurement !== 'any';
  const claim = (
    id: CheckId,
    actual: string | null,
    accepted: 'any' | readonly string[],
    reason: string,
  ) => {
    if (accepted === 'any') list.pass(id, { expected: 'any', ...(actual !== null && { actual }) });
    else if (actual === null) list.skip(id, 'an evidence bundle: a raw report carries no digests');
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
  const waiver = policy.waivers.find(({ check: id }) => id === check.id);
  if (check.status !== 'skip' || waiver === undefined) return check;
  if (!waivableChecks.includes(check.id))
    return { ...check, reason: `${check.reason}; this check cannot be waived` };
  if (waiver.expires !== null && waiver.expires <= at)
    return { ...check, reason: `${check.reason}; its waiver has expired` };
  return { ...check, status: 'waived', reason: `${check.reason}; waived: ${waiver.reason}` };
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
  if (policy.sevSnp?.measurement === 'any') {
    warnings.push(
      'The policy names no software (measurement "any"): whatever runs in this guest is accepted.',
    );
  }
  if (claims?.report.policy.debug && policy.sevSnp?.guestPolicy.debug === 'dangerously-allowed') {
    warnings.push(
      'DANGEROUS: the guest is in debug mode and the policy allows it: the host sees all its memory.',
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
