/** A long list in pages: only one is in the document, so twenty thousand rows cost what fifty do. */

export type PageOf = {
  /** From 1; the last one where the wanted is beyond it. */
  page: number;
  /** 1 at least. */
  pages: number;
  /** Index of the first row, and of the one after the last. */
  from: number;
  to: number;
};

export const pageSize = 50;

export function pageOf(total: number, wanted: number, size: number = pageSize): PageOf {
  const pages = Math.max(1, Math.ceil(total / size));
  const page = Math.min(pages, Math.max(1, Math.trunc(wanted) || 1));
  const from = (page - 1) * size;
  return { page, pages, from, to: Math.min(total, from + size) };
}

/** The page on which the row of this index stands. */
export function pageWith(index: number, size: number = pageSize): number {
  return Math.floor(Math.max(0, index) / size) + 1;
}
