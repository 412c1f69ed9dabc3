/** What a closure holds, path by path or package by package: searched, sorted, in pages. */
import { useMemo, useState } from 'preact/hooks';
import { Pager } from '../parts/pager.tsx';
import { pageOf } from '../parts/pages.ts';
import { PickFile } from '../parts/pick-file.tsx';
import { closureStrings as words } from '../strings/closure.ts';
import {
  packagesOf,
  type Sizes,
  type SortBy,
  searchPaths,
  sortPackages,
  sortPaths,
} from './model.ts';
import { PackageTable } from './package-table.tsx';
import { PathTable } from './path-table.tsx';
import { readSizes, sizeText } from './sizes.ts';
import type { StorePath } from './store-path.ts';

type ViewOf = keyof typeof words.views;

/** What Nix writes of twenty thousand paths. */
const sizesMebibytes = 32;

export function ClosureList({ paths }: { paths: readonly StorePath[] }) {
  const [view, setView] = useState<ViewOf>('paths');
  const [by, setBy] = useState<SortBy>('name');
  const [text, setText] = useState('');
  const [page, setPage] = useState(1);
  const [sizes, setSizes] = useState<Sizes | null>(null);
  const packages = useMemo(() => packagesOf(paths, sizes), [paths, sizes]);
  const several = packages.filter(({ versions }) => versions.length > 1);
  // By name and by path are one for packages.
  const sorted = useMemo(() => sortPaths(paths, by, sizes), [paths, by, sizes]);
  const found = useMemo(() => searchPaths(sorted, text), [sorted, text]);
  const foundPackages = useMemo(() => {
    const kept = packagesOf(found, sizes).filter(
      ({ versions }) => view !== 'several' || versions.length > 1,
    );
    return sortPackages(kept, by);
  }, [found, sizes, view, by]);
  const listed = view === 'paths' ? found : foundPackages;
  const all = { paths: paths.length, packages: packages.length, several: several.length }[view];
  const what = view === 'paths' ? words.whatPaths : words.whatPackages;
  const at = pageOf(listed.length, page);
  const restart = (change: () => void) => {
    change();
    setPage(1);
  };
  return (
    <section aria-labelledby="closure-list">
      <h3 id="closure-list">{words.list}</h3>
      <p>
        {words.counts(paths.length, packages.length)} {words.several(several.length)}{' '}
        {sizes === null ? words.noSizes : totalText(sizes, paths.length)}
      </p>
      <search class="closure-controls no-print">
        <Choice
          label={words.view}
          value={view}
          options={words.views}
          onChange={(next) => restart(() => setView(next))}
        />
        <Choice
          label={words.sort}
          value={by}
          options={sortsFor(sizes)}
          onChange={(next) => restart(() => setBy(next))}
        />
        <label class="closure-search">
          <span>{words.search}</span>
          <input
            type="search"
            autoComplete="off"
            spellcheck={false}
            placeholder={words.searchHint}
            value={text}
            onInput={({ currentTarget: { value } }) => restart(() => setText(value))}
          />
        </label>
      </search>
      <p role="status" class="quiet">
        {listed.length === 0 ? words.none : words.found(listed.length, all, what)}
      </p>
      {view === 'paths' ? (
        <PathTable paths={found.slice(at.from, at.to)} sizes={sizes} />
      ) : (
        <PackageTable
          packages={foundPackages.slice(at.from, at.to)}
          hasSizes={sizes !== null}
          onShow={(name) =>
            restart(() => {
              setView('paths');
              setText(name);
            })
          }
        />
      )}
      <Pager what={what} at={at} total={listed.length} onPage={setPage} />
      {sizes === null && (
        <PickFile
          label={words.pickSizes}
          mebibytes={sizesMebibytes}
          onFile={({ bytes }) => setSizes(readSizes(bytes, paths))}
        />
      )}
    </section>
  );
}

function totalText(sizes: Sizes, all: number): string {
  const sum = [...sizes.values()].reduce((total, size) => total + size, 0);
  return words.total(sizeText(sum), sizes.size, all);
}

function sortsFor(sizes: Sizes | null): Partial<Record<SortBy, string>> {
  const { name, path } = words.sorts;
  return sizes === null ? { name, path } : words.sorts;
}

type ChoiceProps<K extends string> = {
  label: string;
  value: K;
  options: Readonly<Partial<Record<K, string>>>;
  onChange: (value: K) => void;
};

function Choice<K extends string>({ label, value, options, onChange }: ChoiceProps<K>) {
  const keys = Object.keys(options) as K[];
  return (
    <label>
      <span>{label}</span>
      <select
        value={value}
        onChange={({ currentTarget }) =>
          onChange(keys.find((key) => key === currentTarget.value) ?? value)
        }
      >
        {keys.map((key) => (
          <option key={key} value={key}>
            {options[key]}
          </option>
        ))}
      </select>
    </label>
  );
}
