/** Lines of text for a terminal. Untrusted text is made harmless, long text is broken or cut. Nothing here knows a terminal. */

export const defaultColumns = 100;

/**
 * Untrusted text in one line: control, format (text direction), unassigned and separator characters as `\u{…}`, so that a
 * certificate's name can neither move the cursor nor hide a word.
 */
export function harmless(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`,
  );
}

/** @param columns at least 1 @returns the text, or as much as fits with `…` at its end */
export function cut(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  return `${characters
    .slice(0, columns - 1)
    .join('')
    .trimEnd()}…`;
}

/** Breaks at spaces, and inside words that are longer than a line (digests). */
export function wrap(
  text: string,
  first: string,
  rest: string,
  columns: number = defaultColumns,
): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const push = () => {
    lines.push(line.trimEnd());
    line = rest;
    empty = true;
  };
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > columns) push();
    let left = word;
    while ((empty ? line.length : line.length + 1) + left.length > columns) {
      const room = columns - line.length;
      line += left.slice(0, room);
      left = left.slice(room);
      push();
    }
    line += empty ? left : ` ${left}`;
    empty = false;
  }
  push();
  return lines;
}

/** Values of more than this many bytes are shown by their two ends. */
const shownBytes = 16;

/** Digests in a text, each by its two ends and its length: enough to recognise one, and a line stays a line. */
export function shortHex(text: string): string {
  return text.replace(/(?<![0-9a-z])[0-9a-f]{34,}(?![0-9a-z])/g, (hex) => {
    const bytes = hex.length / 2;
    if (bytes <= shownBytes) return hex;
    if (/^0+$/.test(hex)) return `${bytes} zero bytes`;
    return `${hex.slice(0, 8)}…${hex.slice(-8)}, ${bytes} bytes`;
  });
}
