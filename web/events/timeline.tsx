/** The agent's own log as a timeline: trees that it served, and what the guest reported. */
import { useMemo, useState } from 'preact/hooks';
import { formatTime } from '#verifier/time.ts';
import type { Judged } from '../model/judge.ts';
import { LongHex } from '../parts/long-hex.tsx';
import { Pager } from '../parts/pager.tsx';
import { pageOf } from '../parts/pages.ts';
import { eventsStrings } from '../strings/events.ts';
import { type OwnEntry, type OwnLog, ownLogOf } from './own-log.ts';

const words = eventsStrings.own;

/** Nothing where no bundle came. */
export function useOwnLog({ sorted, verified }: Judged): OwnLog | null {
  return useMemo(() => ownLogOf(sorted.evidence, verified), [sorted, verified]);
}

export function OwnLogList({ log: { entries, came, log, binding } }: { log: OwnLog }) {
  const [wanted, setPage] = useState(1);
  const at = pageOf(entries.length, wanted);
  return (
    <section aria-labelledby="own-log">
      <h3 id="own-log">{words.title}</h3>
      <p class="quiet">{words.note}</p>
      {log !== 'pass' ? (
        <p class="events-verdict events-verdict-bad">
          <span aria-hidden="true">✕ </span>
          {words.refused(came)}
        </p>
      ) : (
        <p class={`events-verdict events-verdict-${binding === 'pass' ? 'good' : 'bad'}`}>
          <span aria-hidden="true">{binding === 'pass' ? '✓ ' : '✕ '}</span>
          {binding === 'pass' ? words.bound : words.unbound} {words.entries(entries.length)}.
        </p>
      )}
      <ol class="events-timeline" start={at.from + 1}>
        {entries.slice(at.from, at.to).map((entry) => (
          <Entry key={entry.number} entry={entry} />
        ))}
      </ol>
      <Pager what={words.what} at={at} total={entries.length} onPage={setPage} />
    </section>
  );
}

function Entry({ entry: { number, time, kind, what, hex, current, back } }: { entry: OwnEntry }) {
  return (
    <li class={`events-entry events-entry-${kind}`}>
      <time dateTime={formatTime(time)} class="mono">
        {formatTime(time)}
      </time>
      <span class="events-entry-kind quiet">{kind === 'tree' ? words.tree : words.event}</span>
      <span class="events-entry-what">
        {what}
        {current && (
          <>
            {' '}
            <span class="status status-pass">{words.current}</span>
          </>
        )}
        {back && (
          <>
            {' '}
            <span class="status status-skip">{words.back}</span>
          </>
        )}
      </span>
      <LongHex what={kind === 'tree' ? words.root(number) : words.digest(number)} hex={hex} />
    </li>
  );
}
