/** Buttons to the pages of a long list. The reader's place is the caller's to keep. */
import { listStrings as words } from '../strings/lists.ts';
import type { PageOf } from './pages.ts';
import './lists.css';

type PagerProps = {
  /** What is listed, for its name: `events`. */
  what: string;
  at: PageOf;
  total: number;
  onPage: (page: number) => void;
};

/** Nothing where all rows fit on one page. */
export function Pager({ what, at: { page, pages, from, to }, total, onPage }: PagerProps) {
  if (pages === 1) return null;
  const step = (label: string, mark: string, wanted: number) => (
    <button
      type="button"
      aria-label={label}
      title={label}
      disabled={wanted < 1 || wanted > pages || wanted === page}
      onClick={() => onPage(wanted)}
    >
      <span aria-hidden="true">{mark}</span>
    </button>
  );
  return (
    <nav class="pager" aria-label={words.pages(what)}>
      {step(words.first, '«', 1)}
      {step(words.previous, '‹', page - 1)}
      <label class="pager-place">
        {words.page}{' '}
        <input
          type="number"
          inputMode="numeric"
          min={1}
          max={pages}
          value={page}
          onChange={(event) => onPage(Number(event.currentTarget.value))}
        />{' '}
        {words.ofPages(pages)}
      </label>
      {step(words.next, '›', page + 1)}
      {step(words.last, '»', pages)}
      <span class="pager-shown quiet">{words.shown(from + 1, to, total)}</span>
    </nav>
  );
}
