/** P-384 in integers, with all that a circuit has to be told of each addition: its slope, and the multiple of p in each relation. */
import { sha384 } from '@noble/hashes/sha2.js';
import { concat, fromBigEndian, utf8 } from '#verifier/bytes.ts';

/** SP 800-186, 3.2.1.4. */
export const p = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;
export const n =
  0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;
export const b =
  0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn;

export type Point = { readonly x: bigint; readonly y: bigint };

export const generator: Point = {
  x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
  y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
};

/** One addition or doubling: the sum is (x, y). */
export type Step = Point & { readonly slope: bigint; readonly quotients: readonly bigint[] };

/** @throws RangeError for points that are equal or opposite */
export function addStep(first: Point, second: Point): Step {
  const run = mod(second.x - first.x, p);
  if (run === 0n) throw new RangeError('the points are equal or opposite');
  const slope = mod((second.y - first.y) * inverse(run, p), p);
  const relation = slope * (second.x - first.x) - second.y + first.y;
  return third(first, second.x, slope, relation);
}

export function doubleStep(point: Point): Step {
  const { x, y } = point;
  const slope = mod((3n * x * x - 3n) * inverse(2n * y, p), p);
  return third(point, x, slope, 2n * slope * y - 3n * x * x + 3n);
}

function third(first: Point, x2: bigint, slope: bigint, relation: bigint): Step {
  const x = mod(slope * slope - first.x - x2, p);
  const y = mod(slope * (first.x - x) - first.y, p);
  const relations = [
    relation,
    slope * slope - first.x - x2 - x,
    slope * (first.x - x) - first.y - y,
  ];
  return { x, y, slope, quotients: relations.map((sum) => exact(sum, p)) };
}

/** y² = x·x² − 3x + b: x² modulo p, and the multiples of p, of a point on the curve. */
export function onCurve({ x, y }: Point): { square: bigint; quotients: bigint[] } {
  const square = mod(x * x, p);
  const relations = [x * x - square, y * y - x * square + 3n * x - b];
  return { square, quotients: relations.map((sum) => sum / p) };
}

/** The point of this x whose y is even; null when there is none. */
export function pointAt(x: bigint): Point | null {
  const right = mod(x * x * x - 3n * x + b, p);
  // p = 3 modulo 4.
  const root = power(right, (p + 1n) / 4n, p);
  if (mod(root * root - right, p) !== 0n) return null;
  return { x, y: root % 2n === 0n ? root : p - root };
}

/** scalar·point, for 0 < scalar < n. */
export function multiply(point: Point, scalar: bigint): Point {
  let sum: Point | null = null;
  for (const digit of scalar.toString(2)) {
    if (sum !== null) sum = doubleStep(sum);
    if (digit === '1') sum = sum === null ? point : addStep(sum, point);
  }
  if (sum === null) throw new RangeError('zero is no point');
  return sum;
}

/**
 * A point of which nobody knows what multiple of G it is: its x is the first of SHA-384(`affidavit/p384-start/v1` ‖ byte), for
 * bytes 0, 1, 2 …, that is on the curve; its y is even.
 */
export function startPoint(): Point {
  for (let byte = 0; byte < 256; byte++) {
    const seed = concat(utf8('affidavit/p384-start/v1'), Uint8Array.of(byte));
    const x = fromBigEndian(sha384(seed));
    const point = x < p ? pointAt(x) : null;
    if (point !== null) return point;
  }
  throw new Error('no byte gives a point');
}

/** Modulo a positive integer. */
export function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** @throws RangeError for what has none */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [a, other, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = other / a;
    [other, a] = [a, other - quotient * a];
    [y, x] = [x, y - quotient * x];
  }
  if (a === 0n) throw new RangeError('zero has no inverse');
  return mod(x, modulus);
}

/** sum / divisor, of a multiple. @throws RangeError for any other sum */
function exact(sum: bigint, divisor: bigint): bigint {
  if (sum % divisor !== 0n) throw new RangeError('a relation does not hold');
  return sum / divisor;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const digit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (digit === '1') result = (result * base) % modulus;
  }
  return result;
}
