/** Where two values that are shown one above the other differ. */

/** A piece of a value; `differs` pieces are marked. */
export type Piece = { text: string; differs: boolean };
export type Marked = { expected: Piece[]; actual: Piece[] };

/** Fewer digits are read at a glance. */
const shortestHex = 8;
/** Values of which more differs than this are just different: marks everywhere help nobody. */
const mostMarks = 0.75;

/**
 * Compares word by word, and values of hexadecimal byte by byte.
 * @returns null when the two are not of one shape, or so different that marks would say nothing
 */
export function differenceOf(expected: string, actual: string): Marked | null {
  if (expected === actual) return null;
  const [wanted, found] = [wordsOf(expected), wordsOf(actual)];
  if (wanted.length !== found.length) return null;
  const marked: Marked = { expected: [], actual: [] };
  for (const [place, word] of wanted.entries()) {
    const other = found[place] ?? '';
    const pieces = word === other ? same(word) : wordPieces(word, other);
    marked.expected.push(...pieces.expected);
    marked.actual.push(...pieces.actual);
  }
  const differing = marked.expected.filter(({ differs }) => differs);
  const length = (pieces: readonly Piece[]) =>
    pieces.reduce((sum, { text }) => sum + text.length, 0);
  const hex = wanted.length === 1 && isHex(expected) && isHex(actual);
  if (!hex && length(differing) > length(marked.expected) * mostMarks) return null;
  return { expected: joined(marked.expected), actual: joined(marked.actual) };
}

/** Words and what stands between them, in turn. */
function wordsOf(text: string): string[] {
  return text.split(/([\s,;:]+)/);
}

function same(text: string): Marked {
  return { expected: [{ text, differs: false }], actual: [{ text, differs: false }] };
}

function wordPieces(expected: string, actual: string): Marked {
  if (isHex(expected) && isHex(actual) && expected.length === actual.length) {
    return {
      expected: bytePieces(expected, actual),
      actual: bytePieces(actual, expected),
    };
  }
  return {
    expected: [{ text: expected, differs: true }],
    actual: [{ text: actual, differs: true }],
  };
}

function bytePieces(hex: string, other: string): Piece[] {
  const bytes = hex.match(/../g) ?? [];
  return bytes.map((text, place) => ({
    text,
    differs: text !== other.slice(2 * place, 2 * place + 2),
  }));
}

/** Neighbours of one kind become one piece. */
function joined(pieces: readonly Piece[]): Piece[] {
  const runs: Piece[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last !== undefined && last.differs === piece.differs) last.text += piece.text;
    else if (piece.text !== '') runs.push({ ...piece });
  }
  return runs;
}

function isHex(text: string): boolean {
  return text.length >= shortestHex && text.length % 2 === 0 && /^[0-9a-f]+$/.test(text);
}
