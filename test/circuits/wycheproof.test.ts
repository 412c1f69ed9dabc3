import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { sharedPath } from '#test/shared.ts';
import { type Circuit, forTests, refusalOf } from './circuit.ts';
import { fromDer, fromP1363, isHighS, toInputs, type Vector, vectorsOf } from './wycheproof.ts';

const files = [
  [
    'ecdsa_secp256k1_sha256_p1363_test.json',
    fromP1363,
    { accepted: 95, refused: 67, highS: 72, largeX: 0, excluded: 18 },
  ],
  [
    'ecdsa_secp256k1_sha256_bitcoin_test.json',
    fromDer,
    { accepted: 161, refused: 69, highS: 0, largeX: 1, excluded: 232 },
  ],
] as const;

/** Each case is in one of these. */
type Counts = {
  accepted: number;
  refused: number;
  /** Valid for Wycheproof, but the protocol takes the low s only. */
  highS: number;
  /** Valid, but R's x is the order or more: noir_js compares it with r unreduced (odds 2^-127). */
  largeX: number;
  /** Not a signature in the file's encoding, so there is no r and s to hand over; all are invalid. */
  excluded: number;
};

const isLargeX = ({ id, valid }: Vector) => valid && id.endsWith('k*G has a large x-coordinate');

function expectedOf(vector: Vector): keyof Counts {
  const { signature, valid } = vector;
  if (signature === undefined) return 'excluded';
  if (!valid) return 'refused';
  if (isHighS(signature)) return 'highS';
  return isLargeX(vector) ? 'largeX' : 'accepted';
}

/** What each kind says when the circuit refuses it. */
const reasons: Record<Exclude<keyof Counts, 'accepted' | 'excluded'>, RegExp> = {
  refused: /^(?:the signature does not verify|[rs] is not )/,
  highS: /^s is not in the lower half$/,
  largeX: /^the signature does not verify/,
};

async function runAll(circuit: Circuit, vectors: readonly Vector[]) {
  const counts: Counts = { accepted: 0, refused: 0, highS: 0, largeX: 0, excluded: 0 };
  const wrong: string[] = [];
  for (const vector of vectors) {
    const expected = expectedOf(vector);
    counts[expected] += 1;
    if (vector.signature === undefined) {
      if (vector.valid) wrong.push(`${vector.id}: valid, yet not handed over`);
      continue;
    }
    const refusal = await refusalOf(circuit, toInputs(vector, vector.signature));
    const asExpected =
      expected === 'accepted' || expected === 'excluded'
        ? refusal === undefined
        : reasons[expected].test(refusal ?? '');
    if (!asExpected) wrong.push(`${vector.id}: expected ${expected}, got ${refusal ?? 'accepted'}`);
  }
  return { counts, wrong };
}

const isHere = existsSync(sharedPath('vectors/wycheproof'));

describe.skipIf(!isHere)('Wycheproof (expected in ../shared/vectors/wycheproof)', () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await forTests('signature_vectors');
  });

  test.each(files)('%s', { timeout: 120_000 }, async (name, toSignature, counts) => {
    const found = await runAll(circuit, vectorsOf(name, toSignature));
    expect(found).toEqual({ counts, wrong: [] });
  });
});
