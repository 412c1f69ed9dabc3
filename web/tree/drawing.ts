/** Where the boxes and lines of a road's picture lie: the root on top, and on each level two children, each on its own side. */
import type { Level, Road } from './model.ts';

export type Box = {
  readonly x: number;
  readonly y: number;
  /** `end` is where the road of the key ends: a leaf, another's leaf, or nothing. In a tree of one leaf that is the root. */
  readonly role: 'root' | 'node' | 'end' | 'sibling' | 'empty';
  /** Short; empty for what has no hash. */
  readonly hash: string;
};

export type Line = {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  /** Of the key, on the road; null beside it. */
  readonly bit: 0 | 1 | null;
};

export type Drawing = {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
};

export const boxWidth = 140;
export const boxHeight = 42;
const width = 340;
const rowHeight = 84;
const margin = 4;
const columns = { left: margin, right: width - margin - boxWidth } as const;

/** The root's box first, then two for each level: on the road, and beside it. */
export function drawingOf({ levels, end, computed }: Road): Drawing {
  const down = levels.toReversed();
  const top = { x: (width - boxWidth) / 2, y: margin, hash: shortHash(computed) };
  const alone = levels.length === 0 && end.kind === 'empty';
  const boxes: Box[] = [{ ...top, role: 'root', hash: alone ? '' : top.hash }];
  const lines: Line[] = [];
  let parent: { x: number; y: number } = top;
  for (const [i, level] of down.entries()) {
    const y = margin + (i + 1) * rowHeight;
    const last = i === down.length - 1;
    const child: Box = {
      x: columns[roadSide(level)],
      y,
      role: last ? 'end' : 'node',
      hash: last && end.kind === 'empty' ? '' : shortHash(level.child),
    };
    const beside: Box = {
      x: columns[level.siblingSide],
      y,
      role: level.sibling === null ? 'empty' : 'sibling',
      hash: level.sibling === null ? '' : shortHash(level.sibling),
    };
    lines.push(lineBetween(parent, beside, null), lineBetween(parent, child, level.bit));
    boxes.push(child, beside);
    parent = child;
  }
  const height = 2 * margin + down.length * rowHeight + boxHeight;
  return { width, height, boxes, lines };
}

function roadSide({ siblingSide }: Level): 'left' | 'right' {
  return siblingSide === 'left' ? 'right' : 'left';
}

type Place = { x: number; y: number };

function lineBetween(parent: Place, child: Place, bit: Line['bit']): Line {
  return {
    x1: parent.x + boxWidth / 2,
    y1: parent.y + boxHeight,
    x2: child.x + boxWidth / 2,
    y2: child.y,
    bit,
  };
}

/** Ten digits of 64: enough to find it again in the list. */
export function shortHash(hex: string): string {
  return `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}
