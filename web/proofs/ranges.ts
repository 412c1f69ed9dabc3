/** Ranges of bytes from what a reader selects in a text: the form counts bytes, a browser counts UTF-16 units. */
import { type ByteRange, parseRanges } from '#prover/linked/alice-show.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

/** The text of a body, where all of it is text that can be shown as it is; null where bytes would be hidden or changed. */
export function textOf(body: Bytes): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return /[^\P{C}\n\t]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** @param end behind the last unit selected @returns null for an empty selection */
export function rangeOf(text: string, start: number, end: number): ByteRange | null {
  if (end <= start) return null;
  const first = utf8(text.slice(0, start)).length;
  return { first, last: first + utf8(text.slice(start, end)).length - 1 };
}

/** As the form has them: in order, and those that overlap or touch made one. Ranges that cannot be read give way. */
export function withRange(ranges: string, added: ByteRange): string {
  const all = [...(parseRanges(ranges) ?? []), added].sort((a, b) => a.first - b.first);
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of all) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else merged.push({ first, last });
  }
  return merged.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join();
}
