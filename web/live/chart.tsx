/** Verifications over time: bars of decisions, and the same as tables. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Tally } from '#verifier/serve/answers.ts';
import { harmless } from '#verifier/words/lines.ts';
import { Panel } from '../parts/panel.tsx';
import { liveStrings } from '../strings/live.ts';
import {
  clockText,
  dayAndClock,
  decisions,
  type Span,
  type Steps,
  spans,
  stepsOf,
  sumOf,
  totalOf,
} from './model.ts';
import { Plot } from './plot.ts';
import { activity, minute } from './poll.ts';
import { ScrollArea } from './scroll-area.tsx';

const strings = liveStrings.chart;
const span = signal<Span>('hour');
/** The bar that is pointed at. */
const pointed = signal<number | null>(null);

export function Chart() {
  const minutes = activity.value?.minutes ?? [];
  const steps = stepsOf(minutes, span.value, minute.value);
  const sum = sumOf(steps.tallies);
  return (
    <Panel id="verifications" title={strings.title}>
      <fieldset class="live-spans no-print">
        <legend class="visually-hidden">{strings.spanLabel}</legend>
        {(Object.keys(spans) as Span[]).map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={span.value === one}
            onClick={() => {
              span.value = one;
              pointed.value = null;
            }}
          >
            {strings.spans[one]}
          </button>
        ))}
      </fieldset>
      <Legend sum={sum} />
      <Canvas
        steps={steps}
        name={strings.name(totalOf(sum), strings.spans[span.value], partsOf(sum))}
      />
      <Reading steps={steps} />
      <details>
        <summary>{strings.table}</summary>
        <StepTable steps={steps} />
        <PolicyTable />
      </details>
    </Panel>
  );
}

/** What there is of each decision, in words. */
function partsOf(tally: Tally): string {
  const found = decisions.filter((decision) => tally[decision] > 0);
  return (
    found
      .map((decision) => strings.part(tally[decision], liveStrings.decisions[decision].word))
      .join(', ') || strings.nothing
  );
}

function Legend({ sum }: { sum: Tally }) {
  return (
    <ul class="live-legend">
      {decisions.map((decision) => (
        <li key={decision}>
          <span class={`live-swatch live-swatch-${decision}`} aria-hidden="true" />
          {liveStrings.decisions[decision].word}{' '}
          <strong>{sum[decision].toLocaleString('en')}</strong>
        </li>
      ))}
    </ul>
  );
}

/** Its place is kept before there is anything to draw. */
function Canvas({ steps, name }: { steps: Steps; name: string }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  useEffect(() => {
    const made = new Plot(place.current as HTMLDivElement, (bar) => {
      pointed.value = bar;
    });
    plot.current = made;
    return () => made.close();
  }, []);
  useEffect(() => plot.current?.show(steps));
  return (
    <div class="live-plot" role="img" aria-label={name}>
      <div ref={place} class="live-plot-place" />
    </div>
  );
}

function Reading({ steps }: { steps: Steps }) {
  const bar = pointed.value;
  const [at, tally] = bar === null ? [] : [steps.at[bar], steps.tallies[bar]];
  return (
    <p class="live-reading quiet" aria-hidden="true">
      {at === undefined || tally === undefined
        ? `${totalOf(sumOf(steps.tallies)) === 0 ? strings.none : strings.hint} ${strings.steps[span.value]}`
        : strings.at(clockText(at), partsOf(tally))}
    </p>
  );
}

function StepTable({ steps: { at, tallies } }: { steps: Steps }) {
  const rows = at
    .map((time, place) => ({ time, tally: tallies[place] as Tally }))
    .filter(({ tally }) => totalOf(tally) > 0)
    .toReversed();
  if (rows.length === 0) return <p>{strings.none}</p>;
  return (
    <ScrollArea class="live-tall" label={strings.tableLabel}>
      <table>
        <thead>
          <tr>
            <th scope="col">{strings.from}</th>
            <DecisionHeads />
            <th scope="col" class="live-number">
              {strings.total}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, tally }) => (
            <tr key={time}>
              <th scope="row">{dayAndClock(time).slice(0, 16)}</th>
              <DecisionCells tally={tally} />
              <td class="live-number">{totalOf(tally).toLocaleString('en')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  );
}

function PolicyTable() {
  const rows = activity.value?.byPolicy ?? [];
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{strings.byPolicy}</h3>
      <ScrollArea class="live-tall" label={strings.byPolicyLabel}>
        <table>
          <thead>
            <tr>
              <th scope="col">{strings.policy}</th>
              <DecisionHeads />
              <th scope="col" class="live-number">
                {strings.half}
              </th>
              <th scope="col" class="live-number">
                {strings.most}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, p50, p95, ...tally }) => (
              <tr key={name}>
                <th scope="row">{harmless(name)}</th>
                <DecisionCells tally={tally} />
                <td class="live-number">{strings.micros(p50)}</td>
                <td class="live-number">{strings.micros(p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
    </>
  );
}

function DecisionHeads() {
  return (
    <>
      {decisions.map((decision) => (
        <th key={decision} scope="col" class="live-number">
          {liveStrings.decisions[decision].word}
        </th>
      ))}
    </>
  );
}

function DecisionCells({ tally }: { tally: Tally }) {
  return (
    <>
      {decisions.map((decision) => (
        <td key={decision} class="live-number">
          {tally[decision].toLocaleString('en')}
        </td>
      ))}
    </>
  );
}
