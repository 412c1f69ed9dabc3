/** The log of a bundle for people: one line a tree, one line an event. */
import { formatTime } from '#verifier/time.ts';
import type { BundleClaims } from '#verifier/verified.ts';
import { cut, defaultColumns, harmless } from './lines.ts';

/** As many as are shown: a log may hold thousands. */
const shown = 8;

/**
 * Which trees the report vouches for, the oldest first, and the events that the guest's root added.
 * @returns no line without a bundle, or when its log is not the one that is bound
 */
export function treeLines(
  bundle: Pick<BundleClaims, 'trees' | 'events'> | null,
  columns = defaultColumns,
): string[] {
  if (bundle === null) return [];
  const { trees, events } = bundle;
  return [
    ...block(
      'trees',
      trees.map(({ time, treeRoot, reason }) => [time, treeRoot, reason]),
      columns,
    ),
    ...block(
      'events',
      events.map(({ time, name, digest }) => [time, digest, name]),
      columns,
    ),
  ];
}

type Row = readonly [time: number, hash: string, text: string];

/** The newest count: the last tree is the one that is bound. */
function block(label: string, rows: readonly Row[], columns: number): string[] {
  const left = Math.max(0, rows.length - shown);
  const lines = rows
    .slice(left)
    .map(([time, hash, text]) => `${formatTime(time)}  ${hash.slice(0, 16)}…  ${harmless(text)}`);
  if (left > 0) lines.unshift(`${left} older (affidavit show prints all)`);
  return lines.map((line, i) => cut(`${(i === 0 ? label : '').padEnd(10)}${line}`, columns));
}
