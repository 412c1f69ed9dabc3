/**
 * The linked circuits that need more ceremony points than are at hand, proved and checked with their real pairing on one
 * development string of 2^18 + 1 points, which takes a minute to make.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Noir } from '@noir-lang/noir_js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { circuitPin, loadArtifact } from '#prover/artifact.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import {
  pckInputs,
  quoteInputs,
  responseInputs,
  textInputs,
} from '#prover/linked/public-inputs.ts';
import { type LinkedStory, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { writeInsecureSrs } from '#test/tools/dev-srs.ts';
import { fieldFromBytes } from '#verifier/field.ts';
import { checkInEvm } from './evm-check.ts';

const names = ['tdx-pck', 'tdx-quote', 'response', 'response-text'] as const;

let srsFolder: string;
let story: LinkedStory;
beforeAll(async () => {
  srsFolder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  const pins = await Promise.all(names.map((name) => circuitPin(name)));
  await writeInsecureSrs(srsFolder, Math.max(...pins.map(({ points }) => points)));
  story = await tellLinkedStory();
});
afterAll(() => rm(srsFolder, { recursive: true }));

/** The checker rebuilds them from his own data; the circuit's word for them is not used. */
const rebuilt = ({ statements }: LinkedStory) => ({
  'tdx-pck': pckInputs(statements['tdx-pck']),
  'tdx-quote': quoteInputs(statements['tdx-quote']),
  response: responseInputs(statements.response),
  'response-text': textInputs(statements['response-text']),
});

test.each(names)('%s is accepted, its changed twins are not', async (name) => {
  const artifact = toCompiledCircuit(await loadArtifact(name));
  const { witness } = await new Noir(artifact).execute(story.inputs[name]);
  const publicInputs = rebuilt(story)[name].map((bytes) => fieldFromBytes(bytes, 'public input'));
  const check = await checkInEvm({ artifact, witness, publicInputs, srsFolder });
  expect(check.honest).toMatchObject({ accepted: true, reason: null });
  expect(check.changedProof).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.changedInput).toMatchObject({ accepted: false, reason: 'SumcheckFailed' });
  expect(check.ceremonyG2).toMatchObject({ accepted: false, reason: 'ShpleminiFailed' });
});
