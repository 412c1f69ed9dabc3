/** The rows of the decision log, and what each opens. Which are open stays with this page. */
import { signal } from '@preact/signals';
import type { CheckStatus } from '#verifier/checklist.ts';
import type { DecisionRow } from '#verifier/serve/answers.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { StatusMark } from '../parts/status.tsx';
import { liveStrings } from '../strings/live.ts';
import { DecisionMark } from './decision-mark.tsx';
import { dayAndClock, meaningOf, whyOf } from './model.ts';

const strings = liveStrings.log;
const open = signal<ReadonlySet<string>>(new Set());

function toggle(id: string): void {
  const next = new Set(open.value);
  if (!next.delete(id)) next.add(id);
  open.value = next;
}

export function DecisionRows({ rows }: { rows: readonly DecisionRow[] }) {
  const { columns } = strings;
  return (
    <table class="live-decisions">
      <thead>
        <tr>
          <th scope="col">{columns.at}</th>
          <th scope="col">{columns.decision}</th>
          <th scope="col" class="live-wide">
            {columns.policy}
          </th>
          <th scope="col" class="live-wide">
            {columns.why}
          </th>
          <th scope="col" class="live-wide">
            {columns.evidence}
          </th>
          <th scope="col">
            <span class="visually-hidden">{strings.detailsColumn}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row }: { row: DecisionRow }) {
  const { id, at, decision, evidence } = row;
  const isOpen = open.value.has(id);
  const [first, ...others] = whyOf(row);
  const details = `details-${id}`;
  return (
    <>
      <tr>
        <td class="live-time">
          <time dateTime={formatTime(at)}>
            {dayAndClock(at)
              .split(' ')
              .map((part, place) => (
                <span key={part}>
                  {place > 0 && ' '}
                  <span class="live-unbroken">{part}</span>
                </span>
              ))}
          </time>
        </td>
        <td>
          <DecisionMark decision={decision} />
          <span class="live-policy live-narrow">
            <PolicyName row={row} />
          </span>
        </td>
        <td class="live-policy live-wide">
          <PolicyName row={row} />
        </td>
        <td class="live-wide">
          {first === undefined ? (
            <span class="quiet">{decision === 'accepted' ? strings.allPassed : ''}</span>
          ) : (
            <code>{strings.more(harmless(first), others.length)}</code>
          )}
        </td>
        <td class="live-wide">
          <code>{evidence.slice(0, 12)}…</code>
        </td>
        <td class="live-open">
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={isOpen ? details : undefined}
            aria-label={strings.details(formatTime(at), liveStrings.decisions[decision].word)}
            onClick={() => toggle(id)}
          >
            <span aria-hidden="true">{isOpen ? '−' : '+'}</span>
          </button>
        </td>
      </tr>
      {isOpen && (
        <tr id={details} class="live-details">
          <td colSpan={6}>
            <Details row={row} />
          </td>
        </tr>
      )}
    </>
  );
}

function PolicyName({ row: { policyName, mode } }: { row: DecisionRow }) {
  return (
    <>
      {harmless(policyName)}
      {mode === 'observe' && <span class="quiet"> ({strings.observed})</span>}
    </>
  );
}

function Details({ row }: { row: DecisionRow }) {
  const { failed, skipped, waived, evidence, policy, expires } = row;
  return (
    <>
      <Checks title={strings.failedChecks} status="fail" ids={failed} />
      <Checks title={strings.skippedChecks} status="skip" ids={skipped} />
      <Checks title={strings.waivedChecks} status="waived" ids={waived} />
      {failed.length + skipped.length + waived.length === 0 && <p>{strings.allPassed}</p>}
      <dl class="live-facts">
        <div>
          <dt>{strings.evidence}</dt>
          <dd>
            <code>{evidence}</code>
          </dd>
        </div>
        <div>
          <dt>{strings.policyDigest}</dt>
          <dd>
            <code>{policy}</code>
          </dd>
        </div>
        <div>
          <dt>{strings.expires}</dt>
          <dd>{expires === null ? strings.nothingExpires : formatTime(expires)}</dd>
        </div>
      </dl>
    </>
  );
}

type ChecksProps = { title: string; status: CheckStatus; ids: readonly string[] };

function Checks({ title, status, ids }: ChecksProps) {
  if (ids.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="live-checks">
        {ids.map((id) => {
          const meaning = meaningOf(id);
          return (
            <li key={id}>
              <StatusMark status={status} /> <code>{harmless(id)}</code>{' '}
              {meaning === null
                ? liveStrings.refusals.unknown
                : harmless(liveStrings.refusals.passesWhen(meaning.title))}
              {status !== 'waived' && meaning !== null && (
                <span class="quiet"> {harmless(meaning.remedy)}</span>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}
