/** What the policy says of a platform of Intel's: its TCB, its age, its configuration. */
import { toHex } from '../bytes.ts';
import type { Checklist, CheckResult } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { QuoteClaims } from '../verified.ts';
import type { PlatformPolicy, TcbPolicy } from './intel-policy.ts';
import { checkMember } from './member.ts';

const lacksTcb = 'TCB info and QE identity, by which Intel judges the TCB';
const lacksPck = 'a readable PCK certificate';

/** Makes the checks that TDX and SGX share. */
export function checkPlatform(
  list: Checklist,
  claims: QuoteClaims,
  { tcb, platform }: { tcb: TcbPolicy; platform: PlatformPolicy },
  at: UnixTime,
): void {
  checkStatus(list, claims, tcb, at);
  checkEvaluation(list, claims, tcb);
  checkEnclaves(list, claims, tcb);
  checkIdentity(list, claims, platform);
}

function checkStatus(list: Checklist, { tcb }: QuoteClaims, policy: TcbPolicy, at: UnixTime): void {
  if (tcb === null) {
    for (const id of ['policy.tcb-status', 'policy.tcb-date', 'policy.advisories'] as const)
      list.skip(id, lacksTcb);
    return;
  }
  const part = (name: string, found: { status: string; date: UnixTime } | null) =>
    found === null ? [] : [`${name} ${found.status} (${formatTime(found.date)})`];
  const parts = [
    ...part('platform', tcb.platform),
    ...part('TDX module', tcb.module),
    ...part('quoting enclave', tcb.qe),
  ];
  const grace = graceOf(tcb, policy);
  list.decide('policy.tcb-status', isAccepted(tcb, policy) || (grace !== null && at <= grace), {
    expected: policy.acceptedStatuses.join(' or '),
    actual: tcb.status,
    reason:
      [parts.join(', '), ...(tcb.problem === null ? [] : [tcb.problem])].join('; ') +
      (grace === null ? '' : `; the grace period ended at ${formatTime(grace)}`),
  });

  const { minimumDate } = policy;
  list.decide(
    'policy.tcb-date',
    minimumDate === 'any' || (tcb.date !== null && tcb.date >= minimumDate),
    {
      expected: minimumDate === 'any' ? 'any' : `not before ${formatTime(minimumDate)}`,
      actual: tcb.date === null ? 'none: no level was reached' : formatTime(tcb.date),
      reason: dateReason(tcb.date, minimumDate),
    },
  );
  const refused = tcb.advisories.filter((id) => policy.refusedAdvisories.includes(id));
  list.decide('policy.advisories', refused.length === 0, {
    expected:
      policy.refusedAdvisories.length === 0
        ? 'any'
        : `none of ${policy.refusedAdvisories.join(', ')}`,
    actual: tcb.advisories.length === 0 ? 'none' : tcb.advisories.join(', '),
    reason: `${refused.join(', ')} applies`,
  });
}

function dateReason(date: UnixTime | null, floor: 'any' | UnixTime): string {
  if (date === null || floor === 'any') return 'no TCB level was reached, and so no date';
  const days = Math.ceil((floor - date) / 86_400);
  return `the TCB level is older than the policy asks: ${days} ${days === 1 ? 'day' : 'days'} behind`;
}

type Assessment = NonNullable<QuoteClaims['tcb']>;

function isAccepted({ status }: Assessment, { acceptedStatuses }: TcbPolicy): boolean {
  return acceptedStatuses.some((accepted) => accepted === status);
}

/** Until when an out-of-date platform is accepted all the same; null when no grace applies. */
function graceOf(
  { status, date }: Assessment,
  { platformGracePeriod, acceptedStatuses }: TcbPolicy,
): UnixTime | null {
  if (platformGracePeriod === 0 || date === null) return null;
  const outOfDate =
    status === 'OutOfDate' ||
    (status === 'OutOfDateConfigurationNeeded' && acceptedStatuses.includes('ConfigurationNeeded'));
  return outOfDate ? date + platformGracePeriod : null;
}

function checkEvaluation(
  list: Checklist,
  { evaluationNumbers: { tcbInfo, qeIdentity } }: QuoteClaims,
  { minimumEvaluationNumber: floor }: TcbPolicy,
): void {
  const id = 'policy.tcb-evaluation-number';
  if (tcbInfo === null || qeIdentity === null) {
    if (floor === 'any') return list.pass(id, { expected: 'any' });
    return list.skip(id, lacksTcb);
  }
  list.decide(id, floor === 'any' || Math.min(tcbInfo, qeIdentity) >= floor, {
    expected: floor === 'any' ? 'any' : `at least ${floor}`,
    actual: `TCB info ${tcbInfo}, QE identity ${qeIdentity}`,
    reason: `the collateral is of an older evaluation than the policy asks${
      floor === 'any' ? '' : `: ${floor - Math.min(tcbInfo, qeIdentity)} behind`
    }`,
  });
}

function checkEnclaves(list: Checklist, { quote, pck }: QuoteClaims, policy: TcbPolicy): void {
  checkMember(
    list,
    'policy.qe-vendor',
    toHex(quote.header.qeVendorId),
    policy.qeVendors,
    'the quoting enclave is of another vendor',
  );
  checkFloor(list, 'policy.qe-svn', quote.qeReport.isvSvn, policy.minimumQeSvn);
  if (pck !== null) checkFloor(list, 'policy.pce-svn', pck.tcb.pceSvn, policy.minimumPceSvn);
  else if (policy.minimumPceSvn === 'any') list.pass('policy.pce-svn', { expected: 'any' });
  else list.skip('policy.pce-svn', lacksPck);
}

/** One number against the policy's floor. */
export function checkFloor(
  list: Checklist,
  id: CheckId,
  actual: number,
  floor: 'any' | number,
): void {
  list.decide(id, floor === 'any' || actual >= floor, {
    expected: floor === 'any' ? 'any' : `at least ${floor}`,
    actual: String(actual),
    reason: floor === 'any' ? '' : `it is ${floor - actual} behind`,
  });
}

function checkIdentity(list: Checklist, { pck }: QuoteClaims, policy: PlatformPolicy): void {
  const member = (id: CheckId, actual: string | null, accepted: 'any' | readonly string[]) => {
    if (pck !== null)
      checkMember(list, id, actual ?? 'none', accepted, 'the policy does not name this platform');
    else if (accepted === 'any') list.pass(id, { expected: 'any' });
    else list.skip(id, lacksPck);
  };
  const instance = pck?.platformInstanceId ?? null;
  member('policy.fmspc', pck && toHex(pck.fmspc), policy.fmspc);
  member('policy.ppid', pck && toHex(pck.ppid), policy.ppid);
  member('policy.platform-instance', instance && toHex(instance), policy.instanceId);

  const id = 'policy.platform-configuration';
  if (pck === null) return list.skip(id, lacksPck);
  const { sgxType, configuration } = pck;
  const switches = [
    ['dynamic platform', configuration?.dynamicPlatform, policy.dynamicPlatform],
    ['cached keys', configuration?.cachedKeys, policy.cachedKeys],
    ['SMT', configuration?.smtEnabled, policy.smt],
  ] as const;
  // A certificate of a single-package platform does not say; a feature that is refused is then not known to be off.
  const faults = switches
    .filter(([, found, wanted]) => wanted === 'refused' && found !== false)
    .map(([name, found]) => `${name} is ${found === true ? 'on' : 'not stated'}`);
  if (!policy.sgxType.includes(sgxType)) faults.push(`SGX type is ${sgxType}`);
  const shown = switches.map(
    ([name, found]) => `${name} ${found === undefined ? 'not stated' : found ? 'on' : 'off'}`,
  );
  const refused = switches.filter(([, , wanted]) => wanted === 'refused');
  list.decide(id, faults.length === 0, {
    expected: [policy.sgxType.join(' or '), ...refused.map(([name]) => `${name} off`)].join(', '),
    actual: [sgxType, ...shown].join(', '),
    reason: faults.join(', '),
  });
}

/**
 * A document or list that is past its nextUpdate, but within the policy's grace period: the failure is forgiven, and shown. Nothing
 * else that fails before stage policy can be.
 */
export function forgive(
  check: CheckResult,
  { overdue }: QuoteClaims,
  { collateralGracePeriod }: TcbPolicy,
  at: UnixTime,
): CheckResult {
  const since = overdue.get(check.id);
  if (check.status !== 'fail' || since === undefined || at > since + collateralGracePeriod)
    return check;
  const end = formatTime(since + collateralGracePeriod);
  return {
    ...check,
    status: 'waived',
    reason: `${check.reason}; accepted until ${end}, the end of the policy's grace period`,
  };
}
