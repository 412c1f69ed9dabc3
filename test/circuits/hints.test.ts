/** Every hint of the circuits' libraries, right and wrong, given to what holds it. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { type Circuit, forTests, refusalOf } from './circuit.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('hint_vectors');
}, 300_000);

type Hints = { word: number; below: boolean; borrow: boolean };
type Case = { value: bigint; bound: bigint; hints?: Partial<Hints>; at?: number };

const bytes = [0x01, 0xff, 0x00, 0x80, 0xfe, 0x7f];
const wordAt = (at: number) => Buffer.from(bytes).readUInt32BE(at);
const low = (1n << 128n) - 1n;
const limbs = (integer: bigint) => ({
  hi: fieldInput(integer >> 128n),
  lo: fieldInput(integer & low),
});

function right({ value, bound, at = 0 }: Case): Hints {
  const below = value < bound;
  const borrow = below ? (bound & low) <= (value & low) : (value & low) < (bound & low);
  return { word: wordAt(at), below, borrow };
}

function inputsOf(given: Case) {
  const { value, bound, hints, at = 0 } = given;
  return { bytes, at, value: limbs(value), bound: limbs(bound), ...right(given), ...hints };
}

const refusal = (given: Case) => refusalOf(circuit, inputsOf(given));

const one = 1n << 128n;
const most = (1n << 256n) - 1n;
const pairs: [bigint, bigint][] = [
  [0n, 0n],
  [0n, 1n],
  [1n, 0n],
  [one, one],
  [one - 1n, one],
  [one, one - 1n],
  [5n * one + 3n, 5n * one + 4n],
  [5n * one + 4n, 5n * one + 3n],
  [4n * one + 9n, 5n * one + 3n],
  [5n * one + 3n, 4n * one + 9n],
  [0n, most],
  [most, 0n],
  [most, most],
  [most - 1n, most],
];

describe('comparison', () => {
  test.each(pairs)('of %d and %d has one answer', async (value, bound) => {
    for (const below of [true, false]) {
      for (const borrow of [true, false]) {
        const is = right({ value, bound });
        const found = await refusal({ value, bound, hints: { below, borrow } });
        const isRight = below === is.below && borrow === is.borrow;
        expect(found === undefined, `${below} ${borrow}: ${found}`).toBe(isRight);
      }
    }
  });

  test('of any two', { timeout: 60_000 }, async () => {
    const integer = fc.oneof(fc.bigInt(0n, most), fc.bigInt(0n, 3n * one), fc.constant(one));
    await fc.assert(
      fc.asyncProperty(integer, integer, async (value, bound) => {
        const { returnValue } = await circuit(inputsOf({ value, bound }));
        expect(returnValue).toBe(value < bound);
        const { below, borrow } = right({ value, bound });
        for (const hints of [{ below: !below }, { borrow: !borrow }]) {
          expect(await refusal({ value, bound, hints })).toBeDefined();
        }
      }),
      { numRuns: 60 },
    );
  });
});

test.each([0, 1, 2])('a word from byte %i on is that of its bytes alone', async (at) => {
  const about = { value: 0n, bound: 1n, at };
  expect(await refusal(about)).toBeUndefined();
  const word = wordAt(at);
  for (const wrong of [
    (word ^ 1) >>> 0,
    (word ^ 0x8000_0000) >>> 0,
    Buffer.from(bytes).readUInt32LE(at),
  ]) {
    expect(await refusal({ ...about, hints: { word: wrong } })).toBe('a word is not of its bytes');
  }
});
