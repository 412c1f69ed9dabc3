/** What the checks of an SEV-SNP report say: which bits, vectors and versions were asked for, and how far behind one is. */
import type { SnpClaims } from '../verified.ts';
import type { SnpPolicy } from './snp-policy.ts';

/** What a policy asks of bits, by name; `any` when it asks nothing. */
export function bitsWanted(wanted: object, more: readonly string[]): string {
  const asked = Object.entries(wanted).flatMap(([name, rule]) => {
    if (name === 'unknownBits') return [];
    if (rule === 'refused') return [`${name} off`];
    return rule === 'required' ? [`${name} on`] : [];
  });
  return [...asked, ...more].join(', ') || 'any';
}

export function bitsFound(found: object, more: readonly string[]): string {
  const on = Object.entries(found).filter(([, value]) => value === true);
  return [...on.map(([name]) => `${name} on`), ...more].join(', ');
}

export function vectorHex(vector: bigint | null): string | null {
  return vector === null ? null : vector.toString(16);
}

export function vectorsText(launch: string | null, current: string | null): string {
  const text = (vector: string | null) =>
    vector === null ? 'none' : vector === 'any' ? 'any' : `0x${vector}`;
  const [first, second] = [text(launch), text(current)];
  return first === 'any' && second === 'any' ? 'any' : `launch ${first}, current ${second}`;
}

export function behindBy(actual: number, floor: 'any' | number): string {
  return floor === 'any' ? '' : `${floor - actual} behind`;
}

/** In the first part that differs, for both versions of the report. */
export function firmwareBehind(
  report: Pick<SnpClaims['report'], 'current' | 'committed'>,
  floor: SnpPolicy['minimumFirmware'],
): string {
  if (floor === 'any') return '';
  return (['current', 'committed'] as const)
    .flatMap((which) => {
      if (ordinal(report[which]) >= ordinal(floor)) return [];
      const part = (['major', 'minor', 'build'] as const).find(
        (name) => report[which][name] < floor[name],
      );
      return part === undefined
        ? []
        : [`the ${which} ${part} is ${floor[part] - report[which][part]} behind`];
    })
    .join(', ');
}

export function ordinal({
  major,
  minor,
  build = 0,
}: {
  major: number;
  minor: number;
  build?: number;
}): number {
  return major * 0x10000 + minor * 0x100 + build;
}

export function versionText({
  major,
  minor,
  build,
}: {
  major: number;
  minor: number;
  build: number;
}): string {
  return `${major}.${minor} build ${build}`;
}
