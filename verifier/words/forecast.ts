/** What of a verdict runs out, and when, in words. */
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';

/** How many endings a person is told of. */
const told = 3;

/** Null when nothing runs out. */
export function forecastSentence({
  at,
  forecast,
}: Pick<Verdict, 'at' | 'forecast'>): string | null {
  const [first, ...others] = forecast;
  if (first === undefined) return null;
  const verb = first.at < at ? 'ran' : 'runs';
  const head = `${first.what} ${verb} out first, ${when(first.at, at)}`;
  const next = others.slice(0, told - 1).map((one) => `${one.what}, ${when(one.at, at)}`);
  return [head, ...next].join('; then ');
}

function when(time: UnixTime, at: UnixTime): string {
  return `${distance(time - at)} (${formatTime(time)})`;
}

const units: readonly [seconds: number, name: string][] = [
  [365.25 * 86_400, 'year'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
];

/** Years from three on: a date of months ahead is planned for in days. */
const years = 3;

/** `in 29 days`, `3 hours ago`, `now`; whole units, rounded towards now. @param seconds from now, negative for the past */
export function distance(seconds: number): string {
  const length = Math.abs(seconds);
  const [unit, name] = units.find(
    ([size, word]) => length >= size * (word === 'year' ? years : 1),
  ) ?? [1, 'second'];
  const count = Math.floor(length / unit);
  if (count === 0) return 'now';
  const amount = `${count} ${name}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `${amount} ago` : `in ${amount}`;
}
