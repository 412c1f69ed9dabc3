/** Each relation and each range of P-384's arithmetic in the circuit: no other hint than the true one is taken. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import {
  addStep,
  doubleStep,
  generator,
  inverse,
  mod,
  multiply,
  onCurve,
  type Point,
  p,
  pointAt,
  type Step,
} from '#prover/linked/p384-curve.ts';
import {
  curveInput,
  cut,
  intInput,
  limbsOf,
  pointInput,
  stepInput,
} from '#prover/linked/p384-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { fieldOrder } from '#verifier/field.ts';
import { outOfRange } from './inputs.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p384_curve');
}, 300_000);

/** What is left over shows in the carry of the lowest group, or in the last. */
const notEqual = /^call to assert_max_bit_size$|^the two sides are not the same integer$/;
const base = 2n ** 77n;

const first = multiply(generator, 5n);
const second = multiply(generator, 1234567n);
const integer =
  0xfedcba98765432100123456789abcdeffedcba98765432100123456789abcdeffedcba98765432100123456789abcdefn;

/** Below 2^128, so that x + p has 384 bits too. */
const small = Array.from({ length: 100 }, (_, x) => pointAt(BigInt(x))).find(
  (point) => point !== null,
) as Point;

function sumInput(one: Point, other: Point, step: Step): InputMap {
  return { first: pointInput(one), second: pointInput(other), step: stepInput(step) };
}

const good: InputMap = {
  sum: sumInput(first, second, addStep(first, second)),
  double: { point: pointInput(first), step: stepInput(doubleStep(first)) },
  curve: { point: pointInput(first), hint: curveInput(first) },
  pieces: { integer: limbsOf(integer), pieces: piecesOf(integer) },
  low: scalar(-(2n ** 195n) + 12345n, [77, 77]),
  high: scalar(2n ** 195n - 12345n, [36, 77]),
};

function scalar(value: bigint, sizes: readonly number[]): InputMap {
  return { value: fieldInput(mod(value, fieldOrder)), limbs: cut(value, sizes) };
}

function piecesOf(value: bigint): string[] {
  return cut(value, [77, 51, 26, 77, 25, 52]);
}

function refused(inputs: InputMap): Promise<string | undefined> {
  return refusalOf(circuit, { ...good, ...inputs });
}

/** The same integer in limbs of which one is too large and the next one less. */
function borrowed<T extends InputMap>(inputs: T, at: string, i: number, size = base): T {
  const less = changed(inputs, `${at}.${i}`, valueAt(inputs, `${at}.${i}`) + size);
  const next = `${at}.${i + 1}`;
  return changed(less, next, mod(valueAt(inputs, next) - 1n, fieldOrder));
}

/** A multiple of p that makes `relation` zero in the circuit's field, though it is not zero. */
function inField(relation: bigint): string[] {
  const inverseOfP = inverse(p, fieldOrder);
  return intInput(mod(mod(relation, fieldOrder) * inverseOfP, fieldOrder));
}

/** Steps with a slope, x or y of another point; the other relations hold. */
function falseStep(one: Point, x2: bigint, of: 'slope' | 'x' | 'y', step: Step): InputMap {
  const slope = of === 'slope' ? step.slope + 1n : step.slope;
  const x = mod(slope * slope - one.x - x2 + (of === 'x' ? 1n : 0n), p);
  const y = mod(slope * (one.x - x) - one.y + (of === 'y' ? 1n : 0n), p);
  const relations = [slope * slope - one.x - x2 - x, slope * (one.x - x) - one.y - y];
  const quotients = [...step.quotients];
  for (const [i, relation] of relations.entries()) quotients[i + 1] = relation / p;
  const input = stepInput({ slope, x, y, quotients });
  const wrong = { slope: 0, x: 1, y: 2 }[of];
  return { ...input, relation: wrong };
}

test('true hints are taken', async () => {
  expect(await refused({})).toBeUndefined();
  const low = addStep(first, { x: second.x, y: -second.y });
  const opposite = sumInput(first, second, low);
  const { second: point } = opposite as { second: { y: string[] } };
  point.y = intInput(second.y).map((limb) => `0x${mod(-BigInt(limb), fieldOrder).toString(16)}`);
  expect(await refused({ sum: opposite }), 'a point whose y is negative').toBeUndefined();
});

describe('another integer of the same value', () => {
  const places = [
    ...['slope', 'x', 'y', 'quotients.0', 'quotients.1', 'quotients.2'].flatMap((part) => [
      `sum.step.${part}`,
      `double.step.${part}`,
    ]),
    ...['square', 'quotients.0', 'quotients.1'].map((part) => `curve.hint.${part}`),
  ];
  test.each(places)('%s', async (at) => {
    for (let i = 0; i < 4; i++) {
      expect(await refused(borrowed(good, at, i)), `limb ${i}`).toMatch(outOfRange);
    }
  });

  test('slope, x or y of 2^384 and more: the same modulo p', async () => {
    const { x, y } = first;
    for (const part of ['slope', 'x', 'y'] as const) {
      const step = { ...doubleStep(first) };
      step[part] += 2n * p;
      const { slope, x: x3, y: y3 } = step;
      const relations = [
        2n * slope * y - 3n * x * x + 3n,
        slope * slope - 2n * x - x3,
        slope * (x - x3) - y - y3,
      ];
      const quotients = relations.map((relation) => relation / p);
      const input = stepInput({ ...step, quotients });
      const double = { point: pointInput(first), step: input };
      expect(await refused({ double }), part).toMatch(outOfRange);
    }
  });

  test('a square of 2^384 and more', async () => {
    const { square, quotients } = onCurve(first);
    const large = square + 2n * p;
    const [, second = 0n] = quotients;
    const hint = {
      square: intInput(large),
      quotients: [(quotients[0] ?? 0n) - 2n, second - 2n * first.x].map(intInput),
    };
    const curve = { point: pointInput(first), hint };
    expect(await refused({ curve })).toMatch(outOfRange);
  });
});

describe('a relation that does not hold', () => {
  const relations = {
    slope: (step: Step, one: Point, other: Point) =>
      (step.slope + 1n) * (other.x - one.x) - other.y + one.y,
    x: () => 1n,
    y: () => 1n,
  };
  for (const of of ['slope', 'x', 'y'] as const) {
    test(`of the ${of} of a sum`, async () => {
      const step = addStep(first, second);
      const { relation, ...input } = falseStep(first, second.x, of, step);
      const sum = { ...sumInput(first, second, step), step: input };
      expect(await refused({ sum }), 'the nearest quotient').toMatch(notEqual);
      // What makes it hold modulo the field's order is no small carry.
      const value = of === 'slope' ? relations.slope(step, first, second) : null;
      if (value !== null) {
        const quotients = [...(input as { quotients: string[][] }).quotients];
        quotients[Number(relation)] = inField(value);
        const wrapped = { ...sum, step: { ...input, quotients } };
        expect(await refused({ sum: wrapped }), 'in the field').toMatch(outOfRange);
      }
    });

    test(`of the ${of} of a double`, async () => {
      const { relation: _, ...input } = falseStep(first, first.x, of, doubleStep(first));
      const double = { point: pointInput(first), step: input };
      expect(await refused({ double })).toMatch(notEqual);
    });
  }

  test('of a point off the curve', async () => {
    const off = { x: first.x, y: first.y + 1n };
    const { square, quotients } = onCurve(first);
    const curve = {
      point: pointInput(off),
      hint: { square: intInput(square), quotients: quotients.map(intInput) },
    };
    expect(await refused({ curve })).toMatch(notEqual);
    const other = mod(square + 1n, p);
    const y = pointAtSquare(first.x, other);
    if (y === null) return;
    expect(await refused({ curve: y }), 'with another square').toMatch(notEqual);
  });
});

/** Of y² = x·square − 3x + b, for a square that is not x². */
function pointAtSquare(x: bigint, square: bigint): InputMap | null {
  for (let other = square; other < square + 50n; other++) {
    const moved = pointOn(x * other - 3n * x);
    if (moved === null) continue;
    const point = { x, y: moved };
    const relation = x * x - other;
    const b = mod(first.y * first.y - first.x ** 3n + 3n * first.x, p);
    const second = moved * moved - x * other + 3n * x - b;
    const hint = {
      square: intInput(other),
      quotients: [relation / p, second / p].map(intInput),
    };
    return { point: pointInput(point), hint };
  }
  return null;
}

/** A root of value + b, if there is one. */
function pointOn(value: bigint): bigint | null {
  const b = mod(first.y * first.y - first.x ** 3n + 3n * first.x, p);
  const right = mod(value + b, p);
  let [root, square] = [1n, right];
  for (let e = (p + 1n) / 4n; e > 0n; e >>= 1n) {
    if (e & 1n) root = (root * square) % p;
    square = (square * square) % p;
  }
  return mod(root * root - right, p) === 0n ? root : null;
}

describe('the limbs of a scalar', () => {
  const sizes = { low: [77, 77], high: [36, 77] } as const;
  for (const which of ['low', 'high'] as const) {
    test(`another form, ${which}`, async () => {
      for (const [i, size] of sizes[which].entries()) {
        const at = borrowed(good, `${which}.limbs`, i, 2n ** BigInt(size));
        expect(await refused(at), `limb ${i}`).toMatch(outOfRange);
      }
    });

    test(`a last limb that is only right in the field, ${which}`, async () => {
      const [first = 0, second = 0] = sizes[which];
      const weight = 2n ** BigInt(first + second);
      const one = valueAt(good, `${which}.limbs.0`) ^ 1n;
      const value = valueAt(good, `${which}.value`);
      const middle = valueAt(good, `${which}.limbs.1`) << BigInt(first);
      const last = mod((value - one - middle) * inverse(weight, fieldOrder), fieldOrder);
      const wrong = changed(changed(good, `${which}.limbs.0`, one), `${which}.limbs.2`, last);
      expect(await refused(wrong)).toMatch(outOfRange);
      const off = changed(good, `${which}.limbs.0`, one);
      expect(await refused(off)).toBe('a scalar is not of its limbs');
    });
  }
});

describe('an exceptional addition', () => {
  const exceptional = 'an addition of points is exceptional';
  /** Any slope does, when the points are the same. */
  function free(one: Point, other: Point): InputMap {
    const slope = 7n;
    const x = mod(slope * slope - one.x - other.x, p);
    const y = mod(slope * (one.x - x) - one.y, p);
    const relations = [
      slope * (other.x - one.x) - other.y + one.y,
      slope * slope - one.x - other.x - x,
      slope * (one.x - x) - one.y - y,
    ];
    return sumInput(one, other, { slope, x, y, quotients: relations.map((sum) => sum / p) });
  }

  test('of equal points', async () => {
    expect(await refused({ sum: free(first, first) })).toBe(exceptional);
  });
  test('of equal points, one of them as x + p', async () => {
    const same = { x: small.x + p, y: small.y };
    expect(await refused({ sum: free(small, same) })).toBe(exceptional);
    expect(await refused({ sum: free(same, small) })).toBe(exceptional);
  });
});

describe('the pieces of an integer', () => {
  const sizes = [77, 51, 26, 77, 25, 52];
  test.each([0, 1, 2, 3, 4, 5, 6])('piece %i is another', async (i) => {
    const at = `pieces.pieces.${i}`;
    const wrong = changed(good, at, valueAt(good, at) ^ 1n);
    expect(await refused(wrong)).toBe('an integer is not of its pieces');
  });
  test.each([0, 2, 3, 5])('piece %i takes of the next', async (i) => {
    const size = 2n ** BigInt(sizes[i] ?? 0);
    expect(await refused(borrowed(good, 'pieces.pieces', i, size))).toMatch(outOfRange);
  });
  test.each([
    [1, 128n],
    [4, 128n],
    [6, 128n],
  ])('a word of more than 128 bits, in piece %i', async (i) => {
    const word = { 1: 2, 4: 1, 6: 0 }[i] as number;
    const size = { 1: 51n, 4: 25n, 6: 76n }[i] as bigint;
    const unit = 2n ** (128n - size);
    const at = `pieces.integer.${word}`;
    const large = changed(good, at, valueAt(good, at) + 2n ** size * unit);
    const piece = `pieces.pieces.${i}`;
    expect(await refused(changed(large, piece, valueAt(good, piece) + 2n ** size))).toMatch(
      outOfRange,
    );
  });
});
