/** Lint of the members `tdx` and `sgx`. */
import { intelQeVendorId } from '../abi/quote.ts';
import type { TcbPolicy } from '../appraise/intel-policy.ts';
import type { SgxPolicy } from '../appraise/sgx-policy.ts';
import { xfamFaults } from '../appraise/tdx.ts';
import { type TdxPolicy, tdxSoftware } from '../appraise/tdx-policy.ts';
import { fromHex, toHex } from '../bytes.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { Report } from './finding.ts';

export function lintTdx(policy: TdxPolicy, at: UnixTime, report: Report): void {
  lintTcb(policy.tcb, 'tdx', at, report);
  const { attributes, xfam } = policy;
  if (attributes.debug === 'dangerously-allowed') report('debug-allowed', 'tdx.attributes.debug');
  if (attributes.septVeDisable === 'any') report('sept-ve', 'tdx.attributes.septVeDisable');
  if (attributes.migratable === 'allowed') {
    report('migration-allowed', 'tdx.attributes.migratable');
  }
  if (attributes.unknownBits === 'allowed') {
    report('unknown-bits-allowed', 'tdx.attributes.unknownBits');
  }
  const illegal = xfam === 'any' ? [] : xfam.filter((value) => isIllegal(value));
  if (illegal.length > 0) report('xfam-illegal', 'tdx.xfam', illegal.join(', '));
  const unnamed = tdxSoftware.filter((name) => policy[name] === 'any');
  if (unnamed.length === tdxSoftware.length) report('software-unnamed', 'tdx.mrTd');
  else for (const name of unnamed) report('software-partly-named', `tdx.${name}`);
}

function isIllegal(xfam: string): boolean {
  return xfamFaults(fromHex(xfam, 'xfam')).length > 0;
}

export function lintSgx(policy: SgxPolicy, at: UnixTime, report: Report): void {
  lintTcb(policy.tcb, 'sgx', at, report);
  const { debug, attributes, mrEnclave, mrSigner } = policy;
  if (debug === 'dangerously-allowed') report('debug-allowed', 'sgx.debug');
  else if (attributes !== 'any' && wantsDebug(attributes)) {
    report('debug-contradiction', 'sgx.attributes');
  }
  for (const member of ['attributes', 'miscSelect'] as const) {
    const wanted = policy[member];
    if (wanted === 'any') continue;
    if (/^0+$/.test(wanted.mask)) report('empty-mask', `sgx.${member}.mask`);
    else if (hasBitsOutside(wanted)) report('mask-ignores-value', `sgx.${member}.value`);
  }
  if (mrEnclave !== 'any') return;
  if (mrSigner === 'any') report('software-unnamed', 'sgx.mrEnclave');
  else report('software-by-signer', 'sgx.mrEnclave');
}

type Masked = Exclude<SgxPolicy['attributes'], 'any'>;

/** DEBUG: bit 1 of the first byte. */
function wantsDebug({ value, mask }: Masked): boolean {
  const [wanted = 0] = fromHex(value, 'value');
  const [compared = 0] = fromHex(mask, 'mask');
  return (wanted & compared & 2) !== 0;
}

function hasBitsOutside({ value, mask }: Masked): boolean {
  return (BigInt(`0x${value}`) & ~BigInt(`0x${mask}`)) !== 0n;
}

/** 30 days */
const longGrace = 30 * 86_400;

function lintTcb(tcb: TcbPolicy, kind: 'tdx' | 'sgx', at: UnixTime, report: Report): void {
  const path = (member: keyof TcbPolicy) => `${kind}.tcb.${member}`;
  lintStatuses(tcb, kind, report);
  const { minimumDate, qeVendors } = tcb;
  if (minimumDate !== 'any' && minimumDate > at) {
    report('date-in-future', path('minimumDate'), formatTime(minimumDate));
  }
  for (const member of ['collateralGracePeriod', 'platformGracePeriod'] as const) {
    const seconds = tcb[member];
    if (seconds === 0) continue;
    report(seconds > longGrace ? 'long-grace' : 'grace-period', path(member), `${seconds} s`);
  }
  if (tcb.platformGracePeriod > 0 && isForgivenAnyway(tcb)) {
    report('grace-without-effect', path('platformGracePeriod'));
  }
  const foreign = qeVendors.filter((vendor) => vendor !== toHex(intelQeVendorId));
  if (foreign.length > 0) report('foreign-qe-vendor', path('qeVendors'), foreign.join(', '));
  lintAdvisories(tcb.refusedAdvisories, path('refusedAdvisories'), report);
}

function lintStatuses({ acceptedStatuses }: TcbPolicy, kind: 'tdx' | 'sgx', report: Report): void {
  const path = `${kind}.tcb.acceptedStatuses`;
  const which = (pattern: RegExp) => acceptedStatuses.filter((status) => pattern.test(status));
  const never = kind === 'sgx' ? which(/^TDRelaunch/) : [];
  if (never.length > 0) report('status-never-occurs', path, never.join(', '));
  const old = which(/^OutOfDate/);
  if (old.length > 0) report('out-of-date-accepted', path, old.join(', '));
  const rest = which(kind === 'sgx' ? /^Configuration/ : /^Configuration|^TDRelaunch/);
  if (rest.length > 0) report('configuration-accepted', path, rest.join(', '));
}

/** What the grace period forgives is in `graceOf` of appraise/intel.ts. */
function isForgivenAnyway({ acceptedStatuses: accepted }: TcbPolicy): boolean {
  return (
    accepted.includes('OutOfDate') &&
    (accepted.includes('OutOfDateConfigurationNeeded') || !accepted.includes('ConfigurationNeeded'))
  );
}

function lintAdvisories(advisories: readonly string[], path: string, report: Report): void {
  const seen = new Map<string, string>();
  for (const id of advisories) {
    const digits = /^INTEL-SA-([0-9]+)$/.exec(id)?.[1];
    if (digits === undefined) continue;
    const number = digits.replace(/^0+(?=.)/, '');
    const first = seen.get(number);
    if (first !== undefined) report('advisory-twice', path, `${first} and ${id}`);
    else seen.set(number, id);
    if (digits !== number.padStart(5, '0')) report('advisory-spelling', path, id);
  }
}
