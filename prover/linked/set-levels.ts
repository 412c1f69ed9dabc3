/**
 * The floor that accepts what the plain verifier accepts (verifier/abi/tcb-status.ts), from Intel's own documents: one level for
 * each platform level, TDX module level and quoting enclave level that together have an accepted status. Pure: whether the
 * documents are Intel's and current is for the caller.
 */
import type { TcbStatus } from '#verifier/abi/intel-json.ts';
import type { QeIdentity } from '#verifier/abi/qe-identity.ts';
import type { TcbInfo, TcbLevel } from '#verifier/abi/tcb-info.ts';
import { assessTcb, moduleIdentityOf, moduleMatches } from '#verifier/abi/tcb-status.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { LevelTdx } from './formulas.ts';
import { maxSetEntries } from './sets.ts';

export type FloorStatus = Exclude<TcbStatus, 'Revoked'>;

export const floorStatuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
] as const satisfies readonly FloorStatus[];

export type Floor =
  | { readonly kind: 'floor'; readonly levels: readonly LevelTdx[] }
  /** A machine could reach an accepted level and still have another status: no floor says that. */
  | { readonly kind: 'no-floor'; readonly problem: string };

/** What the circuit tdx-quote asks of a quoting enclave, whatever the set. */
const quotingEnclave = {
  mrSigner: fromHex(
    'dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5',
    'MRSIGNER of the quoting enclave',
    32,
  ),
  isvProdId: 2,
};

/** And of a TDX module. */
const module = { mrSignerSeam: new Uint8Array(48), seamAttributes: new Uint8Array(8) };

/**
 * A machine reaches one of these levels exactly when its status by both documents is one of those accepted, TEE_TCB_SVN_2 left
 * aside (a circuit does not see it, and it only tells one kind of OutOfDate from the other).
 * @throws AttestationError `value-out-of-range` for documents of another TEE, or of an enclave that no circuit knows; `too-large`
 */
export function floorOf(
  info: TcbInfo,
  identity: QeIdentity,
  accepted: readonly FloorStatus[],
): Floor {
  demandTdx(info, identity);
  const levels: LevelTdx[] = [];
  for (const major of majorsOf(info)) {
    const grid = gridOf(info, identity, accepted, major);
    const problem = conflictOf(grid);
    if (problem !== null) return { kind: 'no-floor', problem };
    levels.push(...acceptedCorners(grid));
  }
  return { kind: 'floor', levels };
}

function demandTdx(info: TcbInfo, identity: QeIdentity): void {
  const { id, mrSigner, isvProdId, tcbLevels } = identity;
  const refuse = (problem: string) => new AttestationError('value-out-of-range', problem);
  if (info.id !== 'TDX') throw refuse(`the TCB info is for ${info.id}, the circuits are for TDX`);
  const wanted = `${toHex(quotingEnclave.mrSigner)}, product ${quotingEnclave.isvProdId}`;
  const found = `${toHex(mrSigner)}, product ${isvProdId}`;
  if (id !== 'TD_QE' || found !== wanted) {
    throw refuse(
      `the QE identity is that of ${id} signed by ${found}; the circuits know ${wanted}`,
    );
  }
  const modules = info.tdxModuleIdentities.flatMap((one) => one.tcbLevels).length;
  if (info.tcbLevels.length * (modules + 1) * tcbLevels.length > maxSetEntries) {
    throw new AttestationError('too-large', 'the documents give more levels than a set can hold');
  }
}

/** Major versions of the module, TEE_TCB_SVN[1], for which the documents describe the one that the circuits accept. */
function majorsOf(info: TcbInfo): number[] {
  const named = info.tdxModuleIdentities.map(({ id }) => Number.parseInt(id.slice(4), 16));
  return [0, ...named.filter((major) => major > 0)].filter((major) => {
    const described = moduleIdentityOf(info, versionOf(0, major));
    return described !== null && moduleMatches(described, module).length === 0;
  });
}

/** TEE_TCB_SVN of a module and nothing else. */
function versionOf(minor: number, major: number): Bytes {
  return Uint8Array.of(minor, major, ...new Uint8Array(14));
}

/** What a platform level asks of a machine with a module of one major version. */
type Platform = { readonly cpuSvn: Bytes; readonly pceSvn: number; readonly tee: Bytes };

/** Every combination of levels that a machine can be on. */
type Grid = {
  readonly fmspc: Bytes;
  readonly platforms: readonly Platform[];
  /** Lowest first. Null: a module of version 0, which the platform levels speak of. */
  readonly modules: readonly (number | null)[];
  readonly enclaves: readonly number[];
  /** Whether the machine that just reaches these three, by their places, has an accepted status. */
  readonly isAccepted: (platform: number, module: number, enclave: number) => boolean;
  /** The place of the level that counts for a machine that just reaches both. */
  readonly countsAt: (a: Platform, b: Platform) => number;
};

function gridOf(
  info: TcbInfo,
  identity: QeIdentity,
  accepted: readonly FloorStatus[],
  major: number,
): Grid {
  const { fmspc, tcbLevels } = info;
  const used = tcbLevels.filter(({ tdx }) => major > 0 || tdx?.[1] === 0);
  const platforms = used.map((level) => platformOf(level, major));
  const modules = minorsOf(info, major);
  const enclaves = identity.tcbLevels.map(({ isvSvn }) => isvSvn).toSorted((a, b) => a - b);
  const assess = (platform: Platform, minor: number | null, qeIsvSvn: number) =>
    assessTcb({
      info,
      identity,
      pck: { components: [...platform.cpuSvn], pceSvn: platform.pceSvn },
      tee: { teeTcbSvn: withModule(platform.tee, minor), teeTcbSvn2: null },
      qeIsvSvn,
    });
  const table = platforms.map((platform) =>
    modules.map((minor) =>
      enclaves.map((qeIsvSvn) => {
        const { status } = assess(platform, minor, qeIsvSvn);
        return accepted.some((one) => one === status);
      }),
    ),
  );
  return {
    fmspc,
    platforms,
    modules,
    enclaves,
    isAccepted: (p, m, q) => table[p]?.[m]?.[q] ?? false,
    countsAt(a, b) {
      const { platform } = assess(joinOf(a, b), modules.at(-1) ?? null, enclaves.at(-1) ?? 0);
      const key = platform && keyOf(platform);
      return used.findIndex((level) => keyOf(level) === key);
    },
  };
}

function keyOf({ sgx, pceSvn, tdx }: Pick<TcbLevel, 'sgx' | 'pceSvn' | 'tdx'>): string {
  return `${sgx} ${pceSvn} ${tdx}`;
}

/** Of a module with levels of its own the platform's first two components do not count. */
function platformOf({ sgx, pceSvn, tdx }: TcbLevel, major: number): Platform {
  const tee = Uint8Array.from(tdx ?? []);
  if (major > 0) tee.set([0, major]);
  return { cpuSvn: Uint8Array.from(sgx), pceSvn, tee };
}

/** Lowest first. TEE_TCB_SVN has one byte for it: no machine reaches what is above. */
function minorsOf(info: TcbInfo, major: number): (number | null)[] {
  if (major === 0) return [null];
  const identity = info.tdxModuleIdentities.find(
    ({ id }) => Number.parseInt(id.slice(4), 16) === major,
  );
  const minors = identity?.tcbLevels.map(({ isvSvn }) => isvSvn) ?? [];
  return minors.filter((minor) => minor <= 0xff).toSorted((a, b) => a - b);
}

function withModule(tee: Bytes, minor: number | null): Bytes {
  const whole = Uint8Array.from(tee);
  if (minor !== null) whole[0] = minor;
  return whole;
}

function joinOf(a: Platform, b: Platform): Platform {
  const higher = (x: Bytes, y: Bytes) => x.map((svn, i) => Math.max(svn, y[i] ?? 0));
  return {
    cpuSvn: higher(a.cpuSvn, b.cpuSvn),
    pceSvn: Math.max(a.pceSvn, b.pceSvn),
    tee: higher(a.tee, b.tee),
  };
}

function acceptedCorners({ fmspc, platforms, modules, enclaves, isAccepted }: Grid): LevelTdx[] {
  return platforms.flatMap(({ cpuSvn, pceSvn, tee }, p) =>
    modules.flatMap((minor, m) =>
      enclaves.flatMap((qeIsvSvn, q) => {
        const level = { fmspc, cpuSvn, pceSvn, teeTcbSvn: withModule(tee, minor), qeIsvSvn };
        return isAccepted(p, m, q) ? [level] : [];
      }),
    ),
  );
}

/**
 * Intel judges by the highest level that a machine reaches, a floor by any. They agree when whoever reaches an accepted combination
 * is on an accepted one. On which platform level he is when he reaches two is decided where he just reaches both: what he has
 * beyond changes the level that counts only for one he reaches too.
 */
function conflictOf(grid: Grid): string | null {
  const { platforms, modules, enclaves, isAccepted, countsAt } = grid;
  for (const [a, lower] of platforms.entries()) {
    for (const other of platforms) {
      const b = countsAt(lower, other);
      for (const [m] of modules.entries()) {
        for (const [q] of enclaves.entries()) {
          if (!isAccepted(a, m, q)) continue;
          const fault = refusedAbove(grid, b, m, q);
          if (fault !== null) return conflictText(grid, a, b, fault);
        }
      }
    }
  }
  return null;
}

/** The first combination from (m, q) up, on platform level b, that is not accepted. */
function refusedAbove(
  { modules, enclaves, isAccepted }: Grid,
  b: number,
  m: number,
  q: number,
): { m: number; q: number } | null {
  for (let above = m; above < modules.length; above++) {
    for (let newer = q; newer < enclaves.length; newer++) {
      if (!isAccepted(b, above, newer)) return { m: above, q: newer };
    }
  }
  return null;
}

function conflictText(
  { fmspc, platforms, modules, enclaves }: Grid,
  a: number,
  b: number,
  { m, q }: { m: number; q: number },
): string {
  const text = (place: number) => {
    const { cpuSvn, pceSvn, tee } = platforms[place] as Platform;
    return `CPUSVN ${toHex(cpuSvn)}, PCESVN ${pceSvn}, TEE_TCB_SVN ${toHex(tee)}`;
  };
  const minor = modules[m];
  const parts = minor === null ? '' : ` with a module of version ${minor}`;
  return `FMSPC ${toHex(fmspc)}: a machine can reach an accepted level (${text(a)}) and be on one that is not (${text(b)}${parts}, quoting enclave ${enclaves[q]})`;
}
