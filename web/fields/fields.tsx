/** What the evidence says: its fields beside its bytes, its TCB against floors, its certificates. */
import { useComputed, useSignal } from '@preact/signals';
import { useMemo, useRef } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import { Panel } from '../parts/panel.tsx';
import { fieldsStrings as words } from '../strings/fields.ts';
import { fieldAt } from './byte-map.ts';
import { Certificates } from './certificates.tsx';
import { FieldRow, type RowContext } from './field-row.tsx';
import { Hex } from './hex.tsx';
import { type LaidField, type LaidSection, layoutOf, type Part } from './layout.ts';
import { Tcb } from './tcb.tsx';
import './fields.css';

export function Fields({ judged }: { judged: Judged }) {
  return (
    <>
      <Layout judged={judged} />
      <Tcb judged={judged} />
      <Certificates judged={judged} />
    </>
  );
}

function Layout({ judged }: { judged: Judged }) {
  const { verified, verdict, sorted } = judged;
  const results = useMemo(() => new Map(verdict.checks.map((one) => [one.id, one])), [verdict]);
  const parts = useMemo(() => {
    const product = verified.claims?.platform === 'sev-snp' ? verified.claims.product : null;
    return layoutOf({ evidence: sorted.evidence, product, made: new Set(results.keys()) });
  }, [verified, sorted, results]);
  return (
    <Panel id="fields" title={words.title} note={words.note}>
      {parts.map((part, i) => (
        <PartView
          key={part.title}
          part={part}
          id={`fields-${i}`}
          results={results}
          titled={parts.length > 1}
        />
      ))}
    </Panel>
  );
}

type PartProps = Pick<RowContext, 'id' | 'results'> & { part: Part; titled: boolean };

function PartView({ part, id, results, titled }: PartProps) {
  const { bytes, runs, sections, zones } = part;
  const fields = useMemo(() => sections.flatMap((section) => section.fields), [sections]);
  /** The byte under the pointer or the keyboard's cursor, -1 for none. */
  const cursor = useSignal(-1);
  const pointed = useSignal(-1);
  const marked = useComputed(() =>
    pointed.value >= 0 ? pointed.value : fieldAt(runs, cursor.value),
  );
  const hex = useRef<HTMLDivElement>(null);
  const context: RowContext = {
    id,
    marked,
    length: bytes?.length ?? 0,
    results,
    onPoint: (field) => {
      cursor.value = -1;
      pointed.value = field === null || field.at === null ? -1 : field.place;
    },
    onShow: (field) => {
      pointed.value = -1;
      cursor.value = field.at?.start ?? -1;
      hex.current?.scrollIntoView({ block: 'nearest' });
    },
  };
  const goTo = (at: number) => showField(id, fields[fieldAt(runs, at)]);
  return (
    <div class={bytes === null ? 'fields-part' : 'fields-part fields-with-hex'}>
      {titled && <h3 class="fields-title">{part.title}</h3>}
      <div class="fields-sections">
        {sections.map((section) => (
          <Section key={section.title} section={section} context={context} deep={titled} />
        ))}
      </div>
      {bytes !== null && (
        <div class="fields-bytes no-print" ref={hex}>
          <Hex
            title={part.title}
            bytes={bytes}
            zones={zones}
            fields={fields}
            runs={runs}
            marked={marked}
            cursor={cursor}
            onPoint={() => {
              pointed.value = -1;
            }}
            onPick={goTo}
          />
        </div>
      )}
    </div>
  );
}

/** Its section may be closed. */
function showField(id: string, field: LaidField | undefined): void {
  if (field === undefined) return;
  const row = document.getElementById(`${id}-${field.place}`);
  const details = row?.closest('details');
  if (details) details.open = true;
  row?.scrollIntoView({ block: 'nearest' });
}

type SectionProps = { section: LaidSection; context: RowContext; deep: boolean };

function Section({ section, context, deep }: SectionProps) {
  const { title, fields, open } = section;
  const Title = deep ? 'h4' : 'h3';
  const name = harmless(title);
  const first = fields[0]?.place ?? 0;
  const { marked } = context;
  const holds = useComputed(() => marked.value >= first && marked.value < first + fields.length);
  return (
    <details class={holds.value ? 'fields-section fields-holds' : 'fields-section'} open={open}>
      <summary>
        <Title>{name}</Title>
      </summary>
      <table class="fields-table" aria-label={words.tableOf(name)}>
        <thead>
          <tr>
            <th scope="col">{words.columns.field}</th>
            <th scope="col" class="fields-number">
              {words.columns.offset}
            </th>
            <th scope="col" class="fields-number">
              {words.columns.length}
            </th>
            <th scope="col">{words.columns.value}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <FieldRow key={field.place} field={field} context={context} />
          ))}
        </tbody>
      </table>
    </details>
  );
}
