/** Intel's signatures in the circuit, by Wycheproof's vectors and at the borders of every range. */
import { existsSync } from 'node:fs';
import { p256 } from '@noble/curves/nist.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { limbsInput } from '#prover/circuit-inputs.ts';
import { keyInput, signatureInput } from '#prover/linked/tdx-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { changed } from '#test/circuits/scene.ts';
import { fromP1363, type Vector, vectorsOf } from '#test/circuits/wycheproof.ts';
import { sharedPath } from '#test/shared.ts';
import { type Bytes, bigEndian, concat, fromBigEndian } from '#verifier/bytes.ts';
import { outOfRange } from './inputs.ts';

const { Point } = p256;
const { Fn, Fp } = Point;

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p256_vectors');
}, 300_000);

const notSigned = 'the signature does not verify under the key';
const wrongR = 'r is not between 0 and the order';
const wrongS = 's is not in the lower half';

function asItIs(signature: Bytes) {
  return { r: limbsInput(signature.subarray(0, 32)), s: limbsInput(signature.subarray(32)) };
}

describe.skipIf(!existsSync(sharedPath('vectors/wycheproof')))(
  'Wycheproof (expected in ../shared/vectors/wycheproof)',
  () => {
    const isHighS = (signature: Bytes) => {
      const s = fromBigEndian(signature.subarray(32));
      return s > Fn.ORDER / 2n && s < Fn.ORDER;
    };
    /** R's x is the order or more: the executor compares it with r unreduced (odds 2^-128). */
    const isLargeX = ({ id, valid }: Vector) =>
      valid && /k\*G has a large x-coordinate$|smallest possible x with a reduction$/.test(id);

    test('ecdsa_secp256r1_sha256_p1363_test.json', { timeout: 300_000 }, async () => {
      const counts = { accepted: 0, refused: 0, largeX: 0, excluded: 0, highS: 0 };
      const wrong: string[] = [];
      for (const vector of vectorsOf('ecdsa_secp256r1_sha256_p1363_test.json', fromP1363)) {
        const { signature, hash, publicKey, valid } = vector;
        if (signature === undefined) {
          counts.excluded += 1;
          if (valid) wrong.push(`${vector.id}: valid, yet not handed over`);
          continue;
        }
        const inputs = { hash: limbsInput(hash), key: keyInput(publicKey) };
        const raw = await refusalOf(circuit, { ...inputs, signature: asItIs(signature) });
        const isHigh = isHighS(signature);
        if (isHigh) {
          counts.highS += 1;
          // r is looked at before s.
          const isRefused = raw === wrongS || (!valid && raw === wrongR);
          if (!isRefused) wrong.push(`${vector.id}: a high s, got ${raw ?? 'accepted'}`);
        }
        const low = isHigh ? signatureInput(signature) : asItIs(signature);
        const refusal = isHigh ? await refusalOf(circuit, { ...inputs, signature: low }) : raw;
        const isAccepted = valid && !isLargeX(vector);
        counts[isLargeX(vector) ? 'largeX' : isAccepted ? 'accepted' : 'refused'] += 1;
        const asExpected = isAccepted
          ? refusal === undefined
          : [notSigned, wrongR, wrongS].includes(refusal ?? '');
        if (!asExpected) wrong.push(`${vector.id}: ${valid}, got ${refusal ?? 'accepted'}`);
      }
      expect(wrong).toEqual([]);
      expect(counts).toEqual({ accepted: 171, refused: 68, largeX: 2, excluded: 21, highS: 86 });
    });
  },
);

describe('assert_signed', () => {
  const secret = bigEndian(7n, 32);
  const hash = new Uint8Array(32).fill(0x5a);
  const signature = p256.sign(hash, secret, { prehash: false, lowS: true, format: 'compact' });
  const publicKey = p256.getPublicKey(secret, false).slice(1);
  const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)].map(fromBigEndian) as [
    bigint,
    bigint,
  ];
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map(fromBigEndian) as [
    bigint,
    bigint,
  ];
  const pair = (first: bigint, second: bigint) =>
    concat(bigEndian(first, 32), bigEndian(second, 32));
  const refusal = (changes: { key?: Bytes; signature?: Bytes; hash?: Bytes }) =>
    refusalOf(circuit, {
      hash: limbsInput(changes.hash ?? hash),
      key: keyInput(changes.key ?? publicKey),
      signature: asItIs(changes.signature ?? signature),
    });

  test.each<[string, bigint, bigint, string | undefined]>([
    ['the right signature', r, s, undefined],
    ['the same with its high s', r, Fn.ORDER - s, wrongS],
    ['r = 0', 0n, s, wrongR],
    ['r = order', Fn.ORDER, s, wrongR],
    ['r + order', 5n + Fn.ORDER, s, wrongR],
    ['r = 2^256 − 1', (1n << 256n) - 1n, s, wrongR],
    ['r = order − 1', Fn.ORDER - 1n, s, notSigned],
    ['another r', r + 1n, s, notSigned],
    ['s = 0', r, 0n, wrongS],
    ['s = (order − 1)/2', r, (Fn.ORDER - 1n) / 2n, notSigned],
    ['s = (order + 1)/2', r, (Fn.ORDER + 1n) / 2n, wrongS],
    ['s = order', r, Fn.ORDER, wrongS],
    ['r = s = 0', 0n, 0n, wrongR],
  ])('%s', async (_, first, second, message) => {
    expect(await refusal({ signature: pair(first, second) })).toBe(message);
  });

  test.each<[string, bigint, bigint, string | undefined]>([
    ['the right key', x, y, undefined],
    ['the opposite key', x, Fp.ORDER - y, notSigned],
    ['a key off the curve', x, y + 1n, notSigned],
    ['a key off the curve, small', 5n, 1n, notSigned],
    ['(0, 0)', 0n, 0n, 'y of the key is zero'],
    ['x = p', Fp.ORDER, y, 'x of the key is not below the prime of P-256'],
    ['x + p', 5n + Fp.ORDER, y, 'x of the key is not below the prime of P-256'],
    ['y = p', x, Fp.ORDER, 'y of the key is not below the prime of P-256'],
    ['y = 2^256 − 1', x, (1n << 256n) - 1n, 'y of the key is not below the prime of P-256'],
  ])('under %s', async (_, first, second, message) => {
    expect(await refusal({ key: pair(first, second) })).toBe(message);
  });

  test('another hash is refused', async () => {
    expect(await refusal({ hash: hash.with(0, 0) })).toBe(notSigned);
  });

  test.each(['hash', 'key.x', 'key.y', 'signature.r', 'signature.s'])(
    'limbs of %s too large are refused',
    async (at) => {
      const inputs = {
        hash: limbsInput(hash),
        key: keyInput(publicKey),
        signature: asItIs(signature),
      };
      for (const limb of ['hi', 'lo']) {
        const wide = changed(inputs, `${at}.${limb}`, 1n << 128n);
        expect(await refusalOf(circuit, wide)).toMatch(outOfRange);
      }
    },
  );
});
