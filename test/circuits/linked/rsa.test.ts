/** AMD's signatures by parts, without SHA-384. More of the power: rsa-power.slow.test.ts; the whole: rsa.slow.test.ts. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { rsaSignatureInput } from '#prover/linked/rsa-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { generateRsaKey } from '#test/fake/keys.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { flipped, outOfRange } from './inputs.ts';
import {
  type Encoding,
  encode,
  inOtherLimbs,
  maskOf,
  modulusOf,
  type PowerInputs,
  paddingInputs,
  powerInputs,
  raisedSignature,
  sha384,
  signPss,
  smallModulus,
  wordsOf,
  wrongProduct,
} from './rsa-scene.ts';

describe('rsaSignatureInput', () => {
  const modulus = new Uint8Array(512).fill(0x80);

  test('takes a signature that is below the modulus', () => {
    expect(rsaSignatureInput(modulus, modulus.with(511, 0x7f))).toBeDefined();
  });

  test.each<[string, Bytes, Bytes]>([
    ['the modulus as a signature', modulus, modulus],
    ['a signature of 511 bytes', modulus, modulus.slice(1)],
    ['a signature of 513 bytes', modulus, new Uint8Array(513)],
    ['a modulus of 4095 bits', modulus.with(0, 0x7f), new Uint8Array(512)],
    ['a modulus of 511 bytes', modulus.slice(1), new Uint8Array(512)],
  ])('refuses %s', (_, m, signature) => {
    expect(() => rsaSignatureInput(m, signature)).toThrow(RangeError);
  });
});

describe('assert_power', () => {
  let circuit: Circuit;
  let genuine: PowerInputs;
  beforeAll(async () => {
    circuit = await forTests('rsa_power');
    const { publicKey, privateKey } = await generateRsaKey();
    genuine = powerInputs(modulusOf(publicKey), signPss(utf8('genuine'), privateKey));
  }, 300_000);
  const refusal = (inputs: InputMap) => refusalOf(circuit, inputs);

  test('the power of a genuine signature is accepted', async () => {
    expect(await refusal(genuine)).toBeUndefined();
  });

  test.each(['encoded.511', 'modulus.0', 'power.powers.9.0', 'power.quotients.16.34'])(
    '%s changed is refused',
    async (at) => {
      expect(await refusal(flipped(genuine, at))).toMatch(wrongProduct);
    },
  );

  test('a quotient in other limbs is refused', async () => {
    expect(await refusal(inOtherLimbs(genuine, 'quotients.7'))).toMatch(outOfRange);
  });

  test('a signature that is the modulus or more is refused', async () => {
    expect(await refusal(raisedSignature(5n))).toBeUndefined();
    expect(await refusal(raisedSignature(smallModulus + 5n))).toBe('the columns are not zero');
  });
});

describe('the padding', () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await forTests('rsa_padding');
  }, 300_000);

  const notZero = 'the padding is not zero';
  const noSalt = 'the salt does not stand behind zeros and 0x01';

  const digest = sha384(utf8('digest'));
  const salt = Uint8Array.from({ length: 48 }, (_, i) => 3 * i + 1);
  const right = paddingInputs(encode(digest, salt), salt);
  const refusal = (inputs: InputMap) => refusalOf(circuit, { ...right, ...inputs });

  /** Encoded with one part changed, under its own mask. */
  function encoded(change: (right: Encoding) => Partial<Encoding>): InputMap {
    const bytes = encode(digest, salt, change);
    return { encoded: [...bytes], mask: wordsOf(maskOf(bytes.subarray(463, 511)), 58) };
  }
  const withDb = (at: number, value: number) => encoded(({ db }) => ({ db: db.with(at, value) }));

  test('is accepted where it is right', async () => {
    expect(await refusal({})).toBeUndefined();
  });

  test('is accepted whatever the first bit of the mask', async () => {
    const byFirstBit = new Map<number, InputMap>();
    for (let i = 0; i < 64; i++) {
      const bytes = encode(digest.with(0, i), salt);
      const mask = maskOf(bytes.subarray(463, 511));
      byFirstBit.set((mask[0] as number) >> 7, { encoded: [...bytes], mask: wordsOf(mask, 58) });
    }
    expect(byFirstBit.size).toBe(2);
    for (const inputs of byFirstBit.values()) expect(await refusal(inputs)).toBeUndefined();
  });

  test('is refused with a first bit of 1', async () => {
    expect(await refusal(encoded(() => ({ firstBit: 1 })))).toMatch(outOfRange);
  });

  test('has a first bit that is cleared, whatever it was', async () => {
    expect(await refusal(withDb(0, 0x80))).toBeUndefined();
    for (const bit of [0x40, 0x01]) expect(await refusal(withDb(0, bit))).toBe(notZero);
  });

  test.each([0, 1, 7, 8, 200, 407, 408, 413])('octet %i is zero', async (at) => {
    const answer = at < 408 ? notZero : noSalt;
    for (const value of [0x01, 0x10]) expect(await refusal(withDb(at, value))).toBe(answer);
  });

  test.each([0x00, 0x02, 0x81, 0xff])('a separator of %i is refused', async (value) => {
    expect(await refusal(withDb(414, value))).toBe(noSalt);
  });

  test.each([413, 415])('0x01 as octet %i instead is refused', async (at) => {
    const moved = encoded(({ db }) => ({ db: db.with(414, 0).with(at, 1) }));
    expect(await refusal(moved)).toBe(noSalt);
  });

  test.each([47, 49, 32, 0])('a salt of %i bytes is refused', async (length) => {
    const bytes = encode(digest, salt.with(0, 0xff).slice(0, length));
    const mask = maskOf(bytes.subarray(463, 511));
    const inItsPlace = bytes.slice(415, 463).map((byte, i) => byte ^ (mask[415 + i] as number));
    const inputs = paddingInputs(bytes, inItsPlace);
    expect(await refusal({ ...inputs, hinted: right['hinted'] as InputMap })).toBe(noSalt);
  });

  test('another salt is refused', async () => {
    for (const i of [0, 1, 8, 40]) expect(await refusal(flipped(right, `salt.${i}`))).toBe(noSalt);
    for (const i of [41, 47])
      expect(await refusal(flipped(right, `salt.${i}`))).toMatch(outOfRange);
  });

  test('another mask is refused, but for the byte that is beyond it', async () => {
    for (const i of [0, 1, 50, 51, 56]) {
      const answer = i < 51 ? notZero : noSalt;
      expect(await refusal(flipped(right, `mask.${i}`))).toBe(answer);
    }
    expect(await refusal(flipped(right, 'mask.57'))).toBeUndefined();
    const word = valueAt(right, 'mask.57') ^ 0x100n;
    expect(await refusal(changed(right, 'mask.57', word))).toMatch(outOfRange);
  });

  test.each(Array.from({ length: 14 }, (_, i) => i))('a hint of word %i is held', async (i) => {
    expect(await refusal(flipped(right, `hinted.words.${i}`))).toBeDefined();
    // The pair still has the same XOR.
    const pair = flipped(flipped(right, `hinted.words.${i}`), `hinted.words.${(i + 7) % 14}`);
    expect(await refusal(pair)).toBe('a word is not of its bytes');
  });
});
