/** One check in full: what it compared, what it protects from, and what to do. */
import type { ComponentChildren } from 'preact';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import { harmless } from '#verifier/words/lines.ts';
import { checkStrings as words } from '../strings/road.ts';
import { errorOf, namesOptions } from './check-words.ts';
import { differenceOf, type Piece } from './differ.ts';
import './check-details.css';

export function CheckDetails({ check }: { check: CheckResult }) {
  const { protects, remedy, spec } = entryOf(check.id);
  const error = errorOf(check);
  const open = check.status === 'fail' || check.status === 'skip';
  return (
    <dl class="check-details">
      <Comparison check={check} />
      {check.reason !== null && <Fact name={words.why}>{harmless(check.reason)}</Fact>}
      {error !== null && (
        <Fact name={words.error}>
          <code>{error.code}</code>: {error.means} {error.remedy}
        </Fact>
      )}
      <Fact name={words.protects}>{protects}</Fact>
      <Fact name={open ? words.todo : words.ifItFails}>
        {remedy}
        {namesOptions(check) && <span class="check-options quiet"> {words.options}</span>}
      </Fact>
      <Fact name={words.clause}>{spec}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="check-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** One above the other in a fixed-width face, so that places can be compared. */
function Comparison({ check }: { check: CheckResult }) {
  const expected = check.expected === null ? null : harmless(check.expected);
  const actual = check.actual === null ? null : harmless(check.actual);
  const marks =
    check.status === 'fail' && expected !== null && actual !== null
      ? differenceOf(expected, actual)
      : null;
  return (
    <>
      {expected !== null && (
        <Fact name={words.expected}>
          <Value text={expected} pieces={marks?.expected} />
        </Fact>
      )}
      {actual !== null && (
        <Fact name={words.actual}>
          <Value text={actual} pieces={marks?.actual} />
          {marks !== null && <span class="check-options quiet"> {words.differs}</span>}
        </Fact>
      )}
    </>
  );
}

function Value({ text, pieces }: { text: string; pieces: Piece[] | undefined }) {
  return (
    <code class="check-value">
      {pieces === undefined
        ? text
        : pieces.map((piece, place) =>
            piece.differs ? <mark key={place}>{piece.text}</mark> : piece.text,
          )}
    </code>
  );
}
