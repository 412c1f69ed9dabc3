/** The road from the root down to the leaf, each level's two children on their sides. */
import { treeStrings as words } from '../strings/tree.ts';
import { type Box, boxHeight, boxWidth, drawingOf, type Line } from './drawing.ts';
import type { Road } from './model.ts';

type TreePictureProps = { road: Road; tone: 'good' | 'bad' | 'open'; id: string };

export function TreePicture({ road, tone, id }: TreePictureProps) {
  const { width, height, boxes, lines } = drawingOf(road);
  return (
    <svg
      class={`tree-picture tree-picture-${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-labelledby={`${id}-title`}
    >
      <title id={`${id}-title`}>{words.picture(road.name, road.levels.length)}</title>
      {lines.map((line) => (
        <Edge key={`${line.x1} ${line.y1} ${line.x2}`} line={line} />
      ))}
      {boxes.map((box) => (
        <Node key={`${box.x} ${box.y}`} box={box} road={road} />
      ))}
    </svg>
  );
}

function Edge({ line: { x1, y1, x2, y2, bit } }: { line: Line }) {
  const middle = (y1 + y2) / 2;
  const path = `M ${x1} ${y1} C ${x1} ${middle}, ${x2} ${middle}, ${x2} ${y2}`;
  return (
    <g class={bit === null ? 'tree-edge' : 'tree-edge tree-edge-road'}>
      <path d={path} />
      {bit !== null && (
        <text x={x2 + (bit === 0 ? -8 : 8)} y={y2 - 7} text-anchor={bit === 0 ? 'end' : 'start'}>
          {words.bit(bit)}
        </text>
      )}
    </g>
  );
}

function Node({ box, road }: { box: Box; road: Road }) {
  const { x, y, role, hash } = box;
  const empty = hash === '';
  const center = x + boxWidth / 2;
  return (
    <g class={`tree-node tree-node-${role}${empty ? ' tree-node-hollow' : ''}`}>
      <rect x={x} y={y} width={boxWidth} height={boxHeight} rx={6} />
      <text class="tree-caption" x={center} y={y + (hash === '' ? 26 : 16)} text-anchor="middle">
        {captionOf(role, road)}
      </text>
      {hash !== '' && (
        <text class="tree-hash" x={center} y={y + 33} text-anchor="middle">
          {hash}
        </text>
      )}
    </g>
  );
}

function captionOf(role: Box['role'], { fault, end, levels }: Road): string {
  const { captions } = words;
  const endCaption = { leaf: captions.leaf, empty: captions.emptyPlace, other: captions.other };
  if (role === 'end') return endCaption[end.kind];
  if (role !== 'root') return captions[role];
  if (fault?.kind === 'root') return captions.computedOnly;
  return levels.length === 0 ? captions.onlyRoot(endCaption[end.kind]) : captions.root;
}
