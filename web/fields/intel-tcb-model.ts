/** Security versions of an Intel platform against the levels of Intel's TCB info. Pure: intel-tcb.tsx draws it. */
import type { QeIdentity } from '#verifier/abi/qe-identity.ts';
import { parseQeIdentity } from '#verifier/abi/qe-identity.ts';
import { parseTcbInfo, type TcbInfo, type TcbLevel } from '#verifier/abi/tcb-info.ts';
import { type Shortfall, shortfalls } from '#verifier/abi/tcb-shortfall.ts';
import type { TcbAssessment } from '#verifier/abi/tcb-status.ts';
import type { TcbPolicy } from '#verifier/appraise/intel-policy.ts';
import { type Bytes, equalBytes, fromHex } from '#verifier/bytes.ts';
import type { Pck } from '#verifier/chain/intel.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral } from '#verifier/evidence.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { QuoteClaims } from '#verifier/verified.ts';
import { tcbStrings } from '../strings/tcb.ts';
import { pckOf } from './pck.ts';

export type SvnKind = 'sgx' | 'pce' | 'tdx' | 'module' | 'qe';
export type SvnRow = {
  kind: SvnKind;
  /** From 1; 0 where there is one alone. */
  number: number;
  /** What Intel calls the component, where it does. */
  label: string | null;
  platform: number;
  /** Of the level that counts; null where none does. */
  reached: number | null;
  newest: number | null;
  /** Of the policy. */
  floor: number | null;
  scale: number;
};
export type LevelSummary = Pick<TcbLevel, 'status' | 'date' | 'advisories'>;

export type IntelTcbTable = {
  tee: 'tdx' | 'sgx';
  /** Null where collateral is missing. */
  assessment: TcbAssessment | null;
  newest: LevelSummary | null;
  rows: readonly SvnRow[];
  /** What the platform lacks for the newest level. */
  lacking: readonly Shortfall[];
};

export type IntelPolicy = { tcb: TcbPolicy; minimumTeeTcbSvn?: string };

type Input = {
  claims: QuoteClaims;
  /** Given and in the bundle. */
  collateral: readonly Pick<Collateral, 'kind' | 'data'>[];
  policy: IntelPolicy | undefined;
  at: UnixTime;
};

/** Null where the platform's certificate could not be read: it is what names the versions. */
export function intelTcbTable({ claims, collateral, policy, at }: Input): IntelTcbTable | null {
  const { quote, tcb, platform: tee } = claims;
  const pck = pckOf(quote);
  if (pck === null) return null;
  const info = current(read(collateral, 'tcb-info', tcbInfoOf), at, (one) => isOf(one, tee, pck));
  const identity = current(read(collateral, 'qe-identity', qeIdentityOf), at, ({ id }) =>
    tee === 'tdx' ? id === 'TD_QE' : id === 'QE',
  );
  const teeTcbSvn = quote.body.kind === 'tdx' ? quote.body.report.teeTcbSvn : null;
  const newest = info === null ? null : highest(info.tcbLevels);
  const input = { pck: pck.tcb, teeTcbSvn };
  const rows = rowsOf({ claims, pck, teeTcbSvn, info, identity, newest, policy });
  return {
    tee,
    assessment: tcb,
    newest: newest && {
      status: newest.status,
      date: newest.date,
      advisories: newest.advisories,
    },
    rows,
    lacking: newest === null ? [] : [...shortfalls(newest, input), ...lackingParts(rows)],
  };
}

/** The module and the quoting enclave have levels of their own. */
function lackingParts(rows: readonly SvnRow[]): Shortfall[] {
  return rows
    .filter(({ kind }) => kind === 'module' || kind === 'qe')
    .filter(({ platform, newest }) => newest !== null && platform < newest)
    .map((row) => ({
      what: tcbStrings.nameOf(row),
      actual: row.platform,
      needed: row.newest ?? 0,
    }));
}

type RowsInput = {
  claims: QuoteClaims;
  pck: Pck;
  teeTcbSvn: Bytes | null;
  info: TcbInfo | null;
  identity: QeIdentity | null;
  newest: TcbLevel | null;
  policy: IntelPolicy | undefined;
};

function rowsOf(input: RowsInput): SvnRow[] {
  const { claims, pck, teeTcbSvn, newest, policy, identity } = input;
  const { quote, tcb } = claims;
  const reached = tcb?.platform ?? null;
  const major = teeTcbSvn?.[1] ?? 0;
  const teeFloor = policy?.minimumTeeTcbSvn;
  const floors = teeFloor === undefined || teeFloor === 'any' ? null : fromHex(teeFloor, 'floor');
  const pceFloor = policy?.tcb.minimumPceSvn;
  const qeFloor = policy?.tcb.minimumQeSvn;
  return [
    ...pck.tcb.components.map((svn, i) =>
      rowOf('sgx', i + 1, labelOf(newest?.labels?.sgx[i]), svn, [reached?.sgx[i], newest?.sgx[i]]),
    ),
    rowOf('pce', 0, null, pck.tcb.pceSvn, [
      reached?.pceSvn,
      newest?.pceSvn,
      typeof pceFloor === 'number' ? pceFloor : null,
    ]),
    ...[...(teeTcbSvn ?? [])].map((svn, i) =>
      // From TDX 1.5 on the first two are the module's version, which has levels of its own.
      rowOf('tdx', i + 1, labelOf(newest?.labels?.tdx?.[i]), svn, [
        major > 0 && i < 2 ? null : reached?.tdx?.[i],
        major > 0 && i < 2 ? null : newest?.tdx?.[i],
        floors?.[i],
      ]),
    ),
    ...moduleRows(input, major),
    rowOf('qe', 0, null, quote.qeReport.isvSvn, [
      tcb?.qe?.isvSvn,
      identity && Math.max(...identity.tcbLevels.map(({ isvSvn }) => isvSvn)),
      typeof qeFloor === 'number' ? qeFloor : null,
    ]),
  ];
}

function moduleRows({ claims, teeTcbSvn, info }: RowsInput, major: number): SvnRow[] {
  const { tcb } = claims;
  const id = `TDX_${major.toString(16).padStart(2, '0')}`.toUpperCase();
  const found = info?.tdxModuleIdentities.find((one) => one.id.toUpperCase() === id);
  if (major === 0 || found === undefined) return [];
  const newest = Math.max(...found.tcbLevels.map(({ isvSvn }) => isvSvn));
  return [rowOf('module', 0, found.id, teeTcbSvn?.[0] ?? 0, [tcb?.module?.isvSvn, newest])];
}

function rowOf(
  kind: SvnKind,
  number: number,
  label: string | null,
  platform: number,
  needed: readonly (number | null | undefined)[],
): SvnRow {
  const [reached, newest, floor] = needed;
  const scale = Math.max(platform, ...needed.map((one) => one ?? 0), 1);
  return {
    ...{ kind, number, label, platform, scale },
    reached: reached ?? null,
    newest: newest ?? null,
    floor: floor ?? null,
  };
}

function labelOf(label: { category?: string; type?: string } | undefined): string | null {
  const found = [label?.category, label?.type].filter((text) => text !== undefined);
  return found.length === 0 ? null : found.join(', ');
}

/** A row in which there is nothing to see: the version is 0, and nobody asks for more. */
export function isEmptyRow({ kind, platform, reached, newest, floor }: SvnRow): boolean {
  const highest = Math.max(platform, reached ?? 0, newest ?? 0, floor ?? 0);
  return highest === 0 && (kind === 'sgx' || kind === 'tdx');
}

/** As Intel orders them: by SGX components, PCESVN and TDX components, each from the first that differs. */
function highest(levels: readonly TcbLevel[]): TcbLevel | null {
  const all = ({ sgx, pceSvn, tdx }: TcbLevel) => [...sgx, pceSvn, ...(tdx ?? [])];
  const isHigher = (one: TcbLevel, other: TcbLevel) => {
    const below = all(other);
    const difference = all(one)
      .map((svn, i) => svn - (below[i] ?? 0))
      .find((by) => by !== 0);
    return (difference ?? 0) > 0;
  };
  return levels.reduce<TcbLevel | null>(
    (best, level) => (best === null || isHigher(level, best) ? level : best),
    null,
  );
}

function isOf({ id, fmspc, pceId }: TcbInfo, tee: 'tdx' | 'sgx', pck: Pck): boolean {
  return id.toLowerCase() === tee && equalBytes(fmspc, pck.fmspc) && equalBytes(pceId, pck.pceId);
}

const tcbInfoOf = (bytes: Bytes) => parseTcbInfo(bytes).info;
const qeIdentityOf = (bytes: Bytes) => parseQeIdentity(bytes).identity;

type Dated = { issueDate: UnixTime; nextUpdate: UnixTime };

/** The first that fits and is current, else the first that fits. */
function current<T extends Dated>(
  documents: readonly T[],
  at: UnixTime,
  fits: (document: T) => boolean,
): T | null {
  const fitting = documents.filter(fits);
  const isCurrent = ({ issueDate, nextUpdate }: Dated) => issueDate <= at && at <= nextUpdate;
  return fitting.find(isCurrent) ?? fitting[0] ?? null;
}

/** What cannot be read is for the checks to say. */
function read<T>(
  collateral: Input['collateral'],
  kind: Collateral['kind'],
  parse: (bytes: Bytes) => T,
): T[] {
  return collateral
    .filter((item) => item.kind === kind)
    .flatMap(({ data }) => {
      try {
        return [parse(data)];
      } catch (error) {
        if (error instanceof AttestationError) return [];
        throw error;
      }
    });
}
