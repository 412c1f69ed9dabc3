/** Forgeries of P-384's signatures, each of which one constraint of the circuit alone refuses. */
import { p384 } from '@noble/curves/nist.js';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { generator, inverse, mod, multiply, n, type Point, p } from '#prover/linked/p384-curve.ts';
import { intInput, limbsOf, type Scalars, sumOf } from '#prover/linked/p384-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { fieldOrder } from '#verifier/field.ts';
import { outOfRange } from './inputs.ts';
import {
  cancelling,
  key,
  keyFor,
  lying,
  ofAnyDigest,
  pointFrom,
  pointOfSmallY,
  secret,
  signed,
  verification,
  withA,
} from './p384-forgery.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p384_vectors');
}, 300_000);

function refused(inputs: InputMap): Promise<string | undefined> {
  return refusalOf(circuit, inputs);
}

const notEqual = /^call to assert_max_bit_size$|^the two sides are not the same integer$/;

describe('an integer that is not below its bound', () => {
  test('x of the key', async () => {
    const of = pointFrom(0n);
    const { r, s, z } = ofAnyDigest(of, 5n, 7n);
    const good = signed(z, of, r, s);
    expect(await refused(good)).toBeUndefined();
    const { signature } = good as { signature: InputMap };
    const x = of.x + p;
    const other = { ...good, key: { x: limbsOf(x), y: limbsOf(of.y) } };
    expect(await refused(other), 'the same complement').toMatch(notEqual);
    const complement = withComplement(signature, 0, p - 1n - x);
    expect(await refused({ ...other, signature: complement }), 'a negative one').toMatch(notEqual);
    const large = lying({ ...partsOf(of, r, s, z), key: { ...of, x } }, { ...of, x });
    expect(await refused(large)).toMatch(notEqual);
    const { signature: steps } = large as { signature: InputMap };
    const inRange = { ...large, signature: withComplement(steps, 0, 0n) };
    expect(await refused(inRange), 'one that is in range').toMatch(notEqual);
  });

  test('y of the key', async () => {
    const of = pointOfSmallY();
    const { r, s, z } = ofAnyDigest(of, 5n, 7n);
    expect(await refused(signed(z, of, r, s))).toBeUndefined();
    const large = { ...of, y: of.y + p };
    expect(await refused(lying({ ...partsOf(of, r, s, z), key: large }, large))).toMatch(notEqual);
  });

  test('x of R', async () => {
    const point = pointFrom(3n);
    const { key: of, z, r, s } = keyFor(point, 54321n);
    const parts = partsOf(of, r, s, z);
    expect(await refused(lying(parts, of))).toBeUndefined();
    // x + p, were it taken, would give the same R another r, for which the relations hold of another s and z.
    const x = parts.point.x + p;
    const { low, high, key: b, point: c } = parts.scalars;
    const other = mod(x, n);
    const otherS = mod(c * other * inverse(b, n), n);
    const otherZ = mod((low + 2n ** 195n * high) * otherS * inverse(c, n), n);
    const large = { ...parts, r: other, s: otherS, z: otherZ, point: { ...parts.point, x } };
    expect(await refused(lying(large, of))).toMatch(notEqual);
  });

  test('r', async () => {
    // Of an R whose x is r + n: then x itself is an r for which all else holds.
    const { key: of, z, r, s } = keyFor(pointFrom(n + 1n), 12345n);
    const parts = partsOf(of, r, s, z);
    expect(await refused(lying(parts, of))).toBeUndefined();
    expect(parts.point.x).toBe(r + n);
    expect(await refused(lying({ ...parts, r: r + n }, of))).toMatch(notEqual);
  });

  test('s', async () => {
    const { r, s, z, key: of } = keyFor(multiply(generator, 77n), 5n);
    expect(await refused(lying(partsOf(of, r, s, z), of))).toBeUndefined();
    expect(await refused(lying({ ...partsOf(of, r, s, z), s: s + n }, of))).toMatch(notEqual);
  });
});

/** What an honest prover computes, in its parts. */
function partsOf(of: Point, r: bigint, s: bigint, z: bigint) {
  const inverseOfS = inverse(s, n);
  const [u1, u2] = [mod(z * inverseOfS, n), mod(r * inverseOfS, n)];
  const { x, y } = sumOfTwo(u1, u2, of);
  const [b, c] = smallOf(u2);
  const scalars = withA(mod(c * u1, n), b, c);
  return { key: of, point: { x, y: p - y }, r, s, z, scalars, stated: scalars };
}

function sumOfTwo(u1: bigint, u2: bigint, of: Point): Point {
  const { Point: Curve } = p384;
  return Curve.BASE.multiply(u1).add(Curve.fromAffine(of).multiply(u2)).toAffine();
}

function smallOf(u: bigint): [bigint, bigint] {
  let [a, b, x, y] = [n, u, 0n, 1n];
  while (b >= 2n ** 192n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return [b, y];
}

function withComplement(signature: InputMap, i: number, value: bigint): InputMap {
  const complements = [...(signature['complements'] as string[][])];
  complements[i] = intInput(value);
  return { ...signature, complements };
}

test('r of 0, and s of 0', async () => {
  const good = partsOf(key, ...ofFive());
  expect(await refused(lying({ ...good, r: 0n }, key))).toBe('r is zero');
  expect(await refused(lying({ ...good, s: 0n }, key))).toBe('s is zero');
});

function ofFive(): [r: bigint, s: bigint, z: bigint] {
  const { r, s, z } = ofAnyDigest(key, 5n, 7n);
  return [r, s, z];
}

describe('an R that is not r’s', () => {
  test('another x', async () => {
    // All holds of R = 9·G, whose x is another than r.
    const k = 9n;
    const point = multiply(generator, k);
    const scalars = cancelling(1n, 1n, k);
    const r = 4711n;
    const s = r;
    const z = mod((scalars.low + 2n ** 195n * scalars.high) * s, n);
    const parts = { key, point, r, s, z, scalars, stated: scalars };
    expect(await refused(lying(parts, key))).toMatch(notEqual);
    const true_ = mod(point.x, n);
    const honest = {
      ...parts,
      r: true_,
      s: true_,
      z: mod((scalars.low + 2n ** 195n * scalars.high) * true_, n),
    };
    expect(await refused(lying(honest, key))).toBeUndefined();
  });

  test('a point off the curve, as key or as R', async () => {
    const off = { x: key.x, y: key.y + 1n };
    const parts = partsOf(key, ...ofFive());
    expect(await refused(lying({ ...parts, key: off }, off))).toMatch(notEqual);
    const point = { ...parts.point, y: parts.point.y + 1n };
    expect(await refused(lying({ ...parts, point }, key))).toMatch(notEqual);
  });
});

describe('scalars that are not those of r, s and z', () => {
  const k = 9n;
  const point = multiply(generator, k);
  const r = mod(point.x, n);

  test('c = 0', async () => {
    const scalars = withA(n, 0n, 0n);
    const parts = { key, point, r, s: 4711n, z: 815n, scalars, stated: scalars };
    expect(await refused(lying(parts, key))).toBe('c is zero');
  });

  test('a relation that does not hold', async () => {
    const scalars = cancelling(1n, 1n, k);
    const a = scalars.low + 2n ** 195n * scalars.high;
    const s = 4711n;
    // c·z = a·s, but not c·r = b·s; then the other way round.
    const first = { key, point, r, s, z: mod(a * s, n), scalars, stated: scalars };
    expect(await refused(lying(first, key)), 'c·r = b·s').toMatch(notEqual);
    const second = { ...first, s: r, z: 815n };
    expect(await refused(lying(second, key)), 'c·z = a·s').toMatch(notEqual);
  });

  const lies: [string, (honest: Scalars) => Scalars][] = [
    ['b', (honest) => ({ ...honest, key: 7n })],
    ['c', (honest) => ({ ...honest, point: 7n })],
    ['a, lower half', (honest) => ({ ...honest, low: honest.low + 2n })],
    ['a, upper half', (honest) => ({ ...honest, high: honest.high + 2n })],
  ];
  test.each(lies)('relations of another %s than is multiplied', async (_, lie) => {
    const scalars = cancelling(1n, 1n, k);
    const stated = lie(scalars);
    const { low, high, key: b, point: c } = stated;
    // s and z for which the relations hold of what is stated.
    const s = mod(c * r * inverse(b, n), n);
    const z = mod((low + 2n ** 195n * high) * s * inverse(c, n), n);
    const parts = { key, point, r, s, z, scalars, stated };
    expect(await refused(lying(parts, key))).toBe('a scalar is not of its limbs');
  });

  test('limbs of another form', async () => {
    const good = lying(partsOf(key, ...ofFive()), key);
    for (const [name, sizes] of Object.entries({
      low_limbs: [77, 77],
      key_limbs: [77, 77],
      point_limbs: [77, 77],
      high_limbs: [36, 77],
    })) {
      for (const [i, size] of sizes.entries()) {
        const at = `signature.multiples.${name}.${i}`;
        const next = `signature.multiples.${name}.${i + 1}`;
        const more = changed(good, at, valueAt(good, at) + 2n ** BigInt(size));
        const aliased = changed(more, next, mod(valueAt(good, next) - 1n, fieldOrder));
        expect(await refused(aliased), `${name} ${i}`).toMatch(outOfRange);
      }
    }
  });

  test('digits out of range', async () => {
    const good = lying(partsOf(key, ...ofFive()), key);
    for (const name of ['low', 'high', 'key', 'point']) {
      const at = `signature.multiples.${name}.half.3`;
      expect(await refused(changed(good, at, 16n)), name).toBeDefined();
    }
  });
});

test('R in limbs of another form', async () => {
  const good = lying(partsOf(key, ...ofFive()), key);
  for (const part of ['x', 'y']) {
    for (let i = 0; i < 4; i++) {
      const [at, next] = [i, i + 1].map((limb) => `signature.point.${part}.${limb}`) as [
        string,
        string,
      ];
      const more = changed(good, at, valueAt(good, at) + 2n ** 77n);
      const aliased = changed(more, next, mod(valueAt(good, next) - 1n, fieldOrder));
      expect(await refused(aliased), at).toMatch(outOfRange);
    }
  }
});

test('steps of another table, sum or correction', async () => {
  const good = lying(partsOf(key, ...ofFive()), key);
  expect(await refused(good)).toBeUndefined();
  const parts = partsOf(key, ...ofFive());
  const other = sumOf(key, parts.point, cancelling(3n, 5n, 9n)).input;
  const { signature } = good as { signature: { sum: InputMap } };
  for (const part of ['key_table', 'point_table', 'sums', 'doubles', 'corrections']) {
    const wrong = { ...signature, sum: { ...signature.sum, [part]: other[part] as never } };
    const isSame = part === 'key_table' || part === 'point_table';
    const found = await refused({ ...good, signature: wrong });
    if (isSame) expect(found, part).toBeUndefined();
    else expect(found, part).toBeDefined();
  }
  const table = sumOf(multiply(generator, secret + 1n), parts.point, parts.scalars).input;
  for (const part of ['key_table'] as const) {
    const wrong = { ...signature, sum: { ...signature.sum, [part]: table[part] as never } };
    expect(await refused({ ...good, signature: wrong }), part).toBeDefined();
  }
  expect(await refused(verification(parts.z + 1n, key, signature as InputMap))).toBeDefined();
});
