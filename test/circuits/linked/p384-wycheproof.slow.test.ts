/** Every Wycheproof case of ECDSA on P-384 with SHA-384, through all of the circuit's checks. */
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, describe, expect, test } from 'vitest';
import { p384SignatureInput } from '#prover/linked/p384-inputs.ts';
import { type Circuit, forTests, refusalOf } from '#test/circuits/circuit.ts';
import { hasShared } from '#test/shared.ts';
import { fromBigEndian } from '#verifier/bytes.ts';
import { type P384Case, p384Cases } from './p384-cases.ts';
import { verification } from './p384-forgery.ts';

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('p384_vectors');
}, 300_000);

/** What a prover hands over; null where there is nothing that she could: r or s out of range, or an r that is no point's x. */
function inputsOf({ digest, publicKey, signature }: P384Case): InputMap | null {
  if (publicKey === null || signature === null) return null;
  const key = {
    x: fromBigEndian(publicKey.subarray(0, 48)),
    y: fromBigEndian(publicKey.subarray(48)),
  };
  try {
    const input = p384SignatureInput(digest, publicKey, signature);
    return verification(fromBigEndian(digest), key, input);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

if (hasShared) {
  describe('Wycheproof', () => {
    test('ecdsa_secp384r1_sha384_p1363_test.json', async () => {
      const counts = { accepted: 0, refused: 0, nothingToProve: 0, excluded: 0 };
      const wrong: string[] = [];
      for (const one of p384Cases()) {
        if (one.excluded !== null) {
          counts.excluded += 1;
          if (one.valid) wrong.push(`${one.id}: valid, yet excluded`);
          continue;
        }
        const inputs = inputsOf(one);
        if (inputs === null) {
          counts.nothingToProve += 1;
          if (one.valid) wrong.push(`${one.id}: valid, yet not provable`);
          continue;
        }
        const refusal = await refusalOf(circuit, inputs);
        counts[refusal === undefined ? 'accepted' : 'refused'] += 1;
        if ((refusal === undefined) !== one.valid)
          wrong.push(`${one.id}: ${refusal ?? 'accepted'}`);
      }
      expect(wrong).toEqual([]);
      expect(counts).toMatchObject({ accepted: 193, excluded: 10 });
    });
  });
}
