/** Integers in limbs, in the circuit: small ones, so that every border can be reached. */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { fieldOrder } from '#verifier/field.ts';
import { outOfRange, returned } from './inputs.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('bignum_vectors');
}, 300_000);

type Given = {
  columns: readonly number[];
  limbs: readonly number[];
  signed: number;
  a: readonly number[];
  b: readonly number[];
};

const good: Given = {
  columns: [0, 0, 0, 0, 0],
  limbs: [0, 0, 0],
  signed: 0,
  a: [1, 2, 3],
  b: [4, 5],
};

function inputOf(given: Given) {
  const field = (value: number) =>
    `0x${(value < 0 ? fieldOrder + BigInt(value) : BigInt(value)).toString(16)}`;
  return {
    columns: given.columns.map(field),
    limbs: given.limbs.map(field),
    signed: field(given.signed),
    a: given.a.map(field),
    b: given.b.map(field),
  };
}

function refused(given: Partial<Given>): Promise<string | undefined> {
  return refusalOf(circuit, inputOf({ ...good, ...given }));
}

const notZero = 'the two sides are not the same integer';

test('columns that cancel out, with carries of either sign', async () => {
  for (const columns of [
    [0, 0, 0, 0, 0],
    [256, -1, 0, 0, 0],
    [-256, 1, 0, 0, 0],
    [0, 256, -1, 0, 0],
    [65536, -256, 65536, -512, 1],
    [0, 0, 65536 * 2047, 0, -2047],
    [0, 0, -65536 * 2048, 0, 2048],
  ]) {
    expect(await refused({ columns }), String(columns)).toBeUndefined();
  }
});

test('columns that do not', async () => {
  expect(await refused({ columns: [1, 0, 0, 0, 0] }), 'no carry').toMatch(outOfRange);
  expect(await refused({ columns: [0, 0, 1, 0, 0] }), 'no carry').toMatch(outOfRange);
  expect(await refused({ columns: [0, 0, 0, 0, 1] }), 'the last').toBe(notZero);
  expect(await refused({ columns: [65536, 0, 0, 0, 0] }), 'a carry that nothing takes').toMatch(
    outOfRange,
  );
  expect(await refused({ columns: [0, 0, 65536, 0, 0] }), 'a carry that nothing takes').toBe(
    notZero,
  );
});

test('a carry beyond its range, though all cancels out', async () => {
  expect(await refused({ columns: [0, 0, 65536 * 2048, 0, -2048] })).toMatch(outOfRange);
  expect(await refused({ columns: [0, 0, -65536 * 2049, 0, 2049] })).toMatch(outOfRange);
});

test('limbs, and the last one apart', async () => {
  expect(await refused({ limbs: [255, 255, 15] })).toBeUndefined();
  expect(await refused({ limbs: [256, 0, 0] })).toMatch(outOfRange);
  expect(await refused({ limbs: [0, 256, 0] })).toMatch(outOfRange);
  expect(await refused({ limbs: [0, 0, 16] })).toMatch(outOfRange);
  expect(await refused({ limbs: [-1, 0, 0] })).toMatch(outOfRange);
});

test('a number with a sign', async () => {
  expect(await refused({ signed: 127 })).toBeUndefined();
  expect(await refused({ signed: -128 })).toBeUndefined();
  expect(await refused({ signed: 128 })).toMatch(outOfRange);
  expect(await refused({ signed: -129 })).toMatch(outOfRange);
});

test('columns of a product', async () => {
  const limb = fc.integer({ min: 0, max: 1000 });
  const three = fc.tuple(limb, limb, limb);
  await fc.assert(
    fc.asyncProperty(three, fc.tuple(limb, limb), async (a, b) => {
      const columns = await returned<string[]>(circuit, inputOf({ ...good, a, b }));
      const [sum, product] = [columns.map(BigInt), [0n, 0n, 0n, 0n]];
      a.forEach((x, i) => {
        b.forEach((y, j) => {
          product[i + j] = (product[i + j] ?? 0n) + BigInt(x) * BigInt(y);
        });
      });
      expect(sum).toEqual(product);
    }),
    { numRuns: 20 },
  );
});
