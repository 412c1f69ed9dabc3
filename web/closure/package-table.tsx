/** Packages of one page: how many paths each has, and in which versions. */
import { closureStrings as words } from '../strings/closure.ts';
import type { Package } from './model.ts';
import { sizeText } from './sizes.ts';

type PackageTableProps = {
  packages: readonly Package[];
  hasSizes: boolean;
  onShow: (name: string) => void;
};

export function PackageTable({ packages, hasSizes, onShow }: PackageTableProps) {
  const { columns } = words;
  return (
    <table class="closure-table">
      <caption class="visually-hidden">{words.list}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.name}</th>
          <th scope="col" class="closure-number">
            {columns.paths}
          </th>
          {hasSizes && (
            <th scope="col" class="closure-number">
              {columns.size}
            </th>
          )}
          <th scope="col">{columns.versions}</th>
        </tr>
      </thead>
      <tbody>
        {packages.map(({ name, paths, size, versions }) => (
          <tr key={name}>
            <td>
              <button
                type="button"
                class="closure-link"
                aria-label={words.showPackage(name)}
                onClick={() => onShow(name)}
              >
                {name}
              </button>
            </td>
            <td class="closure-number">{paths}</td>
            {hasSizes && <td class="closure-number">{sizeText(size)}</td>}
            <td class="mono">{versions.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
