/** Bytes ⇄ the fields that hold them, and the rows of a hex view. Pure: what is drawn is in hex.tsx. */
import type { Bytes } from '#verifier/bytes.ts';

/** Bytes from `start` up to, and not with, `end`. */
export type Range = { start: number; end: number };
/** Neighbouring bytes of one field; `field` is its place in the list, -1 where no field is. */
export type Run = Range & { field: number };
/** A row of the hex view. */
export type HexRow = Range;

const noField = -1;

/**
 * All of the bytes, each in one run. Where fields overlap the shorter one has the byte: a field may hold others.
 * @param fields where each is; null for one that is nowhere
 */
export function runsOf(fields: readonly (Range | null)[], length: number): Run[] {
  const owner = new Int32Array(length).fill(noField);
  fields
    .map((range, field) => ({ range, field }))
    .flatMap(({ range, field }) => (range === null ? [] : [{ ...range, field }]))
    .toSorted((a, b) => b.end - b.start - (a.end - a.start))
    .forEach(({ start, end, field }) => {
      owner.fill(field, start, end);
    });
  const runs: Run[] = [];
  for (let start = 0; start < length; ) {
    const field = owner[start] as number;
    let end = start + 1;
    while (end < length && owner[end] === field) end += 1;
    runs.push({ start, end, field });
    start = end;
  }
  return runs;
}

/** Place of the run that holds the byte; -1 for a byte that none holds. */
function runAt(runs: readonly Run[], at: number): number {
  let low = 0;
  let high = runs.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { start, end } = runs[middle] as Run;
    if (at < start) high = middle - 1;
    else if (at >= end) low = middle + 1;
    else return middle;
  }
  return -1;
}

/** The field that has the byte, -1 for none. */
export function fieldAt(runs: readonly Run[], at: number): number {
  return runs[runAt(runs, at)]?.field ?? noField;
}

/** The runs in a row, cut to it. */
export function segmentsOf({ start, end }: HexRow, runs: readonly Run[]): Run[] {
  const found: Run[] = [];
  for (let i = Math.max(runAt(runs, start), 0); i < runs.length; i += 1) {
    const run = runs[i] as Run;
    if (run.start >= end) break;
    found.push({
      start: Math.max(run.start, start),
      end: Math.min(run.end, end),
      field: run.field,
    });
  }
  return found;
}

/** Row by row from where the range starts, so that each range begins with a row of its own. */
export function rowsOf({ start, end }: Range, perRow: number): HexRow[] {
  const count = Math.ceil((end - start) / perRow);
  return Array.from({ length: count }, (_, i) => ({
    start: start + i * perRow,
    end: Math.min(start + (i + 1) * perRow, end),
  }));
}

/** After this many bytes of a row the gap is wider. */
const halfRow = 8;

/** In characters from the start of the row. */
export function columnOf(place: number): number {
  return place * 3 + (place >= halfRow ? 1 : 0);
}

/** The byte of a row that stands at a character; a gap belongs to the byte before it. */
export function placeAt(column: number): number {
  const left = Math.max(column, 0);
  const second = columnOf(halfRow);
  return left >= second
    ? halfRow + Math.floor((left - second) / 3)
    : Math.min(Math.floor(left / 3), halfRow - 1);
}

/** `4d 4d 4d`, with the gap before each byte that is not the first of its row. */
export function hexText(bytes: Bytes, { start, end }: Range, rowStart: number): string {
  let text = '';
  for (let at = start; at < end; at += 1) {
    const place = at - rowStart;
    const gap = at === start ? '' : place === halfRow ? '  ' : ' ';
    text += gap + (bytes[at] as number).toString(16).padStart(2, '0');
  }
  return text;
}

/** What stands between two segments of a row. */
export function gapBefore(at: number, rowStart: number): string {
  return at === rowStart ? '' : at - rowStart === halfRow ? '  ' : ' ';
}

/** Printable ASCII as it is, everything else as a dot. */
export function asciiText(bytes: Bytes, { start, end }: Range): string {
  return String.fromCharCode(
    ...bytes.subarray(start, end).map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e)),
  );
}

/** `0x090`, as many digits as the last byte's. */
export function offsetText(at: number, length: number): string {
  const digits = Math.max((length - 1).toString(16).length, 3);
  return `0x${at.toString(16).padStart(digits, '0')}`;
}

/** Where a key of the keyboard takes the cursor; null for a key that moves nothing. */
export function movedBy(key: string, at: number, length: number, perRow: number): number | null {
  const page = 16 * perRow;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -perRow,
    ArrowDown: perRow,
    PageUp: -page,
    PageDown: page,
    Home: -length,
    End: length,
  };
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined;
  if (step === undefined || length === 0) return null;
  return Math.min(Math.max(at + step, 0), length - 1);
}
