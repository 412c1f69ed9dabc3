/** Two values byte by byte. */

export type Run = { text: string; differs: boolean };

/** Long enough to be bytes and no word. */
const hexBytes = /^(?:[0-9a-f]{2}){2,}$/;

/** With fewer equal bytes than one in ten the two have nothing in common but chance. */
const fewest = 0.1;

/** With `0x` before it, as large numbers are written, too. */
export function isHex(value: string): boolean {
  return hexBytes.test(value.replace(/^0x/, ''));
}

/**
 * One value in runs of equal and of differing bytes; a single run where it is no hex, not as long as the other, or another value
 * altogether: marks all over it would point at nothing.
 */
export function runsOf(value: string, other: string | null): Run[] {
  if (other === null || value === other) return [{ text: value, differs: false }];
  if (value.length !== other.length || !hexBytes.test(value) || !hexBytes.test(other)) {
    return [{ text: value, differs: true }];
  }
  const runs: Run[] = [];
  for (let at = 0; at < value.length; at += 2) {
    const text = value.slice(at, at + 2);
    const differs = text !== other.slice(at, at + 2);
    const last = runs.at(-1);
    if (last?.differs === differs) last.text += text;
    else runs.push({ text, differs });
  }
  const equal = runs.filter(({ differs }) => !differs);
  const length = equal.reduce((sum, { text }) => sum + text.length, 0);
  return length < fewest * value.length ? [{ text: value, differs: true }] : runs;
}
