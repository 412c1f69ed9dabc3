/** Where a Noir source constrains: statements that begin with an assertion and give no value. */

export type Constraint = {
  /** From 1. */
  readonly at: number;
  /** The statement in one line. */
  readonly text: string;
};

const begins =
  /^\s*(?!let |fn |pub |if |for |use |\/\/).*\b(?:assert|expect)(?:_[a-z_0-9]+)?(?:::<[^>]*>)?\(/;

/** Every statement, as long as it takes to its semicolon, outside of comments. */
export function constraintsOf(source: string): Constraint[] {
  const lines = source.split('\n');
  return lines.flatMap((line, i) => {
    if (!begins.test(line)) return [];
    const end = endOf(lines, i);
    // Without a semicolon it is what a function returns.
    if (end === null) return [];
    const text = lines.slice(i, end + 1).map((part) => part.trim());
    return [{ at: i + 1, text: text.join(' ') }];
  });
}

/** The same without the statement; its lines stay, empty. */
export function without(source: string, { at }: Constraint): string {
  const lines = source.split('\n');
  const end = endOf(lines, at - 1) ?? at - 1;
  return lines.map((line, i) => (i >= at - 1 && i <= end ? '' : line)).join('\n');
}

/** The line in which the statement that begins on line `from` ends; null when no semicolon ends it. */
function endOf(lines: readonly string[], from: number): number | null {
  let open = 0;
  for (let i = from; i < lines.length; i++) {
    const line = lines[i] ?? '';
    for (const sign of line.replace(/"[^"]*"/g, '')) {
      if (sign === '(') open += 1;
      if (sign === ')') open -= 1;
    }
    if (open === 0) return line.trimEnd().endsWith(';') ? i : null;
  }
  return null;
}
