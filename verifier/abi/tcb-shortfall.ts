/** What a platform lacks for a level of Intel's TCB info, component by component. */
import type { Bytes } from '../bytes.ts';
import { type ComponentLabel, componentCount, type TcbLevel } from './tcb-info.ts';

export type PlatformSvns = {
  /** Of the PCK certificate: 16 SGX component SVNs, and PCESVN. */
  pck: { components: readonly number[]; pceSvn: number };
  /** TEE_TCB_SVN of the TD report, 16 bytes; null where the SGX part alone counts. */
  teeTcbSvn: Bytes | null;
};

export type Shortfall = { what: string; actual: number; needed: number };

/** Empty when the platform reaches the level. */
export function shortfalls(level: TcbLevel, { pck, teeTcbSvn }: PlatformSvns): Shortfall[] {
  const found: Shortfall[] = [];
  const check = (what: () => string, actual: number | undefined, needed: number | undefined) => {
    // Whatever is not there cannot be reached, nor reach anything.
    if (actual === undefined || needed === undefined || actual < needed) {
      found.push({ what: what(), actual: actual ?? 0, needed: needed ?? Number.POSITIVE_INFINITY });
    }
  };
  const { labels } = level;
  for (let i = 0; i < componentCount; i++) {
    check(() => named('SGX', i, labels?.sgx), pck.components[i], level.sgx[i]);
  }
  check(() => 'PCESVN', pck.pceSvn, level.pceSvn);
  if (teeTcbSvn !== null) {
    // From TDX 1.5 on the first two are the module's version, which has levels of its own.
    for (let i = (teeTcbSvn[1] ?? 0) > 0 ? 2 : 0; i < componentCount; i++) {
      check(() => named('TDX', i, labels?.tdx), teeTcbSvn[i], level.tdx?.[i]);
    }
  }
  return found;
}

/** Numbered from 1, as in the names of a PCK certificate's SVNs. */
function named(
  kind: 'SGX' | 'TDX',
  index: number,
  labels: readonly ComponentLabel[] | null | undefined,
): string {
  const { category, type } = labels?.[index] ?? {};
  const called = [category, type].filter((text) => text !== undefined).join(', ');
  return `${kind} component ${index + 1}${called === '' ? '' : ` (${called})`}`;
}

/** The level that lacks the fewest components, then the fewest versions, and what it lacks, in words. */
export function nearestLevel(levels: readonly TcbLevel[], svns: PlatformSvns): string {
  const distances = levels.map((level) => {
    const lacking = shortfalls(level, svns);
    return { level, lacking, versions: sum(lacking.map((one) => one.needed - one.actual)) };
  });
  const [nearest] = distances.sort(
    (a, b) => a.lacking.length - b.lacking.length || a.versions - b.versions,
  );
  if (nearest === undefined) return 'the TCB info holds no level';
  const listed = nearest.lacking.map(
    ({ what, actual, needed }) => `${what} is ${actual}, needs ${needed}`,
  );
  return `the platform is below every TCB level; for the nearest (${nearest.level.status}): ${listed.join('; ')}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
