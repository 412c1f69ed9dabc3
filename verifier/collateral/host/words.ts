/** Lengths of time in words. */

const units = [
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/** In the largest unit that it has two of, rounded up: who waits so long has waited enough. */
export function seconds(time: number): string {
  const [length, unit] = units.find(([one]) => time >= 2 * one) ?? [1, 'second'];
  const count = Math.ceil(time / length);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
