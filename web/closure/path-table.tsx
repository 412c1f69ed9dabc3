/** Store paths of one page; a row opens to the whole path and the hash of its contents. */
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { CopyButton } from '../parts/copy-button.tsx';
import { shortenHex } from '../parts/long-hex.tsx';
import { closureStrings as words } from '../strings/closure.ts';
import type { Sizes } from './model.ts';
import { sizeText } from './sizes.ts';
import type { StorePath } from './store-path.ts';

type PathTableProps = { paths: readonly StorePath[]; sizes: Sizes | null };

export function PathTable({ paths, sizes }: PathTableProps) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (path: string) => {
    const next = new Set(open);
    if (!next.delete(path)) next.add(path);
    setOpen(next);
  };
  const { columns } = words;
  return (
    <table class="closure-table">
      <caption class="visually-hidden">{words.list}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.name}</th>
          <th scope="col">{columns.version}</th>
          <th scope="col" class="closure-wide">
            {columns.output}
          </th>
          {sizes !== null && (
            <th scope="col" class="closure-number">
              {columns.size}
            </th>
          )}
          <th scope="col" class="closure-wide">
            {columns.hash}
          </th>
        </tr>
      </thead>
      <tbody>
        {paths.map((one) => (
          <Fragment key={one.path}>
            <tr>
              <td>
                <button
                  type="button"
                  class="closure-open"
                  aria-expanded={open.has(one.path)}
                  onClick={() => toggle(one.path)}
                >
                  {one.name}
                  {one.output !== '' && <span class="closure-narrow quiet"> {one.output}</span>}
                </button>
              </td>
              <td class="mono">{one.version}</td>
              <td class="closure-wide quiet">{one.output}</td>
              {sizes !== null && <td class="closure-number">{sizeOf(sizes, one)}</td>}
              <td class="closure-wide mono">{shortenHex(one.narHash)}</td>
            </tr>
            {open.has(one.path) && <PathDetails one={one} columns={sizes === null ? 4 : 5} />}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function sizeOf(sizes: Sizes, { path }: StorePath): string {
  const size = sizes.get(path);
  return size === undefined ? words.unknown : sizeText(size);
}

function PathDetails({ one: { path, narHash }, columns }: { one: StorePath; columns: number }) {
  const values = [
    [words.path, path],
    [words.narHash, narHash],
  ] as const;
  return (
    <tr class="closure-details">
      <td colSpan={columns}>
        <dl>
          {values.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code> <CopyButton what={name} text={value} />
              </dd>
            </div>
          ))}
        </dl>
      </td>
    </tr>
  );
}
