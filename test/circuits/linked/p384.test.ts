/** ECDSA on P-384 in the circuit, by what another implementation signed. Forgeries: p384.slow.test.ts. */
import { readFile } from 'node:fs/promises';
import { p384 } from '@noble/curves/nist.js';
import { sha384 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { generator, mod, multiply, n } from '#prover/linked/p384-curve.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { fromBigEndian } from '#verifier/bytes.ts';
import { constantsText } from './p384-constants.ts';
import { keyFor, pointFrom, signed } from './p384-forgery.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p384_vectors');
}, 300_000);

function refused(inputs: InputMap): Promise<string | undefined> {
  return refusalOf(circuit, inputs);
}

const notSigned = 'the signature is not of this digest under this key';

test('the constants are those that the curve gives', async () => {
  const source = new URL('../../../circuits/lib/p384/src/constants.nr', import.meta.url);
  expect(await readFile(source, 'utf8')).toBe(constantsText());
});

describe('accepted', () => {
  test('what another implementation signed, s and n − s', async () => {
    const digest = sha384(Uint8Array.of(1, 2, 3));
    const secretKey = p384.utils.randomSecretKey();
    const publicKey = p384.getPublicKey(secretKey, false).subarray(1);
    const of = {
      x: fromBigEndian(publicKey.subarray(0, 48)),
      y: fromBigEndian(publicKey.subarray(48)),
    };
    const signature = p384.sign(digest, secretKey, { prehash: false, lowS: false });
    const [r, s] = [signature.subarray(0, 48), signature.subarray(48)].map(fromBigEndian) as [
      bigint,
      bigint,
    ];
    const z = fromBigEndian(digest);
    expect(await refused(signed(z, of, r, s))).toBeUndefined();
    expect(await refused(signed(z, of, r, n - s))).toBeUndefined();
    const other = mod(multiply(generator, 5n).x, n);
    expect(await refused(signed(z, of, other, s))).toBe(notSigned);
    expect(await refused(signed(z, of, r, s ^ 1n))).toBe(notSigned);
    expect(await refused(signed(z ^ 1n, of, r, s))).toBe(notSigned);
  });

  test('an R whose x is r + n', async () => {
    const { key: of, z, r, s } = keyFor(pointFrom(n + 1n), 12345n);
    expect(r).toBeLessThan(2n ** 190n);
    expect(await refused(signed(z, of, r, s))).toBeUndefined();
  });
});
