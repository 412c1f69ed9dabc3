/** The decisions, the newest first: searched in the service's log, read page by page, and never moved under a reader's eyes. */
import { useEffect, useRef } from 'preact/hooks';
import { formatTime } from '#verifier/time.ts';
import { Panel } from '../parts/panel.tsx';
import { liveStrings } from '../strings/live.ts';
import { DecisionRows } from './decision-rows.tsx';
import { decisions } from './model.ts';
import { filter, listed, older, pushWhen, reading, search, showNew, waitingCount } from './poll.ts';

const strings = liveStrings.log;
/** While somebody types, the service is not asked for each letter. */
const typingPause = 300;

export function DecisionLog() {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => pushWhen(() => isAtTop(list.current)), []);
  const showAll = async () => {
    await showNew();
    list.current?.scrollIntoView({ block: 'start' });
    // The button that was pressed is gone, and with it the focus.
    list.current?.focus({ preventScroll: true });
  };
  return (
    <Panel id="decisions" title={strings.title}>
      <div class="live-tools no-print">
        <SearchField />
        <DecisionFilter />
      </div>
      <p class="live-new no-print">
        <span class={waitingCount.value > 0 ? 'live-new-pill' : ''}>
          <span role="status">
            {waitingCount.value === 0
              ? ''
              : `${strings.count(waitingCount.value, listed.value?.gap ?? false)} `}
          </span>
          {waitingCount.value > 0 && (
            <button type="button" onClick={() => void showAll()}>
              {strings.show}
            </button>
          )}
        </span>
      </p>
      <section
        ref={list}
        class="live-list"
        tabIndex={-1}
        aria-label={strings.tableLabel}
        aria-busy={reading.value === 'list'}
      >
        <DecisionRows rows={listed.value?.rows ?? []} />
      </section>
      <Below />
    </Panel>
  );
}

/** Nobody reads the rows: their beginning is not above the window, none is open, and the keyboard is elsewhere. */
function isAtTop(list: HTMLElement | null): boolean {
  if (list === null) return true;
  if (list.getBoundingClientRect().top < 0) return false;
  if (list.querySelector('[aria-expanded="true"]') !== null) return false;
  return !(document.activeElement !== list && list.contains(document.activeElement));
}

function SearchField() {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const start = (text: string, wait: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      // The service takes printable ASCII, which is all that a log holds.
      const asked = text.replace(/[^ -~]/g, '').slice(0, 100);
      if (asked.trim() !== filter.value.search.trim())
        void search({ ...filter.value, search: asked });
    }, wait);
  };
  return (
    <search class="live-search-place">
      <form
        class="live-search"
        onSubmit={(event) => {
          event.preventDefault();
          const field = event.currentTarget.elements.namedItem('search');
          if (field instanceof HTMLInputElement) start(field.value, 0);
        }}
      >
        <label for="live-search">{strings.search}</label>
        <input
          id="live-search"
          name="search"
          type="search"
          maxLength={100}
          autocomplete="off"
          spellcheck={false}
          aria-describedby="live-search-hint"
          onInput={(event) => start(event.currentTarget.value, typingPause)}
        />
        <span id="live-search-hint" class="quiet">
          {strings.searchHint}
        </span>
      </form>
    </search>
  );
}

function DecisionFilter() {
  return (
    <p class="live-filter">
      <label for="live-decision">{strings.filter}</label>
      <select
        id="live-decision"
        value={filter.value.decision}
        onChange={(event) => void search({ ...filter.value, decision: event.currentTarget.value })}
      >
        <option value="">{strings.all}</option>
        {decisions.map((decision) => (
          <option key={decision} value={decision}>
            {liveStrings.decisions[decision].word}
          </option>
        ))}
      </select>
    </p>
  );
}

/** What there is beyond the rows, and how to get it. */
function Below() {
  const found = listed.value;
  const { search: words, decision } = filter.value;
  const narrowed = words.trim() !== '' || decision !== '';
  const more = found !== null && found.older !== null;
  return (
    <div class="live-below">
      <p class="quiet" role="status">
        {stateText(narrowed)}
      </p>
      {found !== null && found.damaged > 0 && <p>{strings.damaged(found.damaged)}</p>}
      {more && (
        <button
          type="button"
          class="no-print"
          aria-disabled={reading.value === 'older'}
          onClick={() => {
            if (reading.value !== 'older') void older();
          }}
        >
          {narrowed ? strings.further : strings.older}
        </button>
      )}
    </div>
  );
}

function stateText(narrowed: boolean): string {
  const found = listed.value;
  if (reading.value === 'failed') return strings.failed;
  if (found === null || reading.value !== null) return strings.loading;
  if (found.older !== null) {
    if (found.reached === null || !narrowed) return '';
    const time = formatTime(found.reached);
    return found.rows.length === 0 ? strings.noneSoFar(time) : strings.searchedTo(time);
  }
  if (found.rows.length > 0) return strings.end;
  return narrowed ? strings.noneFound : strings.none;
}
