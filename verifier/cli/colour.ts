/** Colour for a terminal that shows it. Every coloured word says the same without it. */

import { type Paint, plain, type Style } from '#verifier/words/paint.ts';

const codes: Record<Style, readonly [number, number]> = {
  good: [32, 39],
  bad: [31, 39],
  open: [33, 39],
  quiet: [2, 22],
  strong: [1, 22],
};

export const coloured: Paint = (style, text) => {
  const [on, off] = codes[style];
  return text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;
};

type Terminal = { isTTY?: boolean | undefined; columns?: number | undefined };
type Environment = Readonly<Record<string, string | undefined>>;

/** Only on a terminal that can, and not where NO_COLOR (no-color.org) says otherwise. */
export function paintFor({ isTTY }: Terminal, env: Environment): Paint {
  const refused = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return isTTY === true && !refused ? coloured : plain;
}

const fewest = 60;
const most = 100;

/** As wide as the terminal, within what reads well; what is no terminal gets all 100 columns. */
export function columnsFor({ isTTY, columns }: Terminal): number {
  if (isTTY !== true || columns === undefined || columns === 0) return most;
  return Math.min(most, Math.max(fewest, columns));
}
