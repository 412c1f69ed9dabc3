/**
 * The simulated Intel's TCB info and QE identity: by default those under which the simulated
 * machine is up to date, with lower levels below it, as genuine ones have.
 */
import { type KeyObject, sign } from 'node:crypto';
import { encodeQeIdentity, type QeIdentity } from '#verifier/abi/qe-identity.ts';
import type { Tee } from '#verifier/abi/quote.ts';
import {
  type ComponentLabel,
  encodeTcbInfo,
  type IsvStatus,
  type TcbInfo,
  type TcbLevel,
  type TcbStatus,
  type TdxModuleIdentity,
} from '#verifier/abi/tcb-info.ts';
import { type Bytes, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { type Change, changePlan } from './certificates.ts';
import type { PckValues } from './intel-profile.ts';

type Signing = {
  signer: KeyObject;
  /** Applied to the inner object before it is signed: a wrongly built document, rightly signed. */
  editText: (inner: string) => string;
  /** Applied to the whole file after that: a document that was tampered with. */
  editFile: (file: string) => string;
};
export type TcbInfoPlan = TcbInfo & Signing;
export type QeIdentityPlan = QeIdentity & Signing;

/** `bytes`: the file as Intel's service answers it. */
export type SignedDocument<Plan> = { plan: Plan; bytes: Bytes };

/** What a document is issued for; it lasts 30 days from `issueDate` on. */
export type DocumentOptions = {
  tee: Tee;
  machine: PckValues;
  signer: KeyObject;
  issueDate: UnixTime;
};

export function issueTcbInfo(
  options: DocumentOptions,
  change?: Change<TcbInfoPlan>,
): SignedDocument<TcbInfoPlan> {
  const plan = changePlan({ ...defaultTcbInfo(options), ...unedited(options) }, change);
  return signDocument('tcbInfo', encodeTcbInfo(plan), plan);
}

export function issueQeIdentity(
  options: DocumentOptions,
  change?: Change<QeIdentityPlan>,
): SignedDocument<QeIdentityPlan> {
  const plan = changePlan({ ...defaultQeIdentity(options), ...unedited(options) }, change);
  return signDocument('enclaveIdentity', encodeQeIdentity(plan), plan);
}

/** Gives the levels that the simulated machine and its TDX module reach another status. */
export function tcbInfoStatus(wanted: {
  platform?: TcbStatus;
  module?: IsvStatus;
  advisories?: readonly string[];
}): Change<TcbInfoPlan> {
  const { platform, module, advisories = [] } = wanted;
  return ({ tcbLevels, tdxModuleIdentities }) => ({
    ...(platform && { tcbLevels: topLevel(tcbLevels, { status: platform, advisories }) }),
    ...(module && {
      tdxModuleIdentities: tdxModuleIdentities.map((identity) => ({
        ...identity,
        tcbLevels: topLevel(identity.tcbLevels, { status: module, advisories }),
      })),
    }),
  });
}

/** Gives the level that the simulated quoting enclave reaches another status. */
export function qeIdentityStatus(
  status: IsvStatus,
  advisories: readonly string[] = [],
): Change<QeIdentityPlan> {
  return ({ tcbLevels }) => ({ tcbLevels: topLevel(tcbLevels, { status, advisories }) });
}

function topLevel<Level>(levels: readonly Level[], change: Partial<Level>): Level[] {
  return levels.map((level, index) => (index === 0 ? { ...level, ...change } : level));
}

function unedited({ signer }: DocumentOptions): Signing {
  return { signer, editText: (inner) => inner, editFile: (file) => file };
}

function signDocument<Plan extends Signing>(
  member: 'tcbInfo' | 'enclaveIdentity',
  wanted: string,
  plan: Plan,
): SignedDocument<Plan> {
  const inner = plan.editText(wanted);
  const key = { key: plan.signer, dsaEncoding: 'ieee-p1363' } as const;
  const signature = toHex(new Uint8Array(sign('sha256', utf8(inner), key)));
  return { plan, bytes: utf8(plan.editFile(`{"${member}":${inner},"signature":"${signature}"}`)) };
}

const days30 = 30 * 86_400;
/** 2025-05-14, 2024-03-13, 2018-01-04: dates of genuine levels. */
const dates = { current: 1_747_180_800, older: 1_710_288_000, oldest: 1_515_024_000 };

const zeros8 = new Array<number>(8).fill(0);
const sgxLabels: readonly ComponentLabel[] = padLabels([
  { category: 'BIOS', type: 'Early Microcode Update' },
  { category: 'OS/VMM', type: 'SGX Late Microcode Update' },
  { category: 'OS/VMM', type: 'TXT SINIT' },
  { category: 'BIOS' },
  { category: 'BIOS' },
  { category: 'BIOS' },
  {},
  { category: 'OS/VMM', type: 'SEAMLDR ACM' },
]);
const tdxLabels: readonly ComponentLabel[] = padLabels([
  { category: 'OS/VMM', type: 'TDX Module' },
  { category: 'OS/VMM', type: 'TDX Module' },
  { category: 'OS/VMM', type: 'TDX Late Microcode Update' },
]);

function padLabels(named: readonly ComponentLabel[]): ComponentLabel[] {
  return Array.from({ length: 16 }, (_, index) => named[index] ?? {});
}

function defaultTcbInfo({ tee, machine, issueDate }: DocumentOptions): TcbInfo {
  const ofTdx = tee === 'tdx';
  return {
    id: ofTdx ? 'TDX' : 'SGX',
    version: 3,
    issueDate,
    nextUpdate: issueDate + days30,
    fmspc: machine.fmspc,
    pceId: machine.pceId,
    tcbType: 0,
    tcbEvaluationDataNumber: 19,
    tdxModule: ofTdx ? intelModule : null,
    tdxModuleIdentities: ofTdx ? moduleIdentities : [],
    tcbLevels: ofTdx ? tdxLevels : tdxLevels.map(withoutTdx),
  };
}

const noAdvisories: readonly string[] = [];
const advisories = ['INTEL-SA-01036', 'INTEL-SA-01099'];

const intelModule = {
  mrSigner: new Uint8Array(48),
  attributes: new Uint8Array(8),
  attributesMask: new Uint8Array(8).fill(0xff),
};
const moduleIdentities: readonly TdxModuleIdentity[] = [
  {
    id: 'TDX_03',
    ...intelModule,
    tcbLevels: [{ isvSvn: 3, date: dates.current, status: 'UpToDate', advisories: noAdvisories }],
  },
  {
    id: 'TDX_01',
    ...intelModule,
    tcbLevels: [
      { isvSvn: 6, date: dates.current, status: 'UpToDate', advisories: noAdvisories },
      { isvSvn: 4, date: dates.older, status: 'OutOfDate', advisories },
    ],
  },
];

const current = [3, 3, 2, 2, 4, 1, 0, 5, ...zeros8];
const older = [2, 2, 2, 2, 3, 1, 0, 5, ...zeros8];
const tdxLevels: readonly TcbLevel[] = [
  level(current, 13, 3, dates.current, 'UpToDate', noAdvisories),
  level(older, 13, 2, dates.older, 'OutOfDate', advisories),
  level(older, 5, 2, dates.oldest, 'OutOfDate', ['INTEL-SA-00106', ...advisories]),
];

function level(
  sgx: readonly number[],
  pceSvn: number,
  lateMicrocode: number,
  date: UnixTime,
  status: TcbStatus,
  advisories: readonly string[],
): TcbLevel {
  const tdx = [5, 0, lateMicrocode, 0, 0, 0, 0, 0, ...zeros8];
  const labels = { sgx: sgxLabels, tdx: tdxLabels };
  return { sgx, pceSvn, tdx, date, status, advisories, labels };
}

function withoutTdx(whole: TcbLevel): TcbLevel {
  return { ...whole, tdx: null, labels: { sgx: sgxLabels, tdx: null } };
}

/** Who signs Intel's quoting enclaves, and which product of theirs each is. */
export const quotingEnclaves = {
  sgx: {
    id: 'QE',
    mrSigner: fromHex(
      '8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff',
      'MRSIGNER',
      32,
    ),
    isvProdId: 1,
    isvSvn: 10,
  },
  tdx: {
    id: 'TD_QE',
    mrSigner: fromHex(
      'dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5',
      'MRSIGNER',
      32,
    ),
    isvProdId: 2,
    isvSvn: 7,
  },
} as const;

function defaultQeIdentity({ tee, issueDate }: DocumentOptions): QeIdentity {
  const { id, mrSigner, isvProdId, isvSvn } = quotingEnclaves[tee];
  return {
    id,
    version: 2,
    issueDate,
    nextUpdate: issueDate + days30,
    tcbEvaluationDataNumber: 19,
    miscSelect: 0,
    miscSelectMask: 0xffffffff,
    attributes: fromHex('11000000000000000000000000000000', 'attributes'),
    attributesMask: fromHex('fbffffffffffffff0000000000000000', 'attributesMask'),
    mrSigner,
    isvProdId,
    tcbLevels: [
      { isvSvn: isvSvn - 2, date: dates.current, status: 'UpToDate', advisories: noAdvisories },
      { isvSvn: isvSvn - 4, date: dates.older, status: 'OutOfDate', advisories },
    ],
  };
}
