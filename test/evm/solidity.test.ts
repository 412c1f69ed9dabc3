/**
 * What `affidavit solidity` writes, under the ceremony's own points, for the circuit that fits those
 * at hand: nothing is swapped in the contract here.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Noir } from '@noir-lang/noir_js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadArtifact } from '#prover/artifact.ts';
import { ceremonyG2 } from '#prover/ceremony.ts';
import { publicInputs, toResponseOpenKeyInputs } from '#prover/circuit-inputs.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import { solidity, solidityVerifier } from '#prover/solidity.ts';
import { statementOf, witnessOf } from '#test/circuits/scene.ts';
import {
  genuineG1,
  hasPoints,
  pointsIn,
  pointsMissing,
  sharedPoints,
} from '#test/prover/points.ts';
import { insecureG2, insecurePowers } from '#test/tools/dev-srs-points.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import { type EvmProof, proveForEvm } from './bb.ts';
import { compileContracts, deployVerifier } from './contract.ts';

const circuit = 'response-open-key';
const points = 2 ** 14 + 1;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-solidity-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the contract of response-open-key', () => {
  let contract: string;
  let made: EvmProof;

  beforeAll(async () => {
    if (!hasPoints) return;
    const artifact = await loadArtifact(circuit);
    contract = await solidityVerifier(artifact, { g1: genuineG1(points), g2: ceremonyG2 });
    const compiled = toCompiledCircuit(artifact);
    const { witness } = await new Noir(compiled).execute(toResponseOpenKeyInputs(witnessOf()));
    made = await proveForEvm(compiled, witness, pointsIn(join(folder, 'crs'), genuineG1(points)));
  });

  test('is the one that bb writes', ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    expect(contract).toBe(made.contract);
  });

  test('accepts a proof and refuses its changed twins', { timeout: 60_000 }, async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const verifier = await deployVerifier(compileContracts({ contract }).contract);
    const inputs = publicInputs(circuit, statementOf(witnessOf())).map((bytes) =>
      fieldFromBytes(bytes, 'public input'),
    );
    expect(await verifier.verify(made.proof, inputs)).toMatchObject({ accepted: true });
    for (const i of inputs.keys()) {
      const changed = inputs.with(i, (inputs[i] as bigint) ^ 1n);
      const { accepted } = await verifier.verify(made.proof, changed);
      expect({ i, accepted }).toEqual({ i, accepted: false });
    }
    const proof = made.proof.slice();
    proof[proof.length - 1] = (proof.at(-1) as number) ^ 1;
    expect(await verifier.verify(proof, inputs)).toMatchObject({ accepted: false });
  });
});

describe('solidity', () => {
  test('writes the contract to a file', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const out = join(folder, 'out.sol');
    await solidity({ circuit, crs: sharedPoints, out });
    const text = await readFile(out, 'utf8');
    expect(text).toMatch(/^uint256 constant N = 16384;$/m);
    expect(text).toContain('contract HonkVerifier is');
  });

  async function refused(g1: Bytes, g2: Bytes, code: string): Promise<void> {
    const crs = pointsIn(join(folder, code), g1, g2);
    const out = join(folder, `${code}.sol`);
    await expect(solidity({ circuit, crs, out })).rejects.toMatchObject({ code });
    await expect(stat(out)).rejects.toMatchObject({ code: 'ENOENT' });
  }

  test('refuses too few points, and writes nothing', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    await refused(genuineG1(points - 1), ceremonyG2, 'points-missing');
  });

  test('refuses a development string, and writes nothing', async () => {
    await refused(insecurePowers(0, points), insecureG2(), 'points-wrong');
  });
});

// Under the command's own check of the points there is Barretenberg's.
test('Barretenberg refuses a development string, with the ceremony’s G2 too', async () => {
  const artifact = await loadArtifact(circuit);
  const g1 = insecurePowers(0, points);
  for (const g2 of [insecureG2(), ceremonyG2]) {
    await expect(solidityVerifier(artifact, { g1, g2 })).rejects.toThrow(/canonical/);
  }
});
