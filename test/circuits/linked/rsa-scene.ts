/** Signatures as AMD makes them, and encoded messages that nobody should make: signed as they are. */
import { constants, createHash, type KeyObject, privateEncrypt, sign } from 'node:crypto';
import type { InputMap } from '@noir-lang/noir_js';
import { fieldInput } from '#prover/circuit-inputs.ts';
import { rsaSignatureInput } from '#prover/linked/rsa-inputs.ts';
import { changed, valueAt } from '#test/circuits/scene.ts';
import { type Bytes, bigEndian, concat, fromBigEndian } from '#verifier/bytes.ts';

export function sha384(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(
    createHash('sha384')
      .update(concat(...parts))
      .digest(),
  );
}

export function modulusOf(key: KeyObject): Bytes {
  return new Uint8Array(Buffer.from(String(key.export({ format: 'jwk' }).n), 'base64url'));
}

export function signPss(message: Bytes, key: KeyObject, saltLength = 48): Bytes {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return new Uint8Array(sign('sha384', message, { key, padding, saltLength }));
}

/** @param encoded 512 bytes, below the modulus */
export function signRaw(encoded: Bytes, key: KeyObject): Bytes {
  return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

export type Encoding = {
  /** 463 bytes, before the mask. */
  db: Bytes;
  hash: Bytes;
  trailer: number;
  /** Left 0 by who encodes rightly. */
  firstBit: 0 | 1;
};

/** EMSA-PSS of the digest with this salt, of any length; one part changed. */
export function encode(
  digest: Bytes,
  salt: Bytes,
  change: (right: Encoding) => Partial<Encoding> = () => ({}),
): Bytes {
  const zeros = new Uint8Array(462 - salt.length);
  const right: Encoding = {
    db: concat(zeros, Uint8Array.of(1), salt),
    hash: sha384(new Uint8Array(8), digest, salt),
    trailer: 0xbc,
    firstBit: 0,
  };
  const { db, hash, trailer, firstBit } = { ...right, ...change(right) };
  const mask = maskOf(hash);
  const masked = db.map((byte, i) => byte ^ (mask[i] as number));
  masked[0] = ((masked[0] as number) & 0x7f) | (firstBit << 7);
  return concat(masked, hash, Uint8Array.of(trailer));
}

/** Ten blocks of MGF1, of which 463 bytes are the mask. */
export function maskOf(hash: Bytes): Bytes {
  return concat(...Array.from({ length: 10 }, (_, i) => sha384(hash, bigEndian(i, 4))));
}

/** Words of 8 bytes, as fields. */
export function wordsOf(bytes: Bytes, count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    fieldInput(fromBigEndian(bytes.subarray(8 * i, 8 * i + 8))),
  );
}

/** Of circuits/test/rsa_vectors. */
export function signedInputs(digest: Bytes, modulus: Bytes, signature: Bytes): InputMap {
  return {
    digest: wordsOf(digest, 6),
    modulus: [...modulus],
    signature: rsaSignatureInput(modulus, signature),
  };
}

export type Power = { powers: string[][]; quotients: string[][]; room: string[] };
export type PowerInputs = { modulus: number[]; encoded: number[]; power: Power };

/** Of circuits/test/rsa_power. */
export function powerInputs(modulus: Bytes, signature: Bytes): PowerInputs {
  const { power, encoded } = rsaSignatureInput(modulus, signature) as {
    power: Power;
    encoded: number[];
  };
  return { modulus: [...modulus], encoded, power };
}

/** An integer of `power` by its limbs of 120 bits, the lowest first, whatever they are. */
export function integerOf(inputs: PowerInputs, at: string): bigint {
  return limbPlaces(at).reduceRight((sum, place) => (sum << 120n) + valueAt(inputs, place), 0n);
}

/** The integer replaced, by its canonical limbs; the last one takes what is left. */
export function withInteger(inputs: PowerInputs, at: string, value: bigint): PowerInputs {
  return limbPlaces(at).reduce((sofar, place, i) => {
    const rest = value >> BigInt(120 * i);
    return changed(sofar, place, i === 34 ? rest : rest & ((1n << 120n) - 1n));
  }, inputs);
}

function limbPlaces(at: string): string[] {
  return Array.from({ length: 35 }, (_, i) => `power.${at}.${i}`);
}

/** The same integer, where a limb has 2^120 of the next one. */
export function inOtherLimbs(inputs: PowerInputs, at: string): PowerInputs {
  const [lower, upper] = [limbPlaces(at)[3] as string, limbPlaces(at)[4] as string];
  const raised = changed(inputs, lower, valueAt(inputs, lower) + (1n << 120n));
  return changed(raised, upper, valueAt(inputs, upper) - 1n);
}

/** Of a carry out of its range, or of the last column: which of them is met first does not matter. */
export const wrongProduct: RegExp = /^call to assert_max_bit_size$|^the columns are not zero$/;

/** Nearly twice as much has 4096 bits as well, so that more than one integer of these has the same remainder. */
export const smallModulus: bigint = (1n << 4095n) + 0x1234567n;

export function smallPower(signature: bigint): PowerInputs {
  return powerInputs(bigEndian(smallModulus, 512), bigEndian(signature, 512));
}

/** The power of the signature under any modulus, where `rsaSignatureInput` would refuse it. */
export function powerUnder(modulus: bigint, signature: bigint): Power {
  let inputs = withInteger(smallPower(0n), 'powers.0', signature);
  let last = signature;
  for (let i = 0; i < 17; i++) {
    const product = last * (i < 16 ? last : signature);
    inputs = withInteger(inputs, `quotients.${i}`, product / modulus);
    last = product % modulus;
    if (i < 16) inputs = withInteger(inputs, `powers.${i + 1}`, last);
  }
  return withInteger(inputs, 'room', modulus - 1n - signature).power;
}

/** Another representative of a small signature's remainder: all products are right, and `room` is modulo 2^4096. */
export function raisedSignature(signature: bigint): PowerInputs {
  const inputs = smallPower(signature % smallModulus);
  const changes: [at: string, value: bigint][] = [
    ['powers.0', signature],
    ['quotients.0', (signature * signature) / smallModulus],
    ['quotients.16', (integerOf(inputs, 'powers.16') * signature) / smallModulus],
    ['room', (smallModulus - 1n - signature) & ((1n << 4096n) - 1n)],
  ];
  return changes.reduce((sofar, [at, value]) => withInteger(sofar, at, value), inputs);
}

/** Of circuits/test/rsa_padding: what is asserted of the whole, and of the hint by itself. */
export function paddingInputs(encoded: Bytes, salt: Bytes): InputMap {
  const mask = maskOf(encoded.subarray(463, 511));
  const fields = [...wordsOf(encoded.subarray(408), 7), ...wordsOf(mask.subarray(408), 7)];
  return {
    encoded: [...encoded],
    mask: wordsOf(mask, 58),
    salt: [...salt],
    hinted: { fields, words: [...fields] },
  };
}
