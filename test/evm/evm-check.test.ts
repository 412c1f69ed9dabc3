/** The in-process EVM tells a true proof from a false one, on a circuit of 3,000 gates. */
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledCircuit } from '@noir-lang/noir_js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { insecureG2 } from '#test/tools/dev-srs-points.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { pointsNeeded, proveForEvm } from './bb.ts';
import {
  compileContracts,
  type DeployedVerifier,
  deployVerifier,
  withOtherG2,
} from './contract.ts';
import { checkInEvm } from './evm-check.ts';
import { compileToy, executeToy, squares } from './toy.ts';

const rounds = 3000;
const inputs = { x: '3', y: '5' };

let srsFolder: string;
let artifact: CompiledCircuit;
let honest: { witness: Bytes; publicInputs: bigint[] };

beforeAll(async () => {
  srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  artifact = await compileToy(squares(rounds, 0));
  const { witness, returned } = await executeToy(artifact, inputs);
  honest = { witness, publicInputs: [5n, returned] };
  await writeInsecureSrs(srsFolder, await pointsNeeded(artifact));
});

afterAll(() => rm(srsFolder, { recursive: true }));

test('a circuit of 3,000 gates needs 2^12 + 1 points', async () => {
  expect(await pointsNeeded(artifact)).toBe(4097);
});

test('accepts the proof, refuses its three changed twins', { timeout: 60_000 }, async () => {
  const check = await checkInEvm({ artifact, srsFolder, ...honest });
  expect(check.honest).toMatchObject({ accepted: true, reason: null });
  expect(check.changedProof).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.changedInput).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.ceremonyG2).toMatchObject({ accepted: false, reason: 'ShpleminiFailed' });
  // The pairing was reached in the last one: it costs what acceptance costs.
  expect(Number(check.ceremonyG2.gas) / Number(check.honest.gas)).toBeCloseTo(1, 2);
  expect(Number(check.honest.gas)).toBeLessThan(3_000_000);
});

describe('a contract with the string’s own G2', () => {
  let verifier: DeployedVerifier;
  let proof: Bytes;

  beforeAll(async () => {
    const made = await proveForEvm(artifact, honest.witness, srsFolder);
    proof = made.proof;
    const { toy } = compileContracts({ toy: withOtherG2(made.contract, insecureG2()) });
    verifier = await deployVerifier(toy);
    expect(await verifier.verify(proof, honest.publicInputs)).toMatchObject({ accepted: true });
  });

  test('refuses a changed byte anywhere in the proof', { timeout: 60_000 }, async () => {
    const fields = proof.length / 32;
    for (let i = 0; i < 12; i++) {
      const changed = proof.slice();
      const at = 32 * Math.floor((i * fields) / 12) + 31;
      changed[at] = (changed[at] as number) ^ 1;
      const { accepted } = await verifier.verify(changed, honest.publicInputs);
      expect({ at, accepted }).toEqual({ at, accepted: false });
    }
  });

  test('refuses another length, another result and another number of public inputs', async () => {
    const [y = 0n, result = 0n] = honest.publicInputs;
    const reasonOf = async (bytes: Bytes, given: bigint[]) =>
      (await verifier.verify(bytes, given)).reason;
    expect(await reasonOf(proof, [y, result])).toBe(null);
    expect(await reasonOf(proof.subarray(32), [y, result])).toBe('ProofLengthWrongWithLogN');
    expect(await reasonOf(proof, [y])).toBe('PublicInputsLengthWrong');
    expect(await reasonOf(proof, [y, result + 1n])).toBe('SumcheckFailed');
    expect(await reasonOf(proof, [result, y])).toBe('SumcheckFailed');
  });

  // `bb prove` proves whatever it is given; the witness of z² + y + 1 is none of z² + y.
  test('refuses the proof of a false witness', { timeout: 60_000 }, async () => {
    const other = await compileToy(squares(rounds, 1));
    const { witness, returned } = await executeToy(other, inputs);
    const wrong = await proveForEvm(artifact, witness, srsFolder);
    expect(wrong.proof).toHaveLength(proof.length);
    const outcome = await verifier.verify(wrong.proof, [5n, returned]);
    expect(outcome).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  });
});

test('refuses a folder with too few points, before bb looks for others', async () => {
  const small = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  try {
    await writeInsecureSrs(small, 2);
    await truncate(join(small, 'bn254_g1.dat'), 64);
    await expect(proveForEvm(artifact, honest.witness, small)).rejects.toThrow(
      /needs 4097 points, found 1$/,
    );
  } finally {
    await rm(small, { recursive: true });
  }
});

test('withOtherG2 refuses a contract that does not hold the ceremony’s point once', () => {
  expect(() => withOtherG2('contract HonkVerifier {}', insecureG2())).toThrow(RangeError);
});
