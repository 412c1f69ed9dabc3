/** Versions of drivers and firmware against floors: part by part, from the left. */

const radixes = { driver: 10, firmware: 16 } as const;
const parts = { 10: /^[0-9]{1,9}$/, 16: /^[0-9A-Fa-f]{1,8}$/ } as const;

/**
 * A part that is missing at the end is 0. Driver versions are decimal (`535.86.09`), firmware versions hexadecimal
 * (`96.00.5E.00.01`).
 * @returns false for a version that cannot be read: it is below every floor
 * @throws RangeError for a floor that cannot be read
 */
export function reaches(kind: keyof typeof radixes, found: string | null, floor: string): boolean {
  const wanted = partsOf(floor, radixes[kind]);
  if (wanted === null) throw new RangeError(`${floor} is no ${kind} version`);
  const had = found === null ? null : partsOf(found, radixes[kind]);
  if (had === null) return false;
  for (let at = 0; at < Math.max(had.length, wanted.length); at += 1) {
    const difference = (had[at] ?? 0) - (wanted[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function partsOf(version: string, radix: 10 | 16): number[] | null {
  const texts = version.split('.');
  return texts.every((part) => parts[radix].test(part))
    ? texts.map((part) => Number.parseInt(part, radix))
    : null;
}

/** The lowest of them; null when there is none, or one that cannot be read. */
export function lowestOf(
  kind: keyof typeof radixes,
  versions: readonly (string | null)[],
): string | null {
  let lowest: string | null = null;
  for (const version of versions) {
    if (version === null || partsOf(version, radixes[kind]) === null) return null;
    if (lowest === null || !reaches(kind, version, lowest)) lowest = version;
  }
  return lowest;
}
