/** An Intel platform's security versions as bars against the levels of the TCB info, and what is behind. */
import { useState } from 'preact/hooks';
import type { Matched } from '#verifier/abi/tcb-status.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { tcbStrings as words } from '../strings/tcb.ts';
import { Bar } from './bar.tsx';
import { type IntelTcbTable, isEmptyRow, type SvnRow } from './intel-tcb-model.ts';

export function IntelTcb({ table }: { table: IntelTcbTable }) {
  return (
    <>
      <Summary table={table} />
      <Rows table={table} />
      {table.newest !== null && <Lacking table={table} />}
    </>
  );
}

function Summary({ table: { assessment, newest } }: { table: IntelTcbTable }) {
  if (assessment === null) return <p>{words.noStatus}</p>;
  const { status, problem, advisories, platform, module, qe } = assessment;
  const rows: readonly (readonly [string, string])[] = [
    [words.levelReached, levelText(platform)],
    ...(module === null ? [] : [[`${words.module} ${module.id}`, levelText(module)] as const]),
    [words.qe, levelText(qe)],
    ...(newest === null ? [] : [[words.newest, levelText(newest)] as const]),
    [words.advisories, advisories.length === 0 ? words.noAdvisories : advisories.join(', ')],
  ];
  return (
    <>
      <p>
        <strong class={status === 'UpToDate' ? 'tcb-status tcb-good' : 'tcb-status tcb-open'}>
          {status}
        </strong>{' '}
        {words.statuses[status]}
        {problem !== null && ` ${harmless(problem)}`}
      </p>
      <dl class="tcb-summary">
        {rows.map(([name, text]) => (
          <div key={name}>
            <dt>{harmless(name)}</dt>
            <dd>{harmless(text)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

type Level = Pick<Matched, 'status' | 'date'>;

function levelText(level: Level | null): string {
  return level === null
    ? words.none
    : words.level(level.status, formatTime(level.date).slice(0, 10));
}

function Rows({ table: { rows } }: { table: IntelTcbTable }) {
  const [all, setAll] = useState(false);
  const empty = rows.filter(isEmptyRow).length;
  const shown = all ? rows : rows.filter((row) => !isEmptyRow(row));
  const floors = rows.some(({ floor }) => floor !== null);
  return (
    <>
      <p class="quiet">{words.intelNote}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
      <section class="scroll" tabIndex={0} aria-label={words.intelTable}>
        <table class="tcb-table tcb-intel" aria-label={words.intelTable}>
          <thead>
            <tr>
              <th scope="col">{words.component}</th>
              <th scope="col">{words.platform}</th>
              <th scope="col">{words.levelReached}</th>
              <th scope="col">{words.newest}</th>
              {floors && <th scope="col">{words.policyFloor}</th>}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={`${row.kind}${row.number}`} row={row} floors={floors} />
            ))}
          </tbody>
        </table>
      </section>
      {empty > 0 && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? words.shownAll : words.hidden(empty)}
        </button>
      )}
    </>
  );
}

function Row({ row, floors }: { row: SvnRow; floors: boolean }) {
  const { platform, reached, newest, floor, scale } = row;
  const behind = Math.max((newest ?? 0) - platform, 0);
  const below = floor !== null && platform < floor;
  return (
    <tr>
      <th scope="row">{harmless(words.nameOf(row))}</th>
      <td class="tcb-platform">
        <span class="tcb-value">{platform}</span>
        {behind > 0 && <span class="tcb-behind">{words.missing(behind)}</span>}
        {(floor ?? reached ?? newest) !== null && (
          <Bar value={platform} scale={scale} marks={marksOf(row)} short={behind > 0 || below} />
        )}
      </td>
      <td>{reached ?? words.notCompared}</td>
      <td>{newest ?? words.notCompared}</td>
      {floors && (
        <td class={below ? 'tcb-behind' : undefined}>
          {floor === null ? words.anyVersion : words.floor(floor)}
        </td>
      )}
    </tr>
  );
}

/** The policy's floor where it has one, else the level that counts; and the newest. */
function marksOf({ reached, newest, floor }: SvnRow) {
  const asked = floor ?? reached;
  return [
    ...(asked === null ? [] : [{ at: asked, kind: 'floor' as const }]),
    ...(newest === null ? [] : [{ at: newest, kind: 'newest' as const }]),
  ];
}

function Lacking({ table: { lacking } }: { table: IntelTcbTable }) {
  if (lacking.length === 0) return <p class="tcb-after">{words.nothingLacking}</p>;
  return (
    <>
      <h3>{words.lacking}</h3>
      <ul>
        {lacking.map(({ what, actual, needed }) => (
          <li key={what}>{harmless(words.lacks(what, actual, needed))}</li>
        ))}
      </ul>
    </>
  );
}
