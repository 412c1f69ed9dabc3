/**
 * What the circuits take of an ECDSA signature on P-384: r and s, and all that is computed on the way to a verdict (Noir twin:
 * circuits/lib/p384). Checks nothing: of a signature that does not hold the steps end elsewhere, and the circuit refuses them.
 */
import type { InputMap } from '@noir-lang/noir_js';
import { type Bytes, bigEndian, fromBigEndian } from '#verifier/bytes.ts';
import { fieldOrder, limbs } from '#verifier/field.ts';
import { fieldInput } from '../circuit-inputs.ts';
import {
  addStep,
  doubleStep,
  generator,
  inverse,
  mod,
  multiply,
  n,
  onCurve,
  type Point,
  p,
  pointAt,
  type Step,
  startPoint,
} from './p384-curve.ts';

/** Digits of base 32 of a scalar. */
const digits = 39;
const half = 2n ** 195n;

/**
 * @param digest 48 bytes
 * @param publicKey x ‖ y, 96 bytes
 * @param signature r ‖ s, 96 bytes
 * @throws RangeError for r or s of 0, or a multiple of n; for an r that is the x of no point; for steps that are exceptional
 */
export function p384SignatureInput(digest: Bytes, publicKey: Bytes, signature: Bytes): InputMap {
  const [z, x, y, r, s] = [
    digest,
    publicKey.subarray(0, 48),
    publicKey.subarray(48),
    signature.subarray(0, 48),
    signature.subarray(48),
  ].map(fromBigEndian) as [bigint, bigint, bigint, bigint, bigint];
  const key = { x, y };
  const scalars = scalarsOf(r, s, z);
  const { point, sum } = pointAndSum(key, r, scalars);
  return signatureInput({ key, point, r, s, z, scalars, stated: scalars }, sum.input);
}

export type Parts = {
  /** Q and R. */
  readonly key: Point;
  readonly point: Point;
  readonly r: bigint;
  readonly s: bigint;
  readonly z: bigint;
  /** Whose digits they are, and of which the relations with r, s and z are written: the same, where nobody lies. */
  readonly scalars: Scalars;
  readonly stated: Scalars;
};

/** @param sum of `sumOf` */
export function signatureInput({ key, point, r, s, z, ...parts }: Parts, sum: InputMap): InputMap {
  const bounds = [p, p, n, n, p];
  const integers = [key.x, key.y, r, s, point.x];
  return {
    r: limbsOf(r),
    s: limbsOf(s),
    point: pointInput(point),
    is_above: point.x > r,
    complements: integers.map((integer, i) => intInput((bounds[i] ?? 0n) - 1n - integer)),
    on_curve: [key, point].map(curveInput),
    multiples: multiplesInput(parts.scalars, parts.stated, [r, s, z]),
    sum,
  };
}

/** Words of 128 bits, the most significant first. */
export function limbsOf(integer: bigint): string[] {
  return limbs(bigEndian(integer, 48)).map(fieldInput);
}

type Sum = { readonly input: InputMap; readonly holds: boolean };

/** R and the steps with it; where none holds, those of the first that has the x. */
function pointAndSum(key: Point, r: bigint, scalars: Scalars): { point: Point; sum: Sum } {
  let first: { point: Point; sum: Sum } | undefined;
  for (const point of pointsOf(r)) {
    const found = { point, sum: sumOf(key, point, scalars) };
    if (found.sum.holds) return found;
    first ??= found;
  }
  if (first === undefined) throw new RangeError('r is the x of no point');
  return first;
}

/** Of x = r and x = r + n, with either y. */
function pointsOf(r: bigint): Point[] {
  return [r, r + n].flatMap((x) => {
    const point = x < p ? pointAt(x) : null;
    return point === null ? [] : [point, { x, y: p - point.y }];
  });
}

/** Of a·G + b·Q + c·R, where c·z = a·s and c·r = b·s modulo n. */
export type Scalars = {
  /** a = low + 2^195·high, both odd. */
  readonly low: bigint;
  readonly high: bigint;
  readonly key: bigint;
  readonly point: bigint;
};

export function scalarsOf(r: bigint, s: bigint, z: bigint): Scalars {
  const inverseOfS = inverse(s, n);
  const [key, point] = halves(mod(r * inverseOfS, n));
  const a = mod(point * z * inverseOfS, n);
  // One of a and a + n is odd.
  const odd = a % 2n === 0n ? a + n : a;
  const below = mod((odd + 2n ** 390n - 1n) / 2n, half);
  const low = 2n * below - half + 1n;
  return { low, high: (odd - low) / half, key, point };
}

/** b and c with b = c·u modulo n, neither above 2^192 in size, c ≠ 0: a step of Euclid's algorithm. */
function halves(u: bigint): [bigint, bigint] {
  let [a, b, x, y] = [n, u, 0n, 1n];
  while (b >= 2n ** 192n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return [b, y];
}

function multiplesInput(
  scalars: Scalars,
  stated: Scalars,
  [r, s, z]: [bigint, bigint, bigint],
): InputMap {
  const { low, high, key, point } = stated;
  const a = low + half * high;
  return {
    low: scalarInput(scalars.low),
    high: scalarInput(scalars.high),
    key: scalarInput(odd(scalars.key)),
    point: scalarInput(odd(scalars.point)),
    is_even: [scalars.key, scalars.point].map(isEven),
    low_limbs: cut(low, [77, 77]),
    high_limbs: cut(high, [36, 77]),
    key_limbs: cut(key, [77, 77]),
    point_limbs: cut(point, [77, 77]),
    quotients: [point * r - key * s, point * z - a * s].map((sum) => intInput(sum / n)),
  };
}

function isEven(value: bigint): boolean {
  return value % 2n === 0n;
}

function odd(value: bigint): bigint {
  return isEven(value) ? value + 1n : value;
}

/** 39 odd digits between −31 and 31. */
function digitsOf(value: bigint): number[] {
  const shifted = (value + half - 1n) / 2n;
  return Array.from(
    { length: digits },
    (_, i) => 2 * Number((shifted >> BigInt(5 * i)) & 31n) - 31,
  );
}

export function scalarInput(value: bigint): InputMap {
  const found = digitsOf(value);
  return {
    positive: found.map((digit) => digit > 0),
    half: found.map((digit) => (Math.abs(digit) - 1) / 2),
  };
}

/** The steps of START·32^38 + a·G + b·Q + c·R. */
export function sumOf(key: Point, point: Point, scalars: Scalars): Sum {
  const { start, end, low, high } = fixedPoints();
  const [keySteps, pointSteps] = [tableSteps(key), tableSteps(point)];
  const tables = [low, high, tableOf(key, keySteps), tableOf(point, pointSteps)];
  const values = [scalars.low, scalars.high, odd(scalars.key), odd(scalars.point)];
  const found = values.map(digitsOf);
  const doubles: Step[][] = [];
  const sums: Step[][] = [];
  let sum: Point = start;
  const take = (step: Step) => {
    sum = step;
    return step;
  };
  for (let digit = digits - 1; digit >= 0; digit--) {
    if (digit < digits - 1) doubles.push(Array.from({ length: 5 }, () => take(doubleStep(sum))));
    sums.push(
      tables.map((table, i) => take(addStep(sum, multipleOf(table, found[i]?.[digit] ?? 0)))),
    );
  }
  const corrections = [key, point].map((one, i) => {
    const less = addStep(sum, negative(one));
    return isEven([scalars.key, scalars.point][i] ?? 0n) ? take(less) : less;
  });
  const input = {
    key_table: keySteps.map(stepInput),
    point_table: pointSteps.map(stepInput),
    doubles: doubles.map((steps) => steps.map(stepInput)),
    sums: sums.map((steps) => steps.map(stepInput)),
    corrections: corrections.map(stepInput),
  };
  return { input, holds: sum.x === end.x && sum.y === end.y };
}

/** 2P, then 3P, 5P … 31P. */
function tableSteps(point: Point): Step[] {
  const twice = doubleStep(point);
  const steps = [twice];
  let last = point;
  for (let m = 1; m < 16; m++) {
    const step = addStep(last, twice);
    steps.push(step);
    last = step;
  }
  return steps;
}

/** P, 3P, 5P … 31P. */
function tableOf(point: Point, steps: readonly Step[]): Point[] {
  return [point, ...steps.slice(1)];
}

export function oddMultiples(point: Point): Point[] {
  return tableOf(point, tableSteps(point));
}

function multipleOf(table: readonly Point[], digit: number): Point {
  const found = table[(Math.abs(digit) - 1) / 2];
  if (found === undefined) throw new RangeError(`${digit} is no digit`);
  return digit < 0 ? negative(found) : found;
}

function negative({ x, y }: Point): Point {
  return { x, y: -y };
}

export type FixedPoints = {
  readonly start: Point;
  readonly end: Point;
  /** Odd multiples of G, and of 2^195·G. */
  readonly low: readonly Point[];
  readonly high: readonly Point[];
};

let fixed: FixedPoints | null = null;

/** What circuits/lib/p384/src/constants.nr writes out. */
export function fixedPoints(): FixedPoints {
  if (fixed === null) {
    const start = startPoint();
    fixed = {
      start,
      end: multiply(start, 32n ** 38n),
      low: oddMultiples(generator),
      high: oddMultiples(multiply(generator, half)),
    };
  }
  return fixed;
}

export function stepInput({ slope, x, y, quotients }: Step): InputMap {
  return { slope: intInput(slope), ...pointInput({ x, y }), quotients: quotients.map(intInput) };
}

export function curveInput(point: Point): InputMap {
  const { square, quotients } = onCurve(point);
  return { square: intInput(square), quotients: quotients.map(intInput) };
}

export function pointInput({ x, y }: Point): InputMap {
  return { x: intInput(x), y: intInput(y) };
}

/** Five limbs of 77 bits, the least significant first; the last has the sign. */
export function intInput(value: bigint): string[] {
  return cut(value, [77, 77, 77, 77]);
}

/** Limbs of these bits, and the rest, which has the sign. */
export function cut(value: bigint, bits: readonly number[]): string[] {
  const limbs: bigint[] = [];
  let rest = value;
  for (const size of bits) {
    limbs.push(BigInt.asUintN(size, rest));
    rest >>= BigInt(size);
  }
  return [...limbs, rest].map(signedInput);
}

export function signedInput(value: bigint): string {
  return fieldInput(value < 0n ? value + fieldOrder : value);
}
