/** Hints of a block of SHA-384, right and wrong, given to what holds them. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { paddedInput384 } from '#prover/linked/sha384-inputs.ts';
import { bigEndian, concat, fromBigEndian, toHex } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';
import {
  type Block,
  type BlockCircuit,
  blockCircuit,
  blockInputs,
  borrowed,
  initialState,
  type Lies,
  type Sum,
  sampleOf,
  turnsOf,
  upperHalves,
  valuesOf,
} from './sha384-block.ts';

const ones = (1n << 64n) - 1n;
const outOfRange = 'call to assert_max_bit_size';

const message = Uint8Array.from({ length: 100 }, (_, i) => (i * 131 + 7) & 0xff);
const padded = Uint8Array.from(paddedInput384(message, 128).bytes);
const right: Block = {
  state: initialState,
  message: Array.from({ length: 16 }, (_, j) => fromBigEndian(padded.subarray(8 * j, 8 * j + 8))),
};
const blockOf = (word: bigint): Block => ({
  state: Array.from({ length: 8 }, () => word),
  message: Array.from({ length: 16 }, () => word),
});
const inputs = blockInputs(right);
const values = valuesOf(inputs);

let circuit: BlockCircuit;
beforeAll(async () => {
  circuit = await blockCircuit();
}, 300_000);

const refusal = (block: Block, lies: Lies) => circuit(valuesOf(blockInputs(block, lies)));

test('right ones are accepted, and the state after the block is SHA-384’s', async () => {
  for (const block of [right, blockOf(0n), blockOf(ones)]) {
    expect(await refusal(block, {})).toBeUndefined();
  }
  const words = inputs.hints.state.slice(0, 6).map(({ whole }) => bigEndian(whole, 8));
  expect(toHex(concat(...words))).toBe(createHash('sha384').update(message).digest('hex'));
});

describe('refused', { timeout: 60_000 }, () => {
  const sample = sampleOf(values);

  test('each kind of value, more or less by 1', async () => {
    expect(sample.length).toBeGreaterThan(50);
    for (const [i, path] of sample.entries()) {
      const wrong = (values.get(path) as bigint) + (i % 2 === 0 ? 1n : -1n);
      expect(await circuit(values, new Map([[path, wrong]])), path).toBeDefined();
    }
  });

  test('halves of which the lower took 2^32 from the upper', async () => {
    const halves = upperHalves(sample);
    expect(halves.length).toBeGreaterThan(14);
    for (const hi of halves) {
      expect(await circuit(values, borrowed(values, hi)), hi).toBeDefined();
    }
  });

  const turns = (Object.keys(turnsOf) as Sum[]).flatMap((sum) =>
    turnsOf[sum].map((turn, n) => ({ sum, n, ...turn })),
  );
  const rotations = turns.filter(({ kind }) => kind !== 'shift');
  const shifts = turns.filter(({ kind }) => kind === 'shift');

  /** Solves the rotation's equation. */
  test.each(rotations)('2^64 − 1 as a rotation of 0: $sum $n', async ({ sum, n, kind, bits }) => {
    const lie = { word: ones, bits: kind === 'right' ? 1n << bits : -1n };
    const turned: Lies['turned'] = (is, ofSum, at, x) =>
      ofSum === sum && at === n && x === 0n ? lie : is;
    expect(await refusal(blockOf(0n), { turned })).toBe(outOfRange);
  });

  test.each(rotations)('0 as a rotation of 2^64 − 1: $sum $n', async ({ sum, n, kind, bits }) => {
    const lie = { word: 0n, bits: kind === 'right' ? -1n : 1n << bits };
    const turned: Lies['turned'] = (is, ofSum, at, x) =>
      ofSum === sum && at === n && x === ones ? lie : is;
    expect(await refusal(blockOf(ones), { turned })).toBe(outOfRange);
  });

  test.each(shifts)('a remainder of 2^K and more: $sum $n', async ({ sum, n, bits }) => {
    const turned: Lies['turned'] = (is, ofSum, at, x) =>
      ofSum === sum && at === n && x === ones
        ? { word: is.word - 1n, bits: is.bits + (1n << bits) }
        : is;
    expect(await refusal(blockOf(ones), { turned })).toBe(outOfRange);
  });

  const sums = [
    ...[16, 62, 77, 78, 79].map((at) => ['w', at] as const),
    ...[0, 1, 79].flatMap((at) => [['a', at] as const, ['e', at] as const]),
    ...[0, 3, 7].map((at) => ['state', at] as const),
  ];
  test.each(sums)('2^64 taken once too often, or not often enough: %s %i', async (what, at) => {
    for (const by of [1n, -1n]) {
      const reduced: Lies['reduced'] = (is, ofWhat, n) =>
        ofWhat === what && n === at ? { word: is.word - (by << 64n), carry: is.carry + by } : is;
      const found = await refusal(right, { reduced });
      expect(found, String(by)).toBeDefined();
      if (what === 'w' && by === -1n) expect(found).toBe(outOfRange);
    }
  });

  /** 1/2^64 modulo the field's order, a power of which the field has. */
  const inverse = Array.from({ length: 64 }).reduce<bigint>(
    (power) => (power * ((fieldOrder + 1n) / 2n)) % fieldOrder,
    1n,
  );

  test.each(sums)(
    'a word in range, with the carry that its sum then has: %s %i',
    async (what, at) => {
      const reduced: Lies['reduced'] = (is, ofWhat, n) =>
        ofWhat === what && n === at
          ? { word: is.word ^ 1n, carry: is.carry + (is.word - (is.word ^ 1n)) * inverse }
          : is;
      expect(await refusal(right, { reduced })).toBe(outOfRange);
    },
  );
});
