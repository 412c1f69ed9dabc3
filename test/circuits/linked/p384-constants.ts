/** The text of circuits/lib/p384/src/constants.nr, from the curve's parameters. */
import { b, n, type Point, p } from '#prover/linked/p384-curve.ts';
import { fixedPoints } from '#prover/linked/p384-inputs.ts';
import { fieldOrder } from '#verifier/field.ts';

const head = `//! Numbers of P-384 (SP 800-186, 3.2.1.4) and points that are computed from them: written and compared by
//! test/circuits/linked/p384-constants.ts. Integers in limbs of 77 bits, the least significant first.

use crate::curve::{Int, Point};
use crate::table::Table;
`;

export function constantsText(): string {
  const { start, end, low, high } = fixedPoints();
  return [
    head,
    `/// The field's prime.\npub global P: Int = ${int(p)};`,
    `/// p modulo the order of the circuit's field.\npub global P_IN_FIELD: Field = ${hex(p % fieldOrder)};`,
    `/// The group's order.\npub global N: Int = ${int(n)};`,
    `/// Of y² = x³ − 3x + b.\npub global B: Int = ${int(b)};\n`,
    `/// x is the first of SHA-384(\`affidavit/p384-start/v1\` ‖ byte), for bytes 0, 1, 2 …, that is on the curve; y is even.\npub global START: Point = ${point(start)};`,
    `/// START·32^38\npub global END: Point = ${point(end)};\n`,
    `/// G, 3G, 5G … 31G.\npub global G: Table = ${table(low)};\n`,
    `/// The same of 2^195·G.\npub global G_HIGH: Table = ${table(high)};\n`,
  ].join('\n');
}

function limbsOf(value: bigint): bigint[] {
  return Array.from({ length: 5 }, (_, i) => (value >> BigInt(77 * i)) & (2n ** 77n - 1n));
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

function int(value: bigint): string {
  return `[${limbsOf(value).map(hex).join(', ')}]`;
}

function point({ x, y }: Point): string {
  return `Point {\n    x: ${int(x)},\n    y: ${int(y)},\n}`;
}

/** By limb, of all points. */
function table(points: readonly Point[]): string {
  const rows = (coordinate: 'x' | 'y') =>
    Array.from({ length: 5 }, (_, i) => {
      const numbers = points.map((one) => hex(limbsOf(one[coordinate])[i] as bigint));
      const lines = [0, 4, 8, 12].map(
        (at) => `            ${numbers.slice(at, at + 4).join(', ')},`,
      );
      return `        [\n${lines.join('\n')}\n        ],`;
    }).join('\n');
  return `Table {\n    x: [\n${rows('x')}\n    ],\n    y: [\n${rows('y')}\n    ],\n}`;
}
