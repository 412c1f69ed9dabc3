/**
 * The TCB status of a machine, as Intel's quote verification library computes it (Intel SGX and TDX DCAP Quoting
 * Library API, "TCB status convergence"): the highest level of the TCB info that the platform reaches, made worse by
 * that of the TDX module and of the quoting enclave. Pure: whether the documents are Intel's and current, and whether
 * they are of this platform, is for the caller.
 */
import { type Bytes, equalBytes, isZero, toHex } from '../bytes.ts';
import type { UnixTime } from '../time.ts';
import type { IsvLevel, IsvStatus, TcbStatus } from './intel-json.ts';
import type { QeIdentity } from './qe-identity.ts';
import {
  componentCount,
  type TcbInfo,
  type TcbLevel,
  type TdxModule,
  type TdxModuleIdentity,
} from './tcb-info.ts';
import { nearestLevel, shortfalls } from './tcb-shortfall.ts';

/**
 * `TDRelaunchAdvised`: the module was updated while the TD ran, and only its start with the old one counts against it.
 */
export type ConvergedStatus =
  | TcbStatus
  | 'TDRelaunchAdvised'
  | 'TDRelaunchAdvisedConfigurationNeeded'
  | 'NotSupported';

export type TcbInput = {
  info: TcbInfo;
  identity: QeIdentity;
  /** Of the PCK certificate: 16 SGX component SVNs, and PCESVN. */
  pck: { components: readonly number[]; pceSvn: number };
  /** Of the TD report, 16 bytes each (TEE_TCB_SVN_2 from TDX 1.5 on); null for an SGX quote. */
  tee: { teeTcbSvn: Bytes; teeTcbSvn2: Bytes | null } | null;
  /** Of the quoting enclave's report. */
  qeIsvSvn: number;
};

/** A level that fits. */
export type Matched = { status: TcbStatus; date: UnixTime; advisories: readonly string[] };
/** With the versions it asks for. */
export type MatchedPlatform = Matched & Pick<TcbLevel, 'sgx' | 'pceSvn' | 'tdx'>;
export type MatchedIsv = IsvLevel;

export type TcbAssessment = {
  status: ConvergedStatus;
  /** The level that counts. */
  platform: MatchedPlatform | null;
  /** The first level whose SGX part fits: for SGX the same as `platform`. */
  sgx: MatchedPlatform | null;
  /**
   * Null when no level fits, for a module version without an identity of its own, and without a platform: then it is
   * not looked at.
   */
  module: (MatchedIsv & { id: string }) | null;
  qe: MatchedIsv | null;
  /** Of platform, module and QE together, sorted, each once. */
  advisories: readonly string[];
  /** The earliest date of these three levels; null when NotSupported. */
  date: UnixTime | null;
  /** Why NotSupported, in words. */
  problem: string | null;
};

/**
 * @throws RangeError when an array of the input has another length than its type states; whatever the documents hold is
 * an assessment
 */
export function assessTcb(input: TcbInput): TcbAssessment {
  demandLengths(input);
  const wrong = wrongDocument(input);
  if (wrong !== null) return assessment(nothing, { status: 'NotSupported', problem: wrong });
  const levels = input.info.tcbLevels.toSorted(highestFirst);
  const highestFor = (teeTcbSvn: Bytes | null) =>
    levels.find((level) => shortfalls(level, { pck: input.pck, teeTcbSvn }).length === 0) ?? null;
  const sgx = highestFor(null);
  const platform = input.tee === null ? sgx : highestFor(input.tee.teeTcbSvn);
  const module = platform && matchModule(input);
  const qe = matchIsv(input.identity.tcbLevels, input.qeIsvSvn);
  const found = { platform, sgx, module, qe };
  return assessment(found, judge(input, levels, found));
}

type Found = {
  platform: TcbLevel | null;
  sgx: TcbLevel | null;
  module: TcbAssessment['module'];
  qe: MatchedIsv | null;
};
const nothing: Found = { platform: null, sgx: null, module: null, qe: null };

type Verdict = { status: ConvergedStatus; problem: string | null };

function assessment(found: Found, { status, problem }: Verdict): TcbAssessment {
  const { platform, sgx, module, qe } = found;
  const counted = [platform, module, qe].filter((matched) => matched !== null);
  return {
    status,
    platform: platform && matchedPlatform(platform),
    sgx: sgx && matchedPlatform(sgx),
    module,
    qe,
    advisories: [...new Set(counted.flatMap(({ advisories }) => advisories))].sort(),
    date: status === 'NotSupported' ? null : Math.min(...counted.map(({ date }) => date)),
    problem,
  };
}

function matchedPlatform(level: TcbLevel): MatchedPlatform {
  const { labels: _, ...matched } = level;
  return matched;
}

/** The order of the checks is that of Intel's library, since which one speaks first decides the status. */
function judge(input: TcbInput, levels: readonly TcbLevel[], found: Found): Verdict {
  const { tee } = input;
  const { platform, sgx, module, qe } = found;
  if (platform === null || sgx === null) {
    return notSupported(nearestLevel(levels, { ...input, teeTcbSvn: tee?.teeTcbSvn ?? null }));
  }
  if (module === null && majorOf(tee?.teeTcbSvn) > 0) return notSupported(missingModule(input));
  const status = worsen(platform.status, module?.status ?? 'UpToDate');
  // Of a TD this stands even where the quoting enclave is below all of its levels.
  if (tee !== null && status === 'Revoked') return { status, problem: null };
  if (qe === null) {
    const { id, tcbLevels } = input.identity;
    return notSupported(belowAll("the quoting enclave's ISVSVN", input.qeIsvSvn, id, tcbLevels));
  }
  const advised =
    tee?.teeTcbSvn2 && qe.status === 'UpToDate' && module?.status === 'OutOfDate'
      ? adviseRelaunch(input.info, levels, sgx.status, status, tee.teeTcbSvn2)
      : null;
  return advised ?? { status: worsen(status, qe.status), problem: null };
}

function notSupported(problem: string): Verdict {
  return { status: 'NotSupported', problem };
}

function belowAll(what: string, actual: number, id: string, levels: readonly IsvLevel[]): string {
  const lowest = Math.min(...levels.map(({ isvSvn }) => isvSvn));
  return `${what} is ${actual}, the lowest level of ${id} needs ${lowest}`;
}

function missingModule({ info, tee }: TcbInput): string {
  const major = majorOf(tee?.teeTcbSvn);
  const identity = findModule(info, major);
  if (identity !== undefined) {
    const minor = tee?.teeTcbSvn[0] ?? 0;
    return belowAll("the TDX module's version", minor, identity.id, identity.tcbLevels);
  }
  const known = info.tdxModuleIdentities.map(({ id }) => id).join(', ') || 'none';
  return `the TCB info holds no identity ${moduleId(major)} of the TDX module (known: ${known})`;
}

/** What is not of this kind of evidence has no levels that could count. */
function wrongDocument({ info, identity, tee }: TcbInput): string | null {
  const [evidence, infoId, identityId] =
    tee === null ? ['an SGX quote', 'SGX', 'QE'] : ['a TDX quote', 'TDX', 'TD_QE'];
  if (info.id !== infoId) return `the TCB info is for ${info.id}, the evidence is ${evidence}`;
  if (identity.id === identityId) return null;
  return `the QE identity is that of ${identity.id}, ${evidence} needs ${identityId}`;
}

function demandLengths({ pck, tee }: TcbInput): void {
  for (const svns of [pck.components, tee?.teeTcbSvn, tee?.teeTcbSvn2]) {
    if (svns && svns.length !== componentCount) {
      throw new RangeError(`expected ${componentCount} SVNs, got ${svns.length}`);
    }
  }
}

/** A platform's status with that of its TDX module or quoting enclave. */
export function worsen(status: TcbStatus, part: IsvStatus): TcbStatus {
  if (part === 'Revoked') return 'Revoked';
  return part === 'OutOfDate' ? outOfDate[status] : status;
}

const outOfDate: Record<TcbStatus, TcbStatus> = {
  UpToDate: 'OutOfDate',
  SWHardeningNeeded: 'OutOfDate',
  ConfigurationNeeded: 'OutOfDateConfigurationNeeded',
  ConfigurationAndSWHardeningNeeded: 'OutOfDateConfigurationNeeded',
  OutOfDate: 'OutOfDate',
  OutOfDateConfigurationNeeded: 'OutOfDateConfigurationNeeded',
  Revoked: 'Revoked',
};

const configurationNeeded: ReadonlySet<TcbStatus> = new Set([
  'ConfigurationNeeded',
  'OutOfDateConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
]);

/**
 * TDX 1.5: TEE_TCB_SVN is of the module that the TD started with, TEE_TCB_SVN_2 of the one that runs now. When the
 * first is out of date but the second is the latest, with the latest microcode, starting the TD again is all that is
 * needed. Null when it would not help.
 */
function adviseRelaunch(
  info: TcbInfo,
  levels: readonly TcbLevel[],
  sgx: TcbStatus,
  status: TcbStatus,
  running: Bytes,
): Verdict | null {
  // Out of date in its own right, or revoked.
  if (sgx === outOfDate[sgx]) return null;
  // Components 0 and 1 are the module's minor and major version, 2 is the microcode.
  const latest = levels[0]?.tdx;
  const major = majorOf(running);
  const identity = findModule(info, major);
  if (major > 0 && identity === undefined) {
    return notSupported(`TEE_TCB_SVN_2: the TCB info holds no identity ${moduleId(major)}`);
  }
  const latestModule =
    identity === undefined
      ? latest?.[0]
      : Math.max(...identity.tcbLevels.map(({ isvSvn }) => isvSvn));
  if (!reaches(running[0], latestModule) || !reaches(running[2], latest?.[2])) return null;
  const configure = configurationNeeded.has(sgx) || configurationNeeded.has(status);
  return {
    status: configure ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised',
    problem: null,
  };
}

function reaches(svn: number | undefined, needed: number | undefined): boolean {
  return svn !== undefined && needed !== undefined && svn >= needed;
}

/** By SGX components, PCESVN and TDX components, each from the first that differs. */
function highestFirst(a: TcbLevel, b: TcbLevel): number {
  const all = ({ sgx, pceSvn, tdx }: TcbLevel) => [...sgx, pceSvn, ...(tdx ?? [])];
  const other = all(b);
  return (
    all(a)
      .map((svn, index) => (other[index] ?? 0) - svn)
      .find((difference) => difference !== 0) ?? 0
  );
}

/** The major version of a TDX module; 0 also for none. */
function majorOf(teeTcbSvn: Bytes | undefined): number {
  return teeTcbSvn?.[1] ?? 0;
}

function moduleId(major: number): string {
  return `TDX_${major.toString(16).padStart(2, '0').toUpperCase()}`;
}

function findModule(info: TcbInfo, major: number): TdxModuleIdentity | undefined {
  if (major === 0) return undefined;
  return info.tdxModuleIdentities.find(({ id }) => id.toUpperCase() === moduleId(major));
}

function matchModule({ info, tee }: TcbInput): TcbAssessment['module'] {
  const identity = findModule(info, majorOf(tee?.teeTcbSvn));
  const level = identity && matchIsv(identity.tcbLevels, tee?.teeTcbSvn[0] ?? 0);
  return identity && level ? { id: identity.id, ...level } : null;
}

/** The highest level not above `isvSvn`. */
function matchIsv(levels: readonly IsvLevel[], isvSvn: number): MatchedIsv | null {
  const fitting = levels.toSorted((a, b) => b.isvSvn - a.isvSvn);
  return fitting.find((level) => level.isvSvn <= isvSvn) ?? null;
}

/**
 * What MRSIGNERSEAM and SEAMATTRIBUTES must be for this TEE_TCB_SVN: from the identity of the module's major version,
 * or, of version 0, from the TCB info itself (`id` null). Null when Intel's document knows no such module.
 */
export function moduleIdentityOf(
  info: TcbInfo,
  teeTcbSvn: Bytes,
): (TdxModule & { id: string | null }) | null {
  if (majorOf(teeTcbSvn) === 0) return info.tdxModule && { ...info.tdxModule, id: null };
  return findModule(info, majorOf(teeTcbSvn)) ?? null;
}

/**
 * What makes the module another one than that of the TCB info, in words; empty when it is that one. As in Intel's
 * library, SEAMATTRIBUTES must be zero whatever the mask.
 */
export function moduleMatches(
  module: TdxModule,
  report: { mrSignerSeam: Bytes; seamAttributes: Bytes },
): string[] {
  const faults: string[] = [];
  if (!equalBytes(module.mrSigner, report.mrSignerSeam)) {
    faults.push(
      `MRSIGNERSEAM should be ${toHex(module.mrSigner)}, got ${toHex(report.mrSignerSeam)}`,
    );
  }
  const { seamAttributes } = report;
  if (!isZero(seamAttributes)) {
    faults.push(`SEAMATTRIBUTES should be zero, got ${toHex(seamAttributes)}`);
  }
  if (!equalBytes(module.attributes, seamAttributes)) {
    faults.push(
      `SEAMATTRIBUTES should be ${toHex(module.attributes)}, got ${toHex(seamAttributes)}`,
    );
  }
  return faults;
}
