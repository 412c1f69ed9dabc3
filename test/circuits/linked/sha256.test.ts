import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { paddedInput } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';
import { bytesOf, type Limbs, returned } from './inputs.ts';

/** Lengths that circuits/test/sha256_vectors hashes, each as a circuit of its own. */
const fixedLengths = [1, 2, 31, 54, 55, 56, 63, 64, 65, 118, 119, 120, 128, 149, 158, 160];

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('sha256_vectors');
}, 300_000);

const message = Uint8Array.from({ length: 183 }, (_, i) => (i * 131 + 7) & 0xff);
const digestOf = (bytes: Bytes) => createHash('sha256').update(bytes).digest('hex');

type Padded = { bytes: number[]; length: bigint; used: bigint };

function paddedOf(length: number): Padded {
  const { bytes, blocks } = paddedInput(message.subarray(0, length), 192);
  return { bytes, length: BigInt(length), used: BigInt(blocks) };
}

function inputsOf({ bytes, length, used }: Padded, is_padded = true) {
  return {
    message: [...message.subarray(0, 160)],
    bytes,
    length: fieldInput(length),
    used: fieldInput(used),
    is_padded,
  };
}

const refusal = (padded: Padded, isPadded = true) => refusalOf(circuit, inputsOf(padded, isPadded));

test('sha256_fixed gives SHA-256 of each length', async () => {
  const [fixed] = await returned<[Limbs[], Limbs]>(circuit, inputsOf(paddedOf(0)));
  expect(fixed.map((one) => toHex(bytesOf(one)))).toEqual(
    fixedLengths.map((length) => digestOf(message.subarray(0, length))),
  );
});

test.each([0, 1, 54, 55, 56, 57, 61, 62, 63, 64, 65, 118, 119, 120, 126, 127, 128, 182, 183])(
  'sha256_blocks gives SHA-256 of %i bytes, and their padding is accepted',
  async (length) => {
    const [, blocks] = await returned<[unknown, Limbs]>(circuit, inputsOf(paddedOf(length)));
    expect(toHex(bytesOf(blocks))).toBe(digestOf(message.subarray(0, length)));
  },
);

test.each([1n, 2n, 3n])('sha256_blocks stops after %i blocks', async (used) => {
  const padded = { ...paddedOf(64 * Number(used) - 9), length: 0n };
  const bytes = padded.bytes.map((byte, i) => (i < 64 * Number(used) ? byte : 0xee));
  const inputs = inputsOf({ ...padded, bytes }, false);
  const [, blocks] = await returned<[unknown, Limbs]>(circuit, inputs);
  expect(toHex(bytesOf(blocks))).toBe(digestOf(message.subarray(0, 64 * Number(used) - 9)));
});

test.each([0n, 4n, 1n << 32n, fieldOrder - 1n])('%i blocks are refused', async (used) => {
  const message = 'the number of blocks is out of range';
  const padded = { ...paddedOf(10), used };
  expect(await refusal(padded, false)).toBe(message);
  // Without the length, which would be a bit in the padding.
  expect(await refusal({ ...padded, bytes: padded.bytes.with(63, 0) })).toBe(message);
});

describe('assert_padding refuses', () => {
  const noRoom = 'the message has no room for its padding';
  const needless = 'the padding has a block that it does not need';
  const notZero = 'the padding is not zero';
  const noStart = 'the padding does not begin with 0x80';
  const noLength = 'the padding does not end with the length in bits';

  /** The padding of a message of this length, with some bytes changed. */
  function edited(length: number, changes: Record<number, number>): Padded {
    const right = paddedOf(length);
    return { ...right, bytes: right.bytes.map((byte, i) => changes[i] ?? byte) };
  }

  test.each<[string, Padded, string]>([
    ['no 0x80', edited(10, { 10: 0 }), noStart],
    ['0x81 in its place', edited(10, { 10: 0x81 }), noStart],
    ['a bit right behind it', edited(10, { 11: 1 }), notZero],
    ['a bit before the length', edited(10, { 55: 1 }), notZero],
    ['a bit in the upper bytes of the length', edited(10, { 61: 1 }), notZero],
    ['a bit behind the last block', edited(10, { 64: 1 }), notZero],
    ['a bit at the very end', edited(10, { 191: 1 }), notZero],
    ['a bit in the last byte of the block that 0x80 is in', edited(62, { 63: 1 }), notZero],
    ['a bit where the length would stand in that block', edited(57, { 62: 1 }), notZero],
    ['another length in bits', edited(10, { 63: 88 }), noLength],
    ['the length in bytes', edited(10, { 63: 10 }), noLength],
    ['another length', { ...paddedOf(10), length: 9n }, noStart],
    ['a length one more', { ...paddedOf(10), length: 11n }, noStart],
    ['a length of −1', { ...paddedOf(10), length: fieldOrder - 1n }, noRoom],
    ['a length of two blocks in one', { ...paddedOf(100), used: 1n }, noRoom],
    ['a length that has no place', { ...paddedOf(10), length: 192n }, noRoom],
  ])('%s', async (_, padded, message) => {
    expect(await refusal(padded)).toBe(message);
  });

  test.each([56, 57, 61])('a length in the same block behind %i bytes', async (length) => {
    const { bytes } = paddedOf(length);
    const squeezed = bytes.map((byte, i) => (i > 61 ? 0 : byte));
    squeezed[62] = (8 * length) >> 8;
    squeezed[63] = (8 * length) & 0xff;
    expect(await refusal({ bytes: squeezed, length: BigInt(length), used: 1n })).toBe(noRoom);
  });

  test.each([0, 10, 55])('a block more than %i bytes need', async (length) => {
    const bytes = paddedOf(length).bytes.map((byte, i) => (i > 55 ? 0 : byte));
    bytes[126] = (8 * length) >> 8;
    bytes[127] = (8 * length) & 0xff;
    expect(await refusal({ bytes, length: BigInt(length), used: 2n })).toBe(needless);
  });
});

test('bytes have one length and one number of blocks', { timeout: 120_000 }, async () => {
  const length = fc.integer({ min: 0, max: 183 });
  await fc.assert(
    fc.asyncProperty(length, length, fc.constantFrom(1n, 2n, 3n), async (right, other, used) => {
      const padded = paddedOf(right);
      const isRight = other === right && used === padded.used;
      const found = await refusal({ ...padded, length: BigInt(other), used });
      expect(found === undefined).toBe(isRight);
    }),
    { numRuns: 25, examples: [[10, 10, 1n]] },
  );
});
