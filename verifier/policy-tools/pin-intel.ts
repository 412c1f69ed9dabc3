/** The members `tdx` and `sgx` that one quote fits. */
import type { EnclaveReport } from '../abi/sgx-report.ts';
import { attributesOf, type TdReport, tdAttributeBits } from '../abi/td-report.ts';
import {
  acceptableStatuses,
  type PlatformPolicy,
  type TcbPolicy,
} from '../appraise/intel-policy.ts';
import type { SgxPolicy } from '../appraise/sgx-policy.ts';
import type { TdxPolicy } from '../appraise/tdx-policy.ts';
import { type Bytes, bigEndian, toHex } from '../bytes.ts';
import type { QuoteClaims } from '../verified.ts';
import { any, feature, type PinnedPart, protection, type Remark } from './pin-parts.ts';

export function pinTdx(
  claims: QuoteClaims,
  report: TdReport,
  pinChip: boolean,
): PinnedPart<TdxPolicy> {
  const one = (value: Bytes) => [toHex(value)];
  const [rtmr0, rtmr1, rtmr2, rtmr3] = report.rtmr;
  const rules: TdxPolicy = {
    tcb: pinTcb(claims),
    platform: pinPlatform(claims, pinChip),
    attributes: pinAttributes(report),
    xfam: one(report.xfam),
    minimumTeeTcbSvn: toHex(report.teeTcbSvn),
    mrTd: one(report.mrTd),
    mrSeam: 'any',
    mrSignerSeam: one(report.mrSignerSeam),
    seamAttributes: one(report.seamAttributes),
    mrConfigId: one(report.mrConfigId),
    mrOwner: one(report.mrOwner),
    mrOwnerConfig: one(report.mrOwnerConfig),
    rtmr0: one(rtmr0),
    rtmr1: one(rtmr1),
    rtmr2: one(rtmr2),
    rtmr3: one(rtmr3),
    mrServiceTd: report.mrServiceTd === null ? 'any' : one(report.mrServiceTd),
    reportData: 'any',
  };
  const launch = 'compare with what you pass at launch';
  const given: [string, Bytes, string][] = [
    ['mrTd', report.mrTd, 'compute it from the firmware that you ordered'],
    ['rtmr0', rtmr0, 'replay the event log: the machine as firmware found it'],
    ['rtmr1', rtmr1, 'replay the event log: boot loader and kernel'],
    ['rtmr2', rtmr2, 'replay the event log: command line and initial system'],
    ['rtmr3', rtmr3, 'what was measured later; it may differ at the next boot'],
    ['mrConfigId', report.mrConfigId, launch],
    ['mrOwner', report.mrOwner, launch],
    ['mrOwnerConfig', report.mrOwnerConfig, launch],
  ];
  return {
    rules,
    believed: [
      ...given.map(([name, value, about]) => ({ path: `tdx.${name}`, value: toHex(value), about })),
      ...believedPlatform(rules.platform, 'tdx'),
    ],
    open: [
      any('tdx.reportData', 'new with every nonce'),
      any('tdx.mrSeam', 'Intel updates TDX modules; minimumTeeTcbSvn is the floor'),
      ...openPlatform(rules.platform, 'tdx'),
    ],
  };
}

export function pinSgx(
  claims: QuoteClaims,
  report: EnclaveReport,
  pinChip: boolean,
): PinnedPart<SgxPolicy> {
  // Written as the report holds it, least significant byte first.
  const miscSelect = toHex(bigEndian(report.miscSelect, 4).toReversed());
  const rules: SgxPolicy = {
    tcb: pinTcb(claims),
    platform: pinPlatform(claims, pinChip),
    debug: 'refused',
    attributes: { value: toHex(report.attributes), mask: 'ff'.repeat(16) },
    miscSelect: { value: miscSelect, mask: 'ff'.repeat(4) },
    mrEnclave: [toHex(report.mrEnclave)],
    mrSigner: [toHex(report.mrSigner)],
    isvProdId: [report.isvProdId],
    minimumIsvSvn: report.isvSvn,
    configId: [toHex(report.configId)],
    minimumConfigSvn: report.configSvn,
    isvExtProdId: [toHex(report.isvExtProdId)],
    isvFamilyId: [toHex(report.isvFamilyId)],
    reportData: 'any',
  };
  const given: [string, string, string][] = [
    ['mrEnclave', toHex(report.mrEnclave), 'compute it from the enclave that you built'],
    ['mrSigner', toHex(report.mrSigner), 'is it your signer?'],
    ['isvProdId', String(report.isvProdId), 'the product that the signer calls it'],
    ['minimumIsvSvn', String(report.isvSvn), 'the version that the signer gives it'],
    ['configId', toHex(report.configId), 'compare with what you pass at launch'],
  ];
  return {
    rules,
    believed: [
      ...given.map(([name, value, about]) => ({ path: `sgx.${name}`, value, about })),
      ...believedPlatform(rules.platform, 'sgx'),
    ],
    open: [any('sgx.reportData', 'new with every quote'), ...openPlatform(rules.platform, 'sgx')],
  };
}

function pinTcb({ quote, pck, tcb, evaluationNumbers }: QuoteClaims): TcbPolicy {
  const status = acceptableStatuses.find((one) => one === tcb?.status);
  const { tcbInfo, qeIdentity } = evaluationNumbers;
  return {
    // A status that nothing accepts, or none: the appraisal says so.
    acceptedStatuses: [status ?? 'UpToDate'],
    minimumDate: tcb?.date ?? 'any',
    minimumEvaluationNumber:
      tcbInfo === null || qeIdentity === null ? 'any' : Math.min(tcbInfo, qeIdentity),
    refusedAdvisories: [],
    collateralGracePeriod: 0,
    platformGracePeriod: 0,
    qeVendors: [toHex(quote.header.qeVendorId)],
    minimumQeSvn: quote.qeReport.isvSvn,
    minimumPceSvn: pck?.tcb.pceSvn ?? 'any',
  };
}

function pinPlatform({ pck }: QuoteClaims, pinChip: boolean): PlatformPolicy {
  // What the certificate does not state cannot be refused.
  const refusedIfOff = (found: boolean | undefined) => (found === false ? 'refused' : 'allowed');
  const configuration = pck?.configuration;
  const instance = pck?.platformInstanceId ?? null;
  return {
    fmspc: pck === null ? 'any' : [toHex(pck.fmspc)],
    ppid: pinChip && pck !== null ? [toHex(pck.ppid)] : 'any',
    instanceId: pinChip && instance !== null ? [toHex(instance)] : 'any',
    dynamicPlatform: refusedIfOff(configuration?.dynamicPlatform),
    cachedKeys: refusedIfOff(configuration?.cachedKeys),
    smt: refusedIfOff(configuration?.smtEnabled),
    sgxType: [pck?.sgxType ?? 'standard'],
  };
}

function believedPlatform({ ppid, instanceId }: PlatformPolicy, kind: string): Remark[] {
  return Object.entries({ ppid, instanceId }).flatMap(([name, values]) =>
    values === 'any'
      ? []
      : values.map((value) => ({
          path: `${kind}.platform.${name}`,
          value,
          about: 'is it your machine?',
        })),
  );
}

function openPlatform({ ppid }: PlatformPolicy, kind: string): Remark[] {
  return ppid === 'any' ? [any(`${kind}.platform.ppid`, 'any platform (--pin-chip)')] : [];
}

function pinAttributes({ tdAttributes }: TdReport): TdxPolicy['attributes'] {
  const bits = attributesOf(tdAttributes);
  const maskOf = ({ bit, count }: { bit: number; count: number }) =>
    ((1n << BigInt(count)) - 1n) << BigInt(bit);
  const isOn = (key: string) =>
    tdAttributeBits.some((known) => known.key === key && (bits & maskOf(known)) !== 0n);
  // The low byte is for debugging, and is refused as a whole.
  const unknown = tdAttributeBits.reduce((left, known) => left & ~maskOf(known), bits & ~0xffn);
  return {
    debug: 'refused',
    septVeDisable: protection(isOn('septVeDisable')),
    lass: protection(isOn('lass')),
    icssd: protection(isOn('icssd')),
    migratable: feature(isOn('migratable')),
    pks: feature(isOn('pks')),
    keyLocker: feature(isOn('keyLocker')),
    tpa: feature(isOn('tpa')),
    perfmon: feature(isOn('perfmon')),
    servTdExt: feature(isOn('servTdExt')),
    unknownBits: feature(unknown !== 0n),
  };
}
