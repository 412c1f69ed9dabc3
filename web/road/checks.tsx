/** Every check of the verdict in its order, by stage: to be filtered, searched and opened. */
import { useSignalEffect } from '@preact/signals';
import { useId, useState } from 'preact/hooks';
import { type CheckId, stages } from '#verifier/checks.ts';
import type { Judged } from '../model/judge.ts';
import { openCheck } from '../model/session.ts';
import { Panel } from '../parts/panel.tsx';
import { checkStrings as words } from '../strings/road.ts';
import { countOf, filterChecks, type StatusFilter, statusFilters } from './check-filter.ts';
import { CheckRow, checkElement } from './check-row.tsx';
import './checks.css';

export function Checks({ judged }: { judged: Judged }) {
  const { checks } = judged.verdict;
  const [status, setStatus] = useState<StatusFilter>('all');
  const [text, setText] = useState('');
  const [open, setOpen] = useState<ReadonlySet<CheckId>>(new Set());
  useSignalEffect(() => {
    const id = openCheck.value;
    if (id === null) return;
    setStatus('all');
    setText('');
    setOpen((now) => new Set([...now, id]));
    // Once its row is there.
    requestAnimationFrame(() => showRow(id));
  });
  const toggle = (id: CheckId) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    else if (openCheck.value === id) openCheck.value = null;
    setOpen(next);
  };
  const wanted = status !== 'all' && countOf(checks, status) === 0 ? 'all' : status;
  const shown = filterChecks(checks, wanted, text);
  return (
    <Panel id="checks" title={words.title} note={words.note}>
      <Filters {...{ judged, wanted, setStatus, text, setText, shown: shown.length }} />
      <table class="checks">
        <thead>
          <tr>
            <th scope="col">{words.columns.status}</th>
            <th scope="col">{words.columns.check}</th>
            <th scope="col">{words.columns.found}</th>
          </tr>
        </thead>
        {stages.map((stage) => {
          const own = shown.filter((check) => check.stage === stage);
          if (own.length === 0) return null;
          return (
            <tbody key={stage}>
              <tr class="checks-stage">
                <th scope="rowgroup" colSpan={3}>
                  <h3>{words.stage[stage]}</h3>
                </th>
              </tr>
              {own.map((check) => (
                <CheckRow
                  key={check.id}
                  check={check}
                  open={open.has(check.id)}
                  onToggle={() => toggle(check.id)}
                />
              ))}
            </tbody>
          );
        })}
      </table>
      {shown.length === 0 && <p class="quiet">{words.none}</p>}
    </Panel>
  );
}

function showRow(id: CheckId): void {
  const row = document.getElementById(checkElement(id));
  row?.scrollIntoView({ block: 'start' });
  row?.querySelector('button')?.focus({ preventScroll: true });
}

type FiltersProps = {
  judged: Judged;
  wanted: StatusFilter;
  setStatus: (status: StatusFilter) => void;
  text: string;
  setText: (text: string) => void;
  shown: number;
};

function Filters({ judged, wanted, setStatus, text, setText, shown }: FiltersProps) {
  const { checks } = judged.verdict;
  const search = useId();
  return (
    <div class="checks-filters no-print">
      <fieldset class="checks-statuses">
        <legend class="visually-hidden">{words.filters}</legend>
        {statusFilters.map((one) => {
          const count = countOf(checks, one);
          return (
            <button
              key={one}
              type="button"
              aria-pressed={wanted === one}
              disabled={count === 0}
              onClick={() => setStatus(one)}
            >
              {words.filter[one]} <span class="checks-count">{count}</span>
            </button>
          );
        })}
      </fieldset>
      <label class="checks-search" for={search}>
        {words.search}{' '}
        <input
          id={search}
          type="search"
          autocomplete="off"
          spellcheck={false}
          placeholder={words.searchHint}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <p class="quiet checks-shown" role="status">
        {words.shown(shown, checks.length)}
      </p>
    </div>
  );
}
