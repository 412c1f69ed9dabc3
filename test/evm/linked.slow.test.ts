/**
 * The linked circuits that need more ceremony points than are at hand, proved and checked with their real pairing on one
 * development string of 2^19 + 1 points, which takes minutes to make.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Noir } from '@noir-lang/noir_js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { circuitPin, loadArtifact } from '#prover/artifact.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import {
  machineInputs,
  pckInputs,
  responseInputs,
  textInputs,
} from '#prover/linked/public-inputs.ts';
import { type LinkedStory, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { snpJobs } from '#test/circuits/linked/snp-jobs.ts';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import { checkInEvm } from './evm-check.ts';

const names = [
  'tdx-pck',
  'tdx-quote',
  'response',
  'response-text',
  'snp-vek',
  'snp-report',
] as const;

let srsFolder: string;
let jobs: Awaited<ReturnType<typeof jobsOf>>;
beforeAll(async () => {
  srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  const pins = await Promise.all(names.map((name) => circuitPin(name)));
  await writeInsecureSrs(srsFolder, Math.max(...pins.map(({ points }) => points)));
  jobs = await jobsOf(await tellLinkedStory());
});
afterAll(() => rm(srsFolder, { recursive: true }));

/** The checker rebuilds the public inputs from his own data; the circuit's word for them is not used. */
async function jobsOf({ statements, inputs }: LinkedStory) {
  const rebuilt = {
    'tdx-pck': pckInputs(statements['tdx-pck']),
    'tdx-quote': machineInputs(statements['tdx-quote']),
    response: responseInputs(statements.response),
    'response-text': textInputs(statements['response-text']),
  };
  const jobOf = (name: keyof typeof rebuilt) => ({
    inputs: inputs[name],
    publicInputs: rebuilt[name],
  });
  return {
    ...(await snpJobs()),
    'tdx-pck': jobOf('tdx-pck'),
    'tdx-quote': jobOf('tdx-quote'),
    response: jobOf('response'),
    'response-text': jobOf('response-text'),
  };
}

test.each(names)('%s is accepted, its changed twins are not', async (name) => {
  const artifact = toCompiledCircuit(await loadArtifact(name));
  const { witness } = await new Noir(artifact).execute(jobs[name].inputs);
  const publicInputs = jobs[name].publicInputs.map((bytes) =>
    fieldFromBytes(bytes, 'public input'),
  );
  const check = await checkInEvm({ artifact, witness, publicInputs, srsFolder });
  expect(check.honest).toMatchObject({ accepted: true, reason: null });
  expect(check.changedProof).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.changedInput).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.ceremonyG2).toMatchObject({ accepted: false, reason: 'ShpleminiFailed' });
});
