/** Stage policy: what was verified against what one user accepts. It never throws for evidence; it returns a verdict. */
import { decodeTcb, describeTcb, type SnpProduct, type TcbParts } from '../abi/snp-tcb.ts';
import { type Bytes, toHex } from '../bytes.ts';
import { Checklist, type CheckResult } from '../checklist.ts';
import { applicableChecks, type CheckId, entryOf } from '../checks.ts';
import { fieldToBytes } from '../field.ts';
import { aVerified, type SnpClaims, type Verified } from '../verified.ts';
import { type Policy, policyDigest, type SnpPolicy } from './policy.ts';
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

function checkSnp(
  list: Checklist,
  { report, product, cspId }: SnpClaims,
  policy: SnpPolicy | undefined,
): void {
  if (policy === undefined) {
    for (const id of snpChecks)
      list.fail(id, { reason: 'the policy has no member sevSnp: SEV-SNP is refused' });
    return;
  }
  member(
    list,
    'policy.product',
    product ?? 'unknown',
    policy.product,
    'the product is not one that the policy accepts',
  );
  const provider = cspId === null ? '' : `: its provider is ${cspId}`;
  member(
    list,
    'policy.signing-key',
    report.signingKey,
    policy.signingKey,
    `the policy does not accept this kind of key${provider}`,
  );
  list.decide('policy.debug', !report.policy.debug || policy.debug === 'dangerously-allowed', {
    expected: policy.debug === 'refused' ? 'debug off' : 'any (debug dangerously allowed)',
    actual: report.policy.debug ? 'debug on' : 'debug off',
    reason: 'the host can read and write the memory of this guest',
  });
  list.decide('policy.migration', !report.policy.migrateMa || policy.migration === 'allowed', {
    expected: policy.migration === 'refused' ? 'no migration agent' : 'any',
    actual: report.policy.migrateMa ? 'a migration agent is allowed' : 'no migration agent',
    reason: 'the guest may be migrated',
  });
  const vmpl = report.vmpl === 0xffffffff ? 'asked for by the host' : report.vmpl;
  member(list, 'policy.vmpl', vmpl, policy.vmpl, 'the report comes from another privilege level');
  checkFloor(list, product, report.reportedTcb, policy);
  member(
    list,
    'policy.chip-id',
    toHex(report.chipId),
    policy.chipId,
    'the chip is not one that the policy names',
  );
  member(
    list,
    'policy.measurement',
    toHex(report.measurement),
    policy.measurement,
    'another software was launched than the policy names',
  );
  member(
    list,
    'policy.host-data',
    toHex(report.hostData),
    policy.hostData,
    'the host gave other data at launch',
  );
  member(
    list,
    'policy.report-data',
    toHex(report.reportData),
    policy.reportData,
    'the guest had other data signed',
  );
}

const snpChecks = [
  'policy.product',
  'policy.signing-key',
  'policy.debug',
  'policy.migration',
  'policy.vmpl',
  'policy.minimum-tcb',
  'policy.chip-id',
  'policy.measurement',
  'policy.host-data',
  'policy.report-data',
] as const satisfies readonly CheckId[];

function checkFloor(
  list: Checklist,
  product: SnpClaims['product'],
  tcb: Bytes,
  policy: SnpPolicy,
): void {
  const id = 'policy.minimum-tcb';
  if (policy.minimumTcb === 'any') return list.pass(id, { expected: 'any' });
  if (product === null) return list.skip(id, 'the product, which tells how to read the TCB');
  const floor = policy.minimumTcb[product];
  if (floor === undefined)
    return list.fail(id, { reason: `the policy has no floor for ${product}` });
  const parts = readTcb(product, tcb);
  if (parts === null)
    return list.fail(id, { reason: 'REPORTED_TCB has reserved bytes that are not zero' });
  const behind = (Object.keys(floor) as (keyof TcbParts)[]).filter(
    (part) => parts[part] < floor[part],
  );
  list.decide(id, behind.length === 0, {
    expected: `at least ${describeTcb(floor)}`,
    actual: describeTcb(parts),
    reason: behind.map((part) => `${part} is ${floor[part] - parts[part]} behind`).join(', '),
  });
}

/** A report that failed its checks is appraised all the same, so that all its faults are seen. */
function readTcb(product: SnpProduct, tcb: Bytes): TcbParts | null {
  try {
    return decodeTcb(product, tcb, 'REPORTED_TCB');
  } catch {
    return null;
  }
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
    } else member(list, id, actual, accepted, reason);
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
  member(
    list,
    'policy.channel',
    bundle?.channel?.kind ?? 'none',
    policy.channel,
    'the evidence can be relayed',
  );
}

function member<T extends string | number>(
  list: Checklist,
  id: CheckId,
  actual: T,
  accepted: 'any' | readonly T[],
  reason: string,
): void {
  if (accepted === 'any') return list.pass(id, { expected: 'any', actual: String(actual) });
  list.decide(id, accepted.includes(actual), {
    expected:
      accepted.length === 0
        ? 'nothing: the value asked for is not one that the policy accepts'
        : accepted.join(' or '),
    actual: String(actual),
    reason,
  });
}

function waive(check: CheckResult, policy: Policy, at: number): CheckResult {
  const waiver = policy.waivers.find(({ check: id }) => id === check.id);
  if (check.status !== 'skip' || waiver === undefined) return check;
  if (waiver.expires !== null && waiver.expires <= at)
    return { ...check, reason: `${check.reason}; its waiver has expired` };
  return { ...check, status: 'waived', reason: `${check.reason}; waived: ${waiver.reason}` };
}

function warningsFor(
  { insecureRoot, bundle, claims, subject }: Verified,
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
  if (claims?.report.policy.debug && policy.sevSnp?.debug === 'dangerously-allowed') {
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
  return warnings;
}
