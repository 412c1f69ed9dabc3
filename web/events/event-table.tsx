/** The events of one page of the table; a row opens to all that the event says. */
import { Fragment } from 'preact';
import type { LogEvent } from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { CopyButton } from '../parts/copy-button.tsx';
import { shortenHex } from '../parts/long-hex.tsx';
import { eventsStrings as words } from '../strings/events.ts';
import type { LogReading, Mark } from './model.ts';
import { detailsOf, type EventRow, rowOf } from './rows.ts';

type EventTableProps = {
  events: readonly LogEvent[];
  kind: LogReading['kind'];
  algorithm: TpmHash;
  marks: ReadonlyMap<LogEvent, Mark>;
  open: ReadonlySet<number>;
  onToggle: (number: number) => void;
};

/** The id of a row's button, to move the focus to. */
export function eventButtonId(number: number): string {
  return `event-${number}`;
}

export function EventTable({ events, kind, algorithm, marks, open, onToggle }: EventTableProps) {
  const { columns } = words;
  return (
    <table class="events-table">
      <caption class="visually-hidden">{words.table}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.number}</th>
          <th scope="col">{columns.register}</th>
          <th scope="col">{columns.event}</th>
          <th scope="col">{columns.proof}</th>
          <th scope="col">{columns.digest}</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <Fragment key={event.number}>
            <Row
              row={rowOf(event, kind, algorithm)}
              mark={marks.get(event)}
              open={open.has(event.number)}
              onToggle={onToggle}
            />
            {open.has(event.number) && (
              <Details event={event} row={rowOf(event, kind, algorithm)} />
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

type RowProps = {
  row: EventRow;
  mark: Mark | undefined;
  open: boolean;
  onToggle: (number: number) => void;
};

function Row({ row, mark, open, onToggle }: RowProps) {
  const { number, register, type, what, proof, digest } = row;
  return (
    <tr class={mark === undefined ? '' : 'events-marked'}>
      <td class="events-number">{number}</td>
      <td class="events-place">{register ?? <span class="quiet">{words.nowhere}</span>}</td>
      <td class="events-what">
        <button
          type="button"
          id={eventButtonId(number)}
          class="events-open"
          aria-expanded={open}
          aria-controls={open ? `${eventButtonId(number)}-details` : undefined}
          onClick={() => onToggle(number)}
        >
          <span class="events-says">{what}</span>
          <span class="events-type mono">{type}</span>
          {mark !== undefined && (
            <span class="events-mark">
              <span aria-hidden="true">▸ </span>
              {words.mark[mark]}
            </span>
          )}
        </button>
      </td>
      <td class="events-proof">
        <span class={`events-proof-${proof}`}>
          <span aria-hidden="true">{words.proof[proof].mark}</span> {words.proof[proof].word}
        </span>
      </td>
      <td class="events-digest mono">{digest === null ? '' : shortenHex(digest)}</td>
    </tr>
  );
}

function Details({ event, row }: { event: LogEvent; row: EventRow }) {
  const { parts, more, digests, dataLength } = detailsOf(event);
  return (
    <tr class="events-details" id={`${eventButtonId(event.number)}-details`}>
      <td colSpan={5}>
        <p>{words.proof[row.proof].long}</p>
        <dl>
          {parts.map(({ name, value }, i) => (
            // Names of parts repeat: their place is what tells them apart.
            <div key={`${i} ${name}`}>
              <dt>{name}</dt>
              <dd class="mono">{value}</dd>
            </div>
          ))}
          {digests.map(({ algorithm, hex }) => (
            <div key={algorithm}>
              <dt>{words.digestOf(algorithm)}</dt>
              <dd>
                <code>{hex}</code> <CopyButton what={words.digestOf(algorithm)} text={hex} />
              </dd>
            </div>
          ))}
          <div>
            <dt>{words.data}</dt>
            <dd>{words.dataLength(dataLength)}</dd>
          </div>
        </dl>
        {more > 0 && <p class="quiet">{words.more(more)}</p>}
      </td>
    </tr>
  );
}
