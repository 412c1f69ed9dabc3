/** One field of the evidence as rows of a table: its name, where it is, its value and its bits. */
import { type Signal, useComputed } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { harmless } from '#verifier/words/lines.ts';
import { openCheck } from '../model/session.ts';
import { StatusMark } from '../parts/status.tsx';
import { fieldsStrings as words } from '../strings/fields.ts';
import { offsetText } from './byte-map.ts';
import { endsOf, type LaidField, zeroBytes } from './layout.ts';

/** What the rows of one part share. */
export type RowContext = {
  /** Names the part's rows in the document. */
  id: string;
  /** Place of the marked field, -1 for none. */
  marked: Signal<number>;
  /** Length of the bytes that offsets are in. */
  length: number;
  results: ReadonlyMap<CheckId, CheckResult>;
  /** A reader points at the field, or no longer does (null). */
  onPoint: (field: LaidField | null) => void;
  /** A reader asks for its bytes. */
  onShow: (field: LaidField) => void;
};

export function FieldRow({ field, context }: { field: LaidField; context: RowContext }) {
  const { id, marked, length, onPoint } = context;
  const isMarked = useComputed(() => marked.value === field.place);
  const { at } = field;
  const offset = at === null ? '' : offsetText(at.start, length);
  const size = at === null ? '' : String(at.end - at.start);
  return (
    <tr
      id={`${id}-${field.place}`}
      class={isMarked.value ? 'fields-row fields-marked' : 'fields-row'}
      onPointerEnter={() => onPoint(field)}
      onPointerLeave={() => onPoint(null)}
      onFocusIn={() => onPoint(field)}
    >
      <th scope="row">
        <FieldName field={field} context={context} />
        {at !== null && (
          <span class="fields-place">{words.placeOf(offset, at.end - at.start)}</span>
        )}
        {field.meaning !== null && <span class="fields-meaning">{field.meaning}</span>}
      </th>
      <td class="fields-number">{offset}</td>
      <td class="fields-number">{size}</td>
      <td>
        <Value name={field.name} value={field.value} />
        <Parts field={field} />
        <ReadBy field={field} context={context} />
      </td>
    </tr>
  );
}

function FieldName({ field, context }: { field: LaidField; context: RowContext }) {
  const name = harmless(field.name);
  if (field.at === null || name === 'reserved') return <span class="fields-name">{name}</span>;
  return (
    <button
      type="button"
      class="fields-name"
      title={words.showBytes}
      onClick={() => context.onShow(field)}
    >
      {name}
    </button>
  );
}

function ReadBy({ field, context }: { field: LaidField; context: RowContext }) {
  if (field.checks.length === 0) return null;
  return (
    <span class="fields-checks">
      <span class="visually-hidden">{words.readBy}</span>
      {field.checks.map((id) => {
        const result = context.results.get(id);
        return (
          <button
            key={id}
            type="button"
            class="fields-check"
            onClick={() => {
              // Also when it is open already, the reader is taken there.
              openCheck.value = null;
              openCheck.value = id;
            }}
          >
            {result !== undefined && <StatusMark status={result.status} />} <code>{id}</code>
          </button>
        );
      })}
    </span>
  );
}

function Value({ name, value }: { name: string; value: string }) {
  const [open, setOpen] = useState(false);
  const zeros = zeroBytes(value);
  if (zeros !== null) return <span class="quiet">{words.zero(zeros)}</span>;
  const text = harmless(value);
  const ends = endsOf(text);
  return (
    <>
      <code class="fields-value">
        {ends === null || open ? (
          text
        ) : (
          <>
            <span class="fields-short">{`${ends.start} … ${ends.end}`}</span>
            <span class="fields-printed">{text}</span>
          </>
        )}
      </code>
      <span class="fields-tools no-print">
        {ends !== null && (
          <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? words.showLess : words.showAll(text.length)}
          </button>
        )}
        {value.length >= 16 && <Copy name={name} value={value} />}
      </span>
    </>
  );
}

function Copy({ name, value }: { name: string; value: string }) {
  const [said, setSaid] = useState<string>(words.copy);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setSaid(words.copied);
    } catch {
      // The browser may refuse, or have no clipboard where the page stands.
      setSaid(words.notCopied);
    }
  };
  return (
    <button
      type="button"
      class="fields-copy"
      aria-label={words.copyOf(said, harmless(name))}
      onClick={copy}
    >
      <span aria-live="polite">{said}</span>
    </button>
  );
}

function Parts({ field }: { field: LaidField }) {
  if (field.parts.length === 0) return null;
  return (
    <ul class="fields-parts">
      {field.parts.map(({ name, value }) => (
        <li key={name} class={value === 'no' ? 'fields-off' : ''}>
          <span>{harmless(name)}</span> <strong>{harmless(value)}</strong>
        </li>
      ))}
    </ul>
  );
}
