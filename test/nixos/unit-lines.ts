/** Compares the units that nixos/units declare, as nixos/lib/unit-text.nix writes them, with those that NixOS makes. */

/** Order means nothing in them, and NixOS may add others. */
const wordLists = ['After', 'Before', 'Requires', 'Wants'];

/** `Key=Value` of each section; a key that occurs twice keeps its order, as systemd reads it. */
function entriesOf(text: string): Map<string, string[]> {
  const entries = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n')) {
    if (/^\[.*\]$/.test(line)) section = line;
    const at = line.indexOf('=');
    if (at < 0) continue;
    const key = `${section} ${line.slice(0, at)}`;
    entries.set(key, [...(entries.get(key) ?? []), line.slice(at + 1)]);
  }
  return entries;
}

/** @returns what of `ours` the other text lacks or has otherwise, a line each */
export function missingLines(ours: string, evaluated: string): string[] {
  const other = entriesOf(evaluated);
  return [...entriesOf(ours)].flatMap(([key, values]) => {
    const found = other.get(key) ?? [];
    const name = key.slice(key.indexOf(' ') + 1);
    const same = wordLists.includes(name)
      ? wordsOf(values).every((word) => wordsOf(found).includes(word))
      : values.join('\n') === found.join('\n');
    return same ? [] : [`${key}: expected ${values.join(' | ')}, found ${found.join(' | ')}`];
  });
}

function wordsOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(' '));
}
