/** Two closures beside each other: counts of each kind of change, and the changes themselves. */
import { Fragment } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { Pager } from '../parts/pager.tsx';
import { pageOf } from '../parts/pages.ts';
import { closureStrings as strings } from '../strings/closure.ts';
import { count } from '../strings/lists.ts';
import {
  type Change,
  type ChangeKind,
  changeKinds,
  type Diff,
  diffClosures,
  filterChanges,
  pathOf,
} from './diff.ts';
import type { Manifest } from './model.ts';

const words = strings.diff;

type ClosureDiffProps = {
  before: Manifest;
  after: Manifest;
  /** Null for one that came with the evidence. */
  onRemove: ((manifest: Manifest) => void) | null;
};

export function ClosureDiff({ before, after, onRemove }: ClosureDiffProps) {
  const id = `closure-diff-${before.digest.slice(0, 16)}`;
  const diff = useMemo(
    () =>
      before.paths === null || after.paths === null
        ? null
        : diffClosures(before.paths, after.paths),
    [before, after],
  );
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{words.title(before.name)}</h3>
      <p class="quiet">{words.titleNote(after.name)}</p>
      {onRemove !== null && (
        <button type="button" class="no-print" onClick={() => onRemove(before)}>
          {words.remove}
        </button>
      )}
      {diff === null ? (
        <p>{words.unreadable}</p>
      ) : diff.counts.same === diff.changes.length ? (
        <p>{words.identical}</p>
      ) : (
        <Changes diff={diff} />
      )}
    </section>
  );
}

const changed: ReadonlySet<ChangeKind> = new Set(changeKinds.filter((kind) => kind !== 'same'));

function Changes({ diff: { changes, counts } }: { diff: Diff }) {
  const [kinds, setKinds] = useState<ReadonlySet<ChangeKind>>(changed);
  const [text, setText] = useState('');
  const [page, setPage] = useState(1);
  const found = useMemo(() => filterChanges(changes, kinds, text), [changes, kinds, text]);
  const at = pageOf(found.length, page);
  const toggle = (kind: ChangeKind) => {
    const next = new Set(kinds);
    if (!next.delete(kind)) next.add(kind);
    setKinds(next);
    setPage(1);
  };
  return (
    <>
      <fieldset class="closure-kinds">
        <legend class="visually-hidden">{words.label}</legend>
        {changeKinds.map((kind) => (
          <button
            key={kind}
            type="button"
            class={`closure-kind closure-kind-${kind}`}
            aria-pressed={kinds.has(kind)}
            title={words.explain[kind]}
            onClick={() => toggle(kind)}
          >
            <KindMark kind={kind} /> <strong>{count(counts[kind])}</strong>
          </button>
        ))}
      </fieldset>
      <search class="closure-controls no-print">
        <label class="closure-search">
          <span>{strings.search}</span>
          <input
            type="search"
            autoComplete="off"
            spellcheck={false}
            placeholder={strings.searchHint}
            value={text}
            onInput={({ currentTarget: { value } }) => {
              setText(value);
              setPage(1);
            }}
          />
        </label>
      </search>
      <p role="status" class="quiet">
        {found.length === 0
          ? strings.none
          : strings.found(found.length, changes.length, strings.whatPaths)}
      </p>
      <ChangeTable changes={found.slice(at.from, at.to)} />
      <Pager what={strings.whatChanges} at={at} total={found.length} onPage={setPage} />
    </>
  );
}

function KindMark({ kind }: { kind: ChangeKind }) {
  return (
    <span class={`closure-change closure-change-${kind}`}>
      <span aria-hidden="true">{words.kinds[kind].mark}</span> {words.kinds[kind].word}
    </span>
  );
}

function ChangeTable({ changes }: { changes: readonly Change[] }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  const { columns } = words;
  return (
    <table class="closure-table closure-changes">
      <caption class="visually-hidden">{words.table}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.kind}</th>
          <th scope="col">{columns.name}</th>
          <th scope="col">{columns.before}</th>
          <th scope="col">{columns.after}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => {
          const key = `${change.before?.path ?? ''} ${change.after?.path ?? ''}`;
          const { name, output } = pathOf(change);
          return (
            <Fragment key={key}>
              <tr>
                <td>
                  <KindMark kind={change.kind} />
                </td>
                <td>
                  <button
                    type="button"
                    class="closure-open"
                    aria-expanded={open.has(key)}
                    onClick={() => toggle(key)}
                  >
                    {name}
                    {output !== '' && <span class="quiet"> {output}</span>}
                  </button>
                </td>
                <td class="mono">{change.before?.version}</td>
                <td class="mono">{change.after?.version}</td>
              </tr>
              {open.has(key) && <ChangeDetails change={change} />}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

function ChangeDetails({ change: { kind, before, after } }: { change: Change }) {
  const values = [
    [words.before, before?.path],
    [words.after, after?.path],
    [words.beforeHash, before?.narHash],
    [words.afterHash, after?.narHash],
  ] as const;
  const samePath = kind === 'contents' && before?.path === after?.path;
  const sameContents = kind === 'contents' && before?.narHash === after?.narHash;
  return (
    <tr class="closure-details">
      <td colSpan={4}>
        <p>
          {words.explain[kind]} {samePath && `(${words.samePath})`}
          {sameContents && `(${words.sameContents})`}
        </p>
        <dl>
          {values.map(([name, value]) =>
            value === undefined ? null : (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <code>{value}</code>
                </dd>
              </div>
            ),
          )}
        </dl>
      </td>
    </tr>
  );
}
