/** What the policy says of a TD, one check a question. */
import { attributesOf, type TdBits, type TdReport, tdAttributeBits } from '../abi/td-report.ts';
import { type Bytes, fromHex, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { EventLogClaims } from '../verified.ts';
import { checkMember } from './member.ts';
import { describeRule, judgeRegister } from './register.ts';
import { isByEvents } from './register-policy.ts';
import type { TdxPolicy } from './tdx-policy.ts';

/** The low byte of ATTRIBUTES: any bit of it means that the TD can be debugged ("TUD", TD under debug). */
const underDebug = 0xffn;
/** x87 and SSE: always on. */
const xfamFixed1 = 0x3n;
/** All that a TDX module lets a TD have: x87 to AVX, AVX-512, PT, PKU, CET, user interrupts, LBR, AMX, APX. */
const xfamAllowed = 0xedbe7n;

const measurementChecks = {
  'policy.mrtd': ['mrTd', 'other firmware started the TD than the policy names'],
  'policy.mrseam': ['mrSeam', 'the TDX module is not one that the policy names'],
  'policy.mrsignerseam': ['mrSignerSeam', 'the TDX module is signed by somebody else'],
  'policy.seam-attributes': ['seamAttributes', 'the TDX module has other attributes'],
  'policy.mrconfigid': ['mrConfigId', 'the TD was launched with another configuration id'],
  'policy.mrowner': ['mrOwner', 'the TD was launched for another owner'],
  'policy.mrownerconfig': ['mrOwnerConfig', 'the TD was launched with another configuration'],
  'policy.report-data': ['reportData', 'the guest had other data signed'],
} as const satisfies Partial<Record<CheckId, [keyof TdxPolicy & keyof TdReport, string]>>;

const rtmrChecks = {
  'policy.rtmr0': ['rtmr0', 0],
  'policy.rtmr1': ['rtmr1', 1],
  'policy.rtmr2': ['rtmr2', 2],
  'policy.rtmr3': ['rtmr3', 3],
} as const satisfies Partial<Record<CheckId, [keyof TdxPolicy, 0 | 1 | 2 | 3]>>;

/** Makes the checks that are about the TD itself. @param eventLog of the RTMRs, or what is as good as none */
export function checkTd(
  list: Checklist,
  report: TdReport,
  policy: TdxPolicy,
  eventLog: EventLogClaims | null,
): void {
  checkDebug(list, report, policy);
  checkAttributes(list, report, policy);
  checkXfam(list, report, policy);
  checkTcbSvn(list, report, policy);
  for (const [id, [field, reason]] of Object.entries(measurementChecks) as [
    CheckId,
    (typeof measurementChecks)[keyof typeof measurementChecks],
  ][]) {
    checkMember(list, id, toHex(report[field]), policy[field], reason);
  }
  checkRtmrs(list, report, policy, eventLog);
  const { mrServiceTd } = report;
  checkMember(
    list,
    'policy.mrservicetd',
    mrServiceTd === null ? 'none: a TDX 1.0 quote has no such field' : toHex(mrServiceTd),
    policy.mrServiceTd,
    'other service TDs are bound to the TD than the policy names',
  );
}

function checkRtmrs(
  list: Checklist,
  { rtmr }: TdReport,
  policy: TdxPolicy,
  eventLog: EventLogClaims | null,
): void {
  for (const [id, [member, index]] of Object.entries(rtmrChecks) as [
    CheckId,
    (typeof rtmrChecks)[keyof typeof rtmrChecks],
  ][]) {
    const actual = toHex(rtmr[index]);
    const events =
      eventLog?.kind === 'rtmr'
        ? eventLog.events.filter(({ register }) => register === index)
        : null;
    const outcome = judgeRegister(actual, policy[member], events);
    if (outcome.status === 'unknown') list.skip(id, outcome.lacks);
    else {
      list.decide(id, outcome.status === 'fits', {
        expected: describeRule(policy[member]),
        actual,
        reason: outcome.status === 'fits' ? '' : outcome.reason,
      });
    }
  }
}

/** Whether a register is named by its events, which only their log tells. */
export function needsEventLog(policy: TdxPolicy): boolean {
  return Object.values(rtmrChecks).some(([member]) => isByEvents(policy[member]));
}

/** Any of the low eight bits, of which DEBUG is one: the TD is under debug or profiled from outside, and Intel trusts none such. */
export function isDebugTd(report: TdReport): boolean {
  return (attributesOf(report.tdAttributes) & underDebug) !== 0n;
}

function checkDebug(list: Checklist, report: TdReport, { attributes }: TdxPolicy): void {
  const debug = isDebugTd(report);
  list.decide('policy.debug', !debug || attributes.debug === 'dangerously-allowed', {
    expected: attributes.debug === 'refused' ? 'debug off' : 'any (debug dangerously allowed)',
    actual: debug ? 'debug on' : 'debug off',
    reason: 'the host can read and write the memory of this guest',
  });
}

function checkAttributes(list: Checklist, report: TdReport, { attributes }: TdxPolicy): void {
  const bits = attributesOf(report.tdAttributes);
  const isOn = (key: string) =>
    tdAttributeBits.some((known) => known.key === key && (bits & maskOf(known)) !== 0n);
  const { debug: _, unknownBits, ...switches } = attributes;
  const faults = Object.entries(switches).flatMap(([key, wanted]) => {
    if (wanted === 'refused' && isOn(key)) return [`${key} is on`];
    return wanted === 'required' && !isOn(key) ? [`${key} is off`] : [];
  });
  const unknown = tdAttributeBits.reduce(
    (left, known) => left & ~maskOf(known),
    bits & ~underDebug,
  );
  if (unknown !== 0n && unknownBits === 'refused')
    faults.push(`unknown bits 0x${unknown.toString(16)} are set`);
  const asked = Object.entries(switches).flatMap(([key, wanted]) => {
    if (wanted === 'refused') return [`${key} off`];
    return wanted === 'required' ? [`${key} on`] : [];
  });
  if (unknownBits === 'refused') asked.push('no unknown bits');
  list.decide('policy.td-attributes', faults.length === 0, {
    expected: asked.join(', ') || 'any',
    actual: toHex(report.tdAttributes),
    reason: faults.join(', '),
  });
}

function maskOf({ bit, count }: TdBits): bigint {
  return ((1n << BigInt(count)) - 1n) << BigInt(bit);
}

/** Why no TDX module would start a TD with this XFAM; empty for a legal one. @param xfam 8 bytes */
export function xfamFaults(xfam: Bytes): string[] {
  const bits = attributesOf(xfam);
  const unknown = bits & ~xfamAllowed;
  const faults: string[] = [];
  if ((bits & xfamFixed1) !== xfamFixed1) faults.push('x87 and SSE, which are always on, are off');
  if (unknown !== 0n)
    faults.push(`bits 0x${unknown.toString(16)} are on, which no TDX module allows`);
  return faults;
}

function checkXfam(list: Checklist, { xfam }: TdReport, policy: TdxPolicy): void {
  const faults = xfamFaults(xfam);
  if (policy.xfam !== 'any' && !policy.xfam.includes(toHex(xfam)))
    faults.push('the features are not those that the policy names');
  list.decide('policy.xfam', faults.length === 0, {
    expected: policy.xfam === 'any' ? 'any that is legal' : policy.xfam.join(' or '),
    actual: toHex(xfam),
    reason: faults.join(', '),
  });
}

function checkTcbSvn(list: Checklist, { teeTcbSvn }: TdReport, policy: TdxPolicy): void {
  const id = 'policy.tee-tcb-svn';
  const actual = toHex(teeTcbSvn);
  if (policy.minimumTeeTcbSvn === 'any') return list.pass(id, { expected: 'any', actual });
  const floor = fromHex(policy.minimumTeeTcbSvn, 'minimumTeeTcbSvn');
  list.decide(id, behind(teeTcbSvn, floor).length === 0, {
    expected: `at least ${policy.minimumTeeTcbSvn}, part by part`,
    actual,
    reason: behind(teeTcbSvn, floor).join(', '),
  });
}

function behind(svns: Bytes, floor: Bytes): string[] {
  return [...floor].flatMap((wanted, i) => {
    const found = svns[i] as number;
    return found < wanted ? [`part ${i} is ${wanted - found} behind`] : [];
  });
}
