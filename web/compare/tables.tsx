/** Checks and fields of two pieces of evidence in rows: the name, the left value, the right one. */
import { useState } from 'preact/hooks';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import { harmless, shortHex } from '#verifier/words/lines.ts';
import { StatusMark } from '../parts/status.tsx';
import { withoutOptions } from '../road/station-words.ts';
import { compareStrings as words } from '../strings/compare.ts';
import type { CheckPair, FieldPair, SectionPair } from './compare-model.ts';
import type { Side } from './compare-state.ts';
import { isHex, runsOf } from './runs.ts';

const sides = ['left', 'right'] as const satisfies readonly Side[];

function Head({ first, caption }: { first: string; caption: string }) {
  return (
    <>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          {sides.map((side) => (
            <th key={side} scope="col">
              {words.sides[side]}
            </th>
          ))}
        </tr>
      </thead>
    </>
  );
}

export function CheckTable({ pairs }: { pairs: readonly CheckPair[] }) {
  return (
    <table class="compare-table">
      <Head first={words.checks.check} caption={words.checks.caption} />
      <tbody>
        {pairs.map((pair) => (
          <tr key={pair.id} class={pair.isNews ? 'compare-news' : undefined}>
            <th scope="row">
              {entryOf(pair.id).title}
              <span class="mono quiet compare-id">{pair.id}</span>
            </th>
            {sides.map((side) => (
              <td key={side} data-side={words.sides[side]}>
                <CheckCell check={pair[side]} other={pair[side === 'left' ? 'right' : 'left']} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type CheckCellProps = { check: CheckResult | null; other: CheckResult | null };

function CheckCell({ check, other }: CheckCellProps) {
  if (check === null) return <span class="quiet">{words.checks.notAsked}</span>;
  const { status, actual, reason } = check;
  return (
    <>
      <StatusMark status={status} />
      {actual !== null && (
        <span class="compare-actual">{harmless(ends(actual, other?.actual ?? null))}</span>
      )}
      {status !== 'pass' && reason !== null && (
        <span class="quiet compare-reason">{harmless(shortHex(withoutOptions(reason)))}</span>
      )}
    </>
  );
}

/** The ends of a digest are enough here, unless it is the middle that differs: the fields below have it whole. */
function ends(text: string, other: string | null): string {
  const short = shortHex(text);
  return other !== null && text !== other && short === shortHex(other) ? text : short;
}

/** Hex of more bytes than this is folded. */
const longest = 64;

/** What differs is marked, and underlined: a colour is not seen by everybody. */
function Value({ value, other }: { value: string; other: string | null }) {
  if (!isHex(value)) return <span>{harmless(value)}</span>;
  const runs = (
    <span class="mono">
      {runsOf(value, other).map(({ text, differs }, index, all) =>
        differs && all.length > 1 ? (
          <mark key={index}>{text}</mark>
        ) : (
          <span key={index}>{text}</span>
        ),
      )}
    </span>
  );
  if (value.length <= 2 * longest) return runs;
  return (
    <details>
      <summary class="mono">{shortHex(value)}</summary>
      {runs}
    </details>
  );
}

/** So many fields at once: documents of a thousand levels stay quick. */
const pageLength = 24;

export function SectionTable({ section, all }: { section: SectionPair; all: boolean }) {
  const [shown, setShown] = useState(pageLength);
  const { title, fields, same } = section;
  const wanted = all ? fields : fields.filter(({ likeness }) => likeness !== 'same');
  return (
    <div class="compare-section">
      <h3 class="compare-section-title">{harmless(title)}</h3>
      {wanted.length > 0 && (
        <table class="compare-table">
          <Head first={words.fields.field} caption={words.fields.caption(harmless(title))} />
          <tbody>
            {wanted.slice(0, shown).map((field, index) => (
              <FieldRow key={index} field={field} />
            ))}
          </tbody>
        </table>
      )}
      {wanted.length > shown && (
        <button type="button" onClick={() => setShown(shown + pageLength)}>
          {words.fields.more(Math.min(pageLength, wanted.length - shown))}
        </button>
      )}
      {!all && same > 0 && <p class="quiet compare-small">{words.fields.same(same)}</p>}
    </div>
  );
}

function FieldRow({ field }: { field: FieldPair }) {
  const { name, likeness, parts } = field;
  return (
    <tr class={likeness === 'same' ? 'compare-same' : undefined}>
      <th scope="row">{harmless(name)}</th>
      {sides.map((side) => {
        const value = field[side]?.value;
        const opposite = side === 'left' ? 'right' : 'left';
        return (
          <td key={side} data-side={words.sides[side]}>
            {value === undefined ? (
              <span class="quiet">{words.fields.absent}</span>
            ) : (
              <Value value={value} other={field[opposite]?.value ?? null} />
            )}
            {parts.length > 0 && (
              <ul class="compare-parts">
                {parts.map((part) => (
                  <li key={part.name}>
                    {harmless(part.name)}{' '}
                    <strong>{harmless(part[side] ?? words.fields.absent)}</strong>
                  </li>
                ))}
              </ul>
            )}
          </td>
        );
      })}
    </tr>
  );
}
