import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { paddedInput384 } from '#prover/linked/sha384-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { type Bytes, bigEndian, concat, fromBigEndian, fromHex, toHex } from '#verifier/bytes.ts';
import { returned } from './inputs.ts';
import { nistVectors } from './sha384-nist.ts';

const bytesFrom = (length: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 0xff);
const digestOf = (bytes: Bytes) => createHash('sha384').update(bytes).digest('hex');
const hexOf = (digest: readonly string[]) =>
  toHex(concat(...digest.map((word) => bigEndian(BigInt(word), 8))));
const wordsOf = (block: Bytes) =>
  Array.from({ length: 16 }, (_, j) => fromBigEndian(block.subarray(8 * j, 8 * j + 8)));

const nist = new Map(nistVectors.map(([length, message]) => [length, fromHex(message, 'vector')]));
/** NIST's message where there is one of this length. */
const messageOf = (length: number) => nist.get(length) ?? bytesFrom(length);

test.each(nistVectors)('the oracle gives the digest of NIST’s message of %i bytes', (...vector) => {
  const [length, , digest] = vector;
  expect([messageOf(length).length, digestOf(messageOf(length))]).toEqual([length, digest]);
});

describe('sha384', () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await forTests('sha384_vectors');
  }, 300_000);

  /** Behind the last block of `bytes` there are no zeros. */
  function inputsOf(length: number, wordsLength: number) {
    const { bytes, blocks } = paddedInput384(messageOf(length), 384);
    const block = Uint8Array.from(paddedInput384(messageOf(wordsLength), 128).bytes);
    return {
      short: [...messageOf(111)],
      longer: [...messageOf(112)],
      whole: [...messageOf(128)],
      bytes: bytes.map((byte, i) => (i < 128 * Number(blocks) ? byte : 0xee)),
      used: blocks,
      words: wordsOf(block).map(fieldInput),
    };
  }

  type Answer = [fixed: string[][], blocks: string[], words: string[][]];

  test.each([
    [0, 1],
    [111, 48],
    [112, 111],
    [127, 0],
    [227, 47],
    [240, 56],
    [367, 64],
  ])('of %i bytes in blocks, and of %i in words', async (length, wordsLength) => {
    const inputs = inputsOf(length, wordsLength);
    const [fixed, blocks, [words, ending]] = await returned<Answer>(circuit, inputs);
    expect(toHex(Uint8Array.from(blocks, Number))).toBe(digestOf(messageOf(length)));
    expect(hexOf(words ?? [])).toBe(digestOf(messageOf(wordsLength)));
    const first = concat(...inputs.words.slice(0, 6).map((word) => bigEndian(BigInt(word), 8)));
    expect(hexOf(ending ?? [])).toBe(digestOf(first));
    expect(fixed.map(hexOf)).toEqual([111, 112, 128].map((n) => digestOf(messageOf(n))));
  });

  test.each([0n, 4n])('%i blocks are refused', async (used) => {
    const inputs = { ...inputsOf(10, 10), used: fieldInput(used) };
    expect(await refusalOf(circuit, inputs)).toBe('the number of blocks is out of range');
  });
});

describe('paddedInput384', () => {
  test.each([
    [0, 1],
    [111, 1],
    [112, 2],
    [239, 2],
    [240, 3],
  ])('%i bytes take %i blocks', (length, blocks) => {
    const { bytes, blocks: said } = paddedInput384(bytesFrom(length), 384);
    expect([bytes.length, BigInt(said)]).toEqual([384, BigInt(blocks)]);
    const end = bigEndian(BigInt(8 * length), 16);
    const zeros = new Uint8Array(128 * blocks - 17 - length);
    const behind = new Uint8Array(384 - 128 * blocks);
    const padded = concat(bytesFrom(length), Uint8Array.of(0x80), zeros, end, behind);
    expect(toHex(Uint8Array.from(bytes))).toBe(toHex(padded));
  });

  test('a message that fills the room is taken, one more byte refused', () => {
    expect(() => paddedInput384(bytesFrom(367), 384)).not.toThrow();
    expect(() => paddedInput384(bytesFrom(368), 384)).toThrow(RangeError);
  });
});
