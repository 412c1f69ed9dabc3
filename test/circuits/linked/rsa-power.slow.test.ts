/** The power of a signature: every hint changed, and integers at the borders of what is in range. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed } from '#test/circuits/scene.ts';
import { generateRsaKey } from '#test/fake/keys.ts';
import { bigEndian, fromBigEndian, utf8 } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';
import { flipped, outOfRange } from './inputs.ts';
import {
  inOtherLimbs,
  integerOf,
  modulusOf,
  type PowerInputs,
  powerInputs,
  raisedSignature,
  signPss,
  smallModulus,
  smallPower,
  withInteger,
  wrongProduct,
} from './rsa-scene.ts';

const notZero = 'the columns are not zero';
const m = smallModulus;

let circuit: Circuit;
let genuine: PowerInputs;
beforeAll(async () => {
  circuit = await forTests('rsa_power');
  const { publicKey, privateKey } = await generateRsaKey();
  genuine = powerInputs(modulusOf(publicKey), signPss(utf8('genuine'), privateKey));
});
const refusal = (inputs: InputMap) => refusalOf(circuit, inputs);

const places = Array.from({ length: 17 }, (_, i) => [`powers.${i}`, `quotients.${i}`]).flat();

describe('accepted:', () => {
  test('genuine', async () => {
    expect(await refusal(genuine)).toBeUndefined();
  });

  /** By another road: bit by bit. */
  function powerOf(base: bigint): bigint {
    return [...65537n.toString(2)].reduce((power, bit) => {
      const square = (power * power) % m;
      return bit === '1' ? (square * base) % m : square;
    }, 1n);
  }

  // m is 2^4095 and little more: its limbs are nearly all zeros, and those of −2 nearly all ones, so that columns are as
  // large as they come.
  test.each<[string, bigint]>([
    ['0', 0n],
    ['1', 1n],
    ['2', 2n],
    ['−1', m - 1n],
    ['−2', m - 2n],
    ['2^4095 − 1', (1n << 4095n) - 1n],
    ['2^2048', 1n << 2048n],
  ])('the power of %s', async (_, signature) => {
    const inputs = smallPower(signature);
    expect(fromBigEndian(Uint8Array.from(inputs.encoded))).toBe(powerOf(signature));
    expect(await refusal(inputs)).toBeUndefined();
  });

  test('under the largest modulus', async () => {
    const largest = new Uint8Array(512).fill(0xff);
    expect(await refusal(powerInputs(largest, largest.with(511, 0xfe)))).toBeUndefined();
    expect(await refusal(powerInputs(largest, largest.with(0, 0x7f)))).toBeUndefined();
  });
});

describe('refused:', () => {
  test.each(['encoded.0', 'encoded.511', 'modulus.0', 'modulus.511'])('another %s', async (at) => {
    expect(await refusal(flipped(genuine, at))).toMatch(wrongProduct);
  });

  test.each([...places, 'room'])('another limb of %s', async (at) => {
    for (const i of [0, 17, 34]) {
      expect(await refusal(flipped(genuine, `power.${at}.${i}`))).toMatch(wrongProduct);
    }
  });

  test.each(places)('%s less one, or more', async (at) => {
    const value = integerOf(genuine, at);
    for (const other of [value - 1n, value + 1n]) {
      expect(await refusal(withInteger(genuine, at, other))).toMatch(wrongProduct);
    }
  });

  test.each([...places, 'room'])('other limbs for the same %s', async (at) => {
    const same = inOtherLimbs(genuine, at);
    expect(integerOf(same, at)).toBe(integerOf(genuine, at));
    expect(await refusal(same)).toMatch(outOfRange);
  });

  test.each([...places, 'room'])('%s more by the order of the field', async (at) => {
    const other = withInteger(genuine, at, integerOf(genuine, at) + fieldOrder);
    expect(await refusal(other)).toMatch(outOfRange);
  });

  // In the field the columns are zero all the same: nothing but the range of two carries is left to refuse it.
  test.each([0, 10, 31, 32])('a result that differs by order · 2^(120·%i)', async (place) => {
    const encoded = fromBigEndian(Uint8Array.from(genuine.encoded));
    const difference = fieldOrder << BigInt(120 * place);
    const other = encoded < difference ? encoded + difference : encoded - difference;
    const inputs = { ...genuine, encoded: [...bigEndian(other, 512)] };
    expect(await refusal(inputs)).toMatch(outOfRange);
  });

  test.each([...places, 'room'])('a last limb of %s with 17 bits', async (at) => {
    expect(await refusal(changed(genuine, `power.${at}.34`, 1n << 16n))).toMatch(outOfRange);
  });
});

describe('a signature that is not below the modulus', () => {
  test('would be accepted by its powers', async () => {
    expect(await refusal(raisedSignature(5n))).toBeUndefined();
  });

  test.each<[string, bigint]>([
    ['the modulus', m],
    ['signature + modulus', m + 5n],
  ])('%s is refused', async (_, signature) => {
    expect(await refusal(raisedSignature(signature))).toBe(notZero);
  });

  test('is refused with a room of a negative limb', async () => {
    const inputs = changed(raisedSignature(m + 5n), 'power.room.34', fieldOrder - 1n);
    expect(await refusal(inputs)).toMatch(outOfRange);
  });
});

describe('a remainder raised by the modulus', () => {
  /** The square's remainder is so small that the square of remainder + modulus has a quotient of 4096 bits. */
  function signatureOfSmallSquare(): bigint {
    let signature = m / 3n;
    while (((signature * signature) % m) * 3n > m) signature += 1n;
    return signature;
  }

  test('is accepted between with its quotients: what follows is congruent', async () => {
    const right = smallPower(signatureOfSmallSquare());
    const square = integerOf(right, 'powers.1') + m;
    const alone = withInteger(right, 'powers.1', square);
    expect(await refusal(alone)).toMatch(wrongProduct);
    const first = withInteger(alone, 'quotients.0', integerOf(right, 'quotients.0') - 1n);
    expect(await refusal(first)).toMatch(wrongProduct);
    const second = withInteger(first, 'quotients.1', (square * square) / m);
    expect(await refusal(second)).toBeUndefined();
    expect(second.encoded).toEqual(right.encoded);
  });

  test('at the end is left to the padding, whose first bit it sets', async () => {
    const right = smallPower(m / 3n);
    const raised = [...bigEndian(fromBigEndian(Uint8Array.from(right.encoded)) + m, 512)];
    const quotient = integerOf(right, 'quotients.16') - 1n;
    const inputs = { ...withInteger(right, 'quotients.16', quotient), encoded: raised };
    expect(await refusal(inputs)).toBeUndefined();
    expect(raised[0]).toBeGreaterThan(0x7f);
  });
});
