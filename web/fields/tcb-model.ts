/** Versions of firmware against what the policy and the vendor ask for. Pure: tcb.tsx draws it. */
import { decodeTcb, type SnpProduct, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import type { DevicePolicy, VersionFloors } from '#verifier/appraise/device-policy.ts';
import type { SnpPolicy } from '#verifier/appraise/snp-policy.ts';
import { reaches } from '#verifier/appraise/version.ts';
import type { CheckId } from '#verifier/checks.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { NvidiaClaims, SnpClaims } from '#verifier/verified.ts';

/** `behind` is how many versions are missing to the floor. */
export type TcbCell = { value: number; floor: number | null; behind: number };
/** `missing`: floors are set, and none for this product, so that it is refused; `no-policy`: the policy refuses SEV-SNP. */
export type FloorState = 'set' | 'any' | 'missing' | 'no-policy';

export const snpTcbs = ['reported', 'current', 'committed', 'launch'] as const;
export type SnpTcbName = (typeof snpTcbs)[number];

export type SnpTcbColumn = {
  which: SnpTcbName;
  check: CheckId;
  floor: FloorState;
  /** Null where the field does not fit the product's layout. */
  parts: TcbParts | null;
};
export type SnpTcbRow = {
  part: keyof TcbParts;
  /** What the longest bar of the row stands for; at least 1. */
  scale: number;
  /** One for each column, null where that could not be read. */
  cells: readonly (TcbCell | null)[];
};
export type SnpTcbTable = {
  product: SnpProduct;
  columns: readonly SnpTcbColumn[];
  rows: readonly SnpTcbRow[];
};

const fieldOf = {
  reported: 'reportedTcb',
  current: 'currentTcb',
  committed: 'committedTcb',
  launch: 'launchTcb',
} as const;
const checkOf = {
  reported: 'policy.reported-tcb',
  current: 'policy.current-tcb',
  committed: 'policy.committed-tcb',
  launch: 'policy.launch-tcb',
} as const;
const partsOf: Record<SnpProduct, readonly (keyof TcbParts)[]> = {
  Milan: ['bootLoader', 'tee', 'snp', 'microcode'],
  Genoa: ['bootLoader', 'tee', 'snp', 'microcode'],
  Turin: ['fmc', 'bootLoader', 'tee', 'snp', 'microcode'],
};

/**
 * The four TCBs of a report, part by part.
 * @param policy undefined where the policy refuses SEV-SNP
 * @returns null for a report of an unknown product, whose layout is not known
 */
export function snpTcbTable(
  { report, product }: Pick<SnpClaims, 'report' | 'product'>,
  policy: SnpPolicy | undefined,
): SnpTcbTable | null {
  if (product === null) return null;
  const found = snpTcbs.map((which) => {
    const floors = policy?.minimumTcb[which];
    const floor = floors === undefined || floors === 'any' ? null : (floors[product] ?? null);
    const state: FloorState =
      floors === undefined ? 'no-policy' : floors === 'any' ? 'any' : floor ? 'set' : 'missing';
    const parts = readTcb(product, report[fieldOf[which]], which);
    return { which, check: checkOf[which], floor: state, floors: floor, parts };
  });
  const rows = partsOf[product].map((part) => {
    const cells = found.map(({ parts, floors }) =>
      parts === null ? null : cellOf(parts[part], floors?.[part] ?? null),
    );
    return { part, scale: scaleOf(cells), cells };
  });
  return { product, columns: found.map(({ floors: _, ...column }) => column), rows };
}

function readTcb(
  product: SnpProduct,
  bytes: SnpClaims['report']['reportedTcb'],
  name: string,
): TcbParts | null {
  try {
    return decodeTcb(product, bytes, name);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function cellOf(value: number, floor: number | null): TcbCell {
  return { value, floor, behind: Math.max((floor ?? 0) - value, 0) };
}

function scaleOf(cells: readonly (TcbCell | null)[]): number {
  return Math.max(...cells.flatMap((cell) => [cell?.value ?? 0, cell?.floor ?? 0]), 1);
}

export type VersionCell = {
  version: string | null;
  /** Null where the policy asks for none. */
  floor: string | null;
  /** The policy sets floors, and none for this architecture. */
  missing: boolean;
  reached: boolean;
};
export type DeviceRow = {
  kind: NvidiaClaims['kind'];
  architecture: string;
  driver: VersionCell;
  firmware: VersionCell;
};

/** Versions of NVIDIA's devices, in the order of the evidence. */
export function deviceRows(
  devices: readonly NvidiaClaims[],
  policy: DevicePolicy,
): readonly DeviceRow[] {
  const nvidia = typeof policy === 'string' || policy.nvidia === 'refused' ? null : policy.nvidia;
  return devices.map(({ kind, architecture, driver, vbios }) => ({
    kind,
    architecture,
    // A switch has no driver.
    driver: versionCell(
      'driver',
      driver,
      kind === 'switch' ? 'any' : nvidia?.minimumDriver,
      architecture,
    ),
    firmware: versionCell('firmware', vbios, nvidia?.minimumFirmware, architecture),
  }));
}

function versionCell(
  kind: 'driver' | 'firmware',
  version: string | null,
  floors: 'any' | VersionFloors | undefined,
  architecture: string,
): VersionCell {
  if (floors === undefined || floors === 'any') {
    return { version, floor: null, missing: false, reached: true };
  }
  const known: Readonly<Record<string, string | undefined>> = floors;
  const floor = Object.hasOwn(known, architecture) ? (known[architecture] ?? null) : null;
  const reached = floor !== null && reaches(kind, version, floor);
  return { version, floor, missing: floor === null, reached };
}
