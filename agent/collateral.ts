/**
 * Certificates, CRLs and signed documents that travel with evidence: from the agent's own files, from the folder that the
 * refresher writes, and from the host's table. What is missing or stale never keeps evidence back: it is said.
 */
import {
  amdCollateralKinds,
  type CollateralItem,
  type CollateralKind,
  deviceCollateralKinds,
  intelCollateralKinds,
  type Platform,
} from '#verifier/abi/bundle.ts';
import { openSignedJson } from '#verifier/abi/intel-json.ts';
import { parseRim } from '#verifier/abi/nvidia/rim.ts';
import { pemLabelOf, readDerObject } from '#verifier/abi/pem.ts';
import type { SnpCertificate } from '#verifier/abi/snp-certs.ts';
import { sortCertificates } from '#verifier/abi/snp-forms.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { expiryOf } from './collateral-dates.ts';
import type { EvidenceSource } from './source.ts';

/**
 * The entries that the bundle has a kind for; unknown GUIDs are left out.
 * @throws AttestationError `pem-malformed`, `base64-malformed`, `der-malformed`
 */
export function toCollateral(
  certificates: readonly SnpCertificate[],
  fetched: UnixTime,
): CollateralItem[] {
  const source = 'host certificate table';
  return sortCertificates(certificates).collateral.map(({ kind, data }) => {
    return { kind, data, source, fetched };
  });
}

/**
 * DER of a file that may be PEM. A signed document goes out byte for byte, once it has the form of one.
 * @throws AttestationError `pem-malformed`, `der-malformed`, `base64-malformed`, `json-malformed`, `hex-malformed`,
 *   `utf8-malformed`, `too-large`, `form-unknown`, `value-out-of-range`, `signature-malformed`
 */
export function readCollateralData(kind: CollateralKind, bytes: Bytes, what: string): Bytes {
  if (kind === 'nvidia-rim') {
    parseRim(bytes, what);
    return bytes;
  }
  if (kind !== 'tcb-info' && kind !== 'qe-identity') {
    return readDerObject(bytes, pemLabelOf(kind), what);
  }
  openSignedJson(bytes, kind === 'tcb-info' ? 'tcbInfo' : 'enclaveIdentity', what);
  return bytes;
}

/** `source` of what the configuration's own files hold. */
export const configuredSource = 'agent configuration';

const kindsOf: Readonly<Record<Platform, readonly CollateralKind[]>> = {
  'sev-snp': amdCollateralKinds,
  tdx: intelCollateralKinds,
};

/**
 * The items that belong to evidence of the platform, and the kinds of the others: one image may be
 * configured for both platforms, and boot on either.
 */
export function splitByPlatform(
  platform: Platform,
  items: readonly CollateralItem[],
): { own: CollateralItem[]; foreign: CollateralKind[] } {
  // Devices are beside either processor.
  const kinds = [...kindsOf[platform], ...deviceCollateralKinds];
  const isOwn = ({ kind }: CollateralItem) => kinds.includes(kind);
  return {
    own: items.filter(isOwn),
    foreign: items.filter((item) => !isOwn(item)).map(({ kind }) => kind),
  };
}

/** What the folder says of itself, beside its items. */
export type FolderReport = {
  /** When the refresher looked last; null before its first file. */
  readonly checked: UnixTime | null;
  /** What the refresher could not get; null where nothing lacks. */
  readonly problem: string | null;
  /** Why the file that is there now is not used; null where it is, or where there is none yet. */
  readonly damaged: string | null;
};

/** The folder as the agent sees it. */
export type FolderView = {
  /** Looks whether the file changed, at most once a second. Never throws: what is wrong is in `report`. */
  look(): Promise<void>;
  /** Of the last file that could be used. */
  items(): readonly CollateralItem[];
  report(): FolderReport;
};

/** What evidence carries now, as far as that is known without asking the device. */
export type Carried = {
  readonly items: readonly CollateralItem[];
  /** Kinds that were there, and for which a bundle has no room. */
  readonly leftOut: readonly CollateralKind[];
  /** Null: there is no folder. */
  readonly folder: FolderReport | null;
};

/**
 * Characters of a bundle's JSON that collateral may take. The rest of its 8 MiB is for what else is in it at the most: a full log
 * (4,096 entries of 298 bytes: 1.65 million characters) and a report as long as the kernel gives any (1 MiB: 1.4 million).
 */
export const collateralRoom: number = 5 * 1024 * 1024;
const maxItems = 64;

/** At most: base64, a source in which each character is escaped, and the members' names. */
const sizeOf = ({ data, source }: CollateralItem) =>
  4 * Math.ceil(data.length / 3) + 2 * source.length + 128;

/** In their order, as long as there is room. */
function withinRoom(items: readonly CollateralItem[]): Omit<Carried, 'folder'> {
  const taken: CollateralItem[] = [];
  const leftOut: CollateralKind[] = [];
  let room = collateralRoom;
  for (const item of items) {
    const size = sizeOf(item);
    if (size > room || taken.length === maxItems) leftOut.push(item.kind);
    else {
      room -= size;
      taken.push(item);
    }
  }
  return { items: taken, leftOut };
}

/** All of the first list, and of each further one the kinds that those before it have not. */
function merge(...lists: readonly (readonly CollateralItem[])[]): CollateralItem[] {
  const merged: CollateralItem[] = [];
  for (const list of lists) {
    const kinds = new Set(merged.map(({ kind }) => kind));
    merged.push(...list.filter(({ kind }) => !kinds.has(kind)));
  }
  return merged;
}

/**
 * The same source, but for each kind that the agent holds itself: first its own files, then the folder's, then what came with the
 * report.
 */
export function withCollateral(
  source: EvidenceSource,
  own: readonly CollateralItem[],
  folder: FolderView | null = null,
): EvidenceSource {
  // Of the last report; the host may hand out others with the next.
  let came: readonly CollateralItem[] = [];
  const fromFolder = () => splitByPlatform(source.platform, folder?.items() ?? []).own;
  const carry = (last: readonly CollateralItem[]) => withinRoom(merge(own, fromFolder(), last));
  return {
    ...source,
    async report(reportData) {
      const [{ evidence, collateral }] = await Promise.all([
        source.report(reportData),
        folder?.look(),
      ]);
      came = collateral;
      return { evidence, collateral: carry(collateral).items };
    },
    async carried() {
      await folder?.look();
      const inner = await source.carried?.();
      const report = folder?.report() ?? inner?.folder ?? null;
      return { ...carry(inner?.items ?? came), folder: report };
    },
  };
}

/** What the agent adds by itself, of whatever platform, where no device could be opened. */
export async function configuredCollateral(
  own: readonly CollateralItem[],
  folder: FolderView | null,
): Promise<Carried> {
  await folder?.look();
  return { ...withinRoom(merge(own, folder?.items() ?? [])), folder: folder?.report() ?? null };
}

/** For people and their monitors: /info, /readyz, /metrics, doctor. */
export type CollateralStatus = FolderReport & {
  readonly items: readonly {
    readonly kind: CollateralKind;
    readonly source: string;
    readonly fetched: UnixTime;
    /** Null where the object does not say it. */
    readonly expires: UnixTime | null;
  }[];
  /** Kinds of the platform that are not there: the verifier must have them, or ask the vendor. */
  readonly missing: readonly CollateralKind[];
  readonly leftOut: readonly CollateralKind[];
  /** The first end of all. */
  readonly expires: UnixTime | null;
  /** That end, once it has passed. */
  readonly staleSince: UnixTime | null;
};

const noFolder: FolderReport = { checked: null, problem: null, damaged: null };

/** @param platform null where nobody knows it: then nothing is known to be missing */
export function collateralStatus(
  platform: Platform | null,
  { items, leftOut, folder }: Carried,
  now: UnixTime,
): CollateralStatus {
  const wanted = platform === null ? [] : kindsOf[platform];
  const dated = items.map(({ kind, data, source, fetched }) => {
    return { kind, source, fetched, expires: expiryOf({ kind, data }) };
  });
  const ends = dated.map(({ expires }) => expires).filter((end) => end !== null);
  const expires = ends.length === 0 ? null : Math.min(...ends);
  return {
    items: dated,
    missing: wanted.filter((kind) => !items.some((item) => item.kind === kind)),
    leftOut,
    expires,
    staleSince: expires !== null && expires < now ? expires : null,
    ...(folder ?? noFolder),
  };
}

/** What a person should know of it, one line; `ok`: nothing of it is to be mended. */
export function describeCollateral(status: CollateralStatus): { line: string; ok: boolean } {
  const { items, missing, leftOut, expires, staleSince, problem, damaged } = status;
  const there = items.map(({ kind }) => kind).join(', ') || 'nothing';
  const stale = items.filter((item) => item.expires !== null && item.expires <= (staleSince ?? -1));
  const wrong = [
    ...(staleSince === null ? [] : [`stale since ${formatTime(staleSince)} (${stale[0]?.kind})`]),
    ...(leftOut.length === 0 ? [] : [`no room for ${leftOut.join(', ')}`]),
    ...(damaged === null ? [] : [damaged]),
    ...(problem === null ? [] : [`the refresher says: ${problem}`]),
  ];
  const until = expires === null || staleSince !== null ? [] : [`until ${formatTime(expires)}`];
  const lacking = missing.length === 0 ? [] : [`not ${missing.join(', ')}`];
  const line = [`evidence carries ${there}`, ...until, ...lacking, ...wrong].join('; ');
  return { line, ok: wrong.length === 0 };
}
