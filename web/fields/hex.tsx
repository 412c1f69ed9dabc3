/** The raw bytes: one widget for the keyboard, which tells what is under its cursor. */
import { type ReadonlySignal, type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Bytes } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import { fieldsStrings } from '../strings/fields.ts';
import { columnOf, fieldAt, movedBy, offsetText, placeAt, type Run, rowsOf } from './byte-map.ts';
import { HexRows, rowHeight } from './hex-rows.tsx';
import type { LaidField, Zone } from './layout.ts';
import './hex.css';

const words = fieldsStrings.hex;
/** Up to this many rows all of them are in the page; of more, those in sight and some around. */
const wholeUpTo = 1024;

type HexProps = {
  title: string;
  bytes: Bytes;
  zones: readonly Zone[];
  fields: readonly LaidField[];
  runs: readonly Run[];
  /** Place of the marked field, -1 for none. */
  marked: ReadonlySignal<number>;
  /** A byte, -1 for none. */
  cursor: Signal<number>;
  /** The reader moves the cursor here. */
  onPoint: () => void;
  /** The reader asks for the field of a byte. */
  onPick: (at: number) => void;
};

export function Hex(props: HexProps) {
  const { title, bytes, zones, fields, runs, marked, cursor, onPoint, onPick } = props;
  const { length } = bytes;
  const wide = useMedia('(min-width: 87.5rem)');
  const phone = useMedia('(max-width: 40rem)');
  const perRow = wide ? 16 : 8;
  const scroller = useRef<HTMLDivElement>(null);
  const scrolled = useSignal(0);
  const blocks = useMemo(() => {
    let before = 0;
    return zones.map((zone) => {
      const rows = rowsOf(zone, perRow);
      const block = { zone, rows, before };
      before += rows.length;
      return block;
    });
  }, [zones, perRow]);
  const windowed = blocks.reduce((sum, { rows }) => sum + rows.length, 0) > wholeUpTo;
  const context = useMemo(
    () => ({
      ...{ bytes, runs, perRow, marked, cursor },
      ascii: !phone,
      scrolled: windowed ? scrolled : null,
    }),
    [bytes, runs, perRow, phone, marked, cursor, scrolled, windowed],
  );
  /** What the pointer is on is in sight already. */
  const byPointer = useRef(false);
  const reveal = (at: number) => {
    const block = blocks.findIndex(({ zone }) => at >= zone.start && at < zone.end);
    const rows = scroller.current?.querySelectorAll<HTMLElement>('.hex-rows')[block];
    const start = zones[block]?.start ?? 0;
    if (!scroller.current || !rows) return;
    scrollTo(scroller.current, rows.offsetTop + Math.floor((at - start) / perRow) * rowHeight);
  };
  useSignalEffect(() => {
    const at = cursor.value >= 0 ? cursor.value : (fields[marked.value]?.at?.start ?? -1);
    if (at >= 0 && !byPointer.current) reveal(at);
  });
  /** Where the cursor was before the pointer left. */
  const last = useRef(-1);
  const move = (at: number, pointer: boolean) => {
    byPointer.current = pointer;
    if (at >= 0) last.current = at;
    onPoint();
    cursor.value = at;
    byPointer.current = false;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = cursor.value >= 0 ? cursor.value : last.current;
    const next = movedBy(event.key, Math.max(at, 0), length, perRow);
    if (event.key === 'Enter' && at >= 0) onPick(at);
    if (next === null) return;
    event.preventDefault();
    move(at < 0 ? 0 : next, false);
  };
  return (
    <>
      <div
        ref={scroller}
        class={`hex-scroll hex-by-${perRow}`}
        role="application"
        aria-label={`${words.label(harmless(title))}. ${words.help}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: one widget, which arrow keys move through
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerMove={(event) => {
          const at = byteUnder(event, perRow);
          if (at !== null && at !== cursor.value) move(at, true);
        }}
        onPointerLeave={() => move(-1, true)}
        onClick={(event) => {
          const at = byteUnder(event, perRow);
          if (at === null) return;
          // A finger has left again by now.
          move(at, true);
          onPick(at);
        }}
        onScroll={(event) => {
          if (windowed) scrolled.value = event.currentTarget.scrollTop;
        }}
      >
        {blocks.map(({ zone, rows, before }) => (
          <div key={zone.start} class="hex-zone">
            {zone.says !== '' && <p class="hex-says">{zone.says}</p>}
            <HexRows rows={rows} before={before} context={context} />
          </div>
        ))}
      </div>
      <Status bytes={bytes} fields={fields} runs={runs} cursor={cursor} />
    </>
  );
}

/** The words of a zone stay at the top while its rows go by under them. */
function scrollTo(box: HTMLElement, top: number): void {
  const under = 3 * rowHeight;
  if (top < box.scrollTop + under) box.scrollTop = top - under;
  else if (top > box.scrollTop + box.clientHeight - 2 * rowHeight) {
    box.scrollTop = top - box.clientHeight / 3;
  }
}

type StatusProps = Pick<HexProps, 'bytes' | 'fields' | 'runs' | 'cursor'>;

function Status({ bytes, fields, runs, cursor }: StatusProps) {
  const at = cursor.value;
  return (
    <p class="hex-status" role="status">
      {at < 0 || at >= bytes.length
        ? words.idle(bytes.length)
        : statusText(at, bytes, fields[fieldAt(runs, at)])}
    </p>
  );
}

function statusText(at: number, bytes: Bytes, field: LaidField | undefined): string {
  const byte = (bytes[at] as number).toString(16).padStart(2, '0');
  const range = field?.at;
  const place = range
    ? words.inField(harmless(field.name), at - range.start + 1, range.end - range.start)
    : words.noField;
  return `${words.at(offsetText(at, bytes.length), byte)} · ${place}`;
}

/** Null beside the bytes. Letters of one width say which byte it is, so that bytes need no elements of their own. */
function byteUnder({ target, clientX }: MouseEvent, perRow: number): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>('.hex-row') : null;
  if (row === null) return null;
  const start = Number(row.dataset['start']);
  const end = Number(row.dataset['end']);
  const over = (name: string, characters: number): number | null => {
    const box = row.querySelector(name)?.getBoundingClientRect();
    if (!box || clientX < box.left || clientX >= box.right) return null;
    return ((clientX - box.left) / box.width) * characters;
  };
  // A row that is not full has the width of one that is.
  const inHex = over('.hex-bytes', columnOf(perRow - 1) + 2);
  if (inHex !== null) return Math.min(start + placeAt(inHex), end - 1);
  const inText = over('.hex-ascii', end - start);
  return inText === null ? null : start + Math.floor(inText);
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const read = () => setMatches(list.matches);
    list.addEventListener('change', read);
    return () => list.removeEventListener('change', read);
  }, [query]);
  return matches;
}
