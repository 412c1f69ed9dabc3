/**
 * The circuit of Alice's proof, which needs more ceremony points than are at hand, proved and checked
 * with its real pairing on a development string of 2^16 + 1 points.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Noir } from '@noir-lang/noir_js';
import { expect, onTestFinished, test } from 'vitest';
import { circuitPin, loadArtifact } from '#prover/artifact.ts';
import { publicInputs, toResponseOpenInputs } from '#prover/circuit-inputs.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import { statementOf, witnessOf } from '#test/circuits/scene.ts';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import { checkInEvm } from './evm-check.ts';

test('response-open is accepted, its changed twins are not', { timeout: 180_000 }, async () => {
  const srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  onTestFinished(() => rm(srsFolder, { recursive: true }));
  const { points } = await circuitPin('response-open');
  await writeInsecureSrs(srsFolder, points);

  const artifact = toCompiledCircuit(await loadArtifact('response-open'));
  const alice = witnessOf();
  const { witness } = await new Noir(artifact).execute(toResponseOpenInputs(alice));
  // Bob rebuilds them from his own data; the circuit's word for them is not used.
  const inputs = publicInputs('response-open', statementOf(alice));
  const check = await checkInEvm({
    artifact,
    witness,
    publicInputs: inputs.map((bytes) => fieldFromBytes(bytes, 'public input')),
    srsFolder,
  });
  expect(check.honest).toMatchObject({ accepted: true, reason: null });
  expect(check.changedProof).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.changedInput).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.ceremonyG2).toMatchObject({ accepted: false, reason: 'ShpleminiFailed' });
  expect(check.proofLength).toBe(8768);
});
