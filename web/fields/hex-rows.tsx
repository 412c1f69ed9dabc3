/** Rows of the hex view: few elements each, and only those that the mark or the cursor touches are drawn again. */
import { type ReadonlySignal, useComputed } from '@preact/signals';
import { Fragment } from 'preact';
import type { Bytes } from '#verifier/bytes.ts';
import {
  asciiText,
  columnOf,
  gapBefore,
  type HexRow,
  hexText,
  offsetText,
  type Run,
  segmentsOf,
} from './byte-map.ts';

/** Of every row, also where text is larger: rows outside the window are room of this height. Pixels. */
export const rowHeight = 20;
/** Rows come and go by so many. */
export const chunk = 64;

/** What the rows of one view share. */
export type HexContext = {
  bytes: Bytes;
  runs: readonly Run[];
  perRow: number;
  ascii: boolean;
  /** Place of the marked field, -1 for none. */
  marked: ReadonlySignal<number>;
  /** Byte, -1 for none. */
  cursor: ReadonlySignal<number>;
  /** Pixels from the top of the view; null where all rows are drawn. */
  scrolled: ReadonlySignal<number> | null;
};

type RowsProps = { rows: readonly HexRow[]; before: number; context: HexContext };

/** @param before rows above these, all zones together */
export function HexRows({ rows, before, context }: RowsProps) {
  const { scrolled } = context;
  const window = useComputed(() => {
    if (scrolled === null) return 0;
    return Math.floor((scrolled.value / rowHeight - before) / chunk) * chunk;
  });
  const first = scrolled === null ? 0 : Math.min(Math.max(window.value - chunk, 0), rows.length);
  const last = scrolled === null ? rows.length : Math.max(window.value + 3 * chunk, 0);
  return (
    <div class="hex-rows" style={{ height: `${rows.length * rowHeight}px` }} aria-hidden="true">
      <div style={{ height: `${first * rowHeight}px` }} />
      {rows.slice(first, last).map((row) => (
        <Row key={row.start} row={row} context={context} />
      ))}
    </div>
  );
}

function Row({ row, context }: { row: HexRow; context: HexContext }) {
  const { bytes, runs, marked, cursor, ascii } = context;
  const { start, end } = row;
  const segments = segmentsOf(row, runs);
  const mark = useComputed(() =>
    marked.value >= 0 && segments.some(({ field }) => field === marked.value) ? marked.value : -1,
  );
  const at = useComputed(() => (cursor.value >= start && cursor.value < end ? cursor.value : -1));
  return (
    <div class="hex-row" data-start={start} data-end={end}>
      <span class="hex-offset">{offsetText(start, bytes.length)}</span>
      <span class="hex-bytes">
        {segments.map((segment) => (
          <Fragment key={segment.start}>
            {gapBefore(segment.start, start)}
            <span class={toneOf(segment.field, mark.value)}>{hexText(bytes, segment, start)}</span>
          </Fragment>
        ))}
        {at.value >= 0 && (
          <span class="hex-cursor" style={{ left: `${columnOf(at.value - start)}ch` }} />
        )}
      </span>
      {ascii && (
        <span class="hex-ascii">
          {mark.value < 0
            ? asciiText(bytes, row)
            : segments.map((segment) => (
                <span
                  key={segment.start}
                  class={segment.field === mark.value ? 'hex-marked' : undefined}
                >
                  {asciiText(bytes, segment)}
                </span>
              ))}
        </span>
      )}
    </div>
  );
}

/** Neighbouring fields differ in tone. */
function toneOf(field: number, mark: number): string | undefined {
  if (field >= 0 && field === mark) return 'hex-marked';
  return field % 2 === 0 ? undefined : 'hex-other';
}
