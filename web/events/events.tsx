/** The event log that came with the evidence, replayed; and the log that a bundle's agent keeps itself. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isExtended, type LogEvent } from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import { AttestationError } from '#verifier/errors.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { Pager } from '../parts/pager.tsx';
import { pageOf, pageWith } from '../parts/pages.ts';
import { Panel } from '../parts/panel.tsx';
import { eventsStrings as words } from '../strings/events.ts';
import { EventFilters } from './event-filters.tsx';
import { EventTable, eventButtonId } from './event-table.tsx';
import {
  type LogReading,
  marksOf,
  outcomeOf,
  type Register,
  readLogOf,
  registersOf,
  type Vouched,
  vouchedOf,
} from './model.ts';
import { Reference } from './reference.tsx';
import { RegisterList } from './register-list.tsx';
import { filterEvents, noFilter, type SearchIndex } from './rows.ts';
import { OwnLogList, useOwnLog } from './timeline.tsx';
import './events.css';

/** Nothing where the evidence has neither. */
export function Events({ judged }: { judged: Judged }) {
  const { sorted, verified } = judged;
  const reading = useMemo(() => readLogOf(sorted.evidence, verified), [sorted, verified]);
  const own = useOwnLog(judged);
  if (reading === null && own === null) return null;
  return (
    <Panel id="events" title={words.title}>
      {reading instanceof AttestationError && (
        <p class="events-verdict events-verdict-bad">
          <span aria-hidden="true">✕ </span>
          {words.unreadable} {harmless(reading.message)}
        </p>
      )}
      {reading !== null && !(reading instanceof AttestationError) && (
        <Log
          reading={reading}
          vouched={vouchedOf(verified.checks, reading.kind)}
          second={sorted.files.find(({ kind, used }) => kind === 'event-log' && !used) ?? null}
        />
      )}
      {own !== null && <OwnLogList log={own} />}
    </Panel>
  );
}

type LogProps = { reading: LogReading; vouched: Vouched; second: GivenFile | null };

function Log({ reading, vouched, second }: LogProps) {
  const { log, kind, banks } = reading;
  const [chosen, setBank] = useState<TpmHash | null>(null);
  const algorithm = banks.find((one) => one === chosen) ?? (banks[0] as TpmHash);
  const [filter, setFilter] = useState(noFilter);
  const [page, setPage] = useState(1);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const focus = useRef<LogEvent | null>(null);
  const index = useMemo<SearchIndex>(() => new Map(), [log]);
  const registers = useMemo(() => registersOf(reading, algorithm), [reading, algorithm]);
  const marks = useMemo(() => marksOf(registers), [registers]);
  const found = useMemo(
    () => filterEvents(log.events, filter, { kind, algorithm }, index),
    [log, filter, kind, algorithm, index],
  );
  const at = pageOf(found.length, page);

  /** To the event in the table of its register, whatever was filtered before. */
  const look = (event: LogEvent) => {
    const next = {
      ...noFilter,
      register: isExtended(event) ? event.register : ('nowhere' as const),
    };
    const listed = filterEvents(log.events, next, { kind, algorithm }, index);
    setFilter(next);
    setPage(pageWith(listed.indexOf(event)));
    setOpen(new Set([...open, event.number]));
    focus.current = event;
  };
  const show = (register: number) => {
    setFilter({ ...noFilter, register });
    setPage(1);
    document.getElementById('events-table-title')?.scrollIntoView();
  };
  useEffect(() => {
    if (focus.current === null) return;
    const button = document.getElementById(eventButtonId(focus.current.number));
    if (button === null) return;
    focus.current = null;
    button.focus();
    button.scrollIntoView({ block: 'center' });
  });

  const toggle = (number: number) => {
    const next = new Set(open);
    if (!next.delete(number)) next.add(number);
    setOpen(next);
  };

  return (
    <>
      <p class="quiet">{words.note}</p>
      <Outcome registers={registers} reading={reading} vouched={vouched} />
      <Facts reading={reading} />
      {banks.length > 1 && (
        <p class="no-print">
          <label>
            {words.bank}{' '}
            <select
              value={algorithm}
              onChange={({ currentTarget: { value } }) =>
                setBank(banks.find((one) => one === value) ?? null)
              }
            >
              {banks.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
      <h3>{words.registersTitle}</h3>
      <RegisterList registers={registers} onLook={look} onShow={show} />
      <Reference
        key={second?.name}
        given={second}
        reading={reading}
        algorithm={algorithm}
        onLook={look}
      />
      <h3 id="events-table-title">{words.tableTitle}</h3>
      <EventFilters
        filter={filter}
        registers={registers}
        someSaid={log.events.some((event) => !isExtended(event))}
        onChange={(next) => {
          setFilter(next);
          setPage(1);
        }}
      />
      <p role="status" class="quiet">
        {found.length === 0 ? words.none : words.found(found.length, log.events.length)}
      </p>
      <EventTable
        events={found.slice(at.from, at.to)}
        kind={kind}
        algorithm={algorithm}
        marks={marks}
        open={open}
        onToggle={toggle}
      />
      <Pager what={words.what} at={at} total={found.length} onPage={setPage} />
    </>
  );
}

type OutcomeProps = { registers: readonly Register[]; reading: LogReading; vouched: Vouched };

function Outcome({ registers, reading, vouched }: OutcomeProps) {
  const outcome = outcomeOf(registers);
  const doubt = reading.quoted === null ? null : words.vouched[vouched];
  const tone = { fits: doubt === null ? 'good' : 'open', differs: 'bad', nothing: 'open' }[outcome];
  return (
    <div class={`events-verdict events-verdict-${tone}`}>
      <p>
        <span aria-hidden="true">{{ fits: '✓', differs: '✕', nothing: '?' }[outcome]} </span>
        {sentenceOf(outcome, registers)}
      </p>
      {doubt !== null && outcome !== 'nothing' && <p>{doubt}</p>}
    </div>
  );
}

function sentenceOf(outcome: ReturnType<typeof outcomeOf>, registers: readonly Register[]): string {
  const names = (kept: (one: Register) => boolean) =>
    registers.filter(kept).map(({ name }) => name);
  if (outcome === 'nothing') return words.nothing;
  if (outcome === 'differs') return words.differs(names(({ wrong }) => wrong).join(', '));
  const fitting = names(({ status }) => status === 'fits');
  return fitting.length === 1
    ? words.oneFits(fitting[0] as string)
    : words.fits(fitting.join(', '));
}

function Facts({ reading: { log, kind } }: { reading: LogReading }) {
  const facts = [
    [words.facts.events, words.eventCount(log.events.length)],
    [words.facts.format, words.formats[log.format]],
    [words.facts.digests, log.algorithms.join(', ')],
    [words.facts.registers, words.kinds[kind]],
  ] as const;
  return (
    <dl class="events-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
