/**
 * INSECURE, for machines without ceremony points and network: makes a development reference string, proves the circuit
 * `response-open` on it, and checks the proof in an in-process EVM with that string's G2. It shows that circuit, prover and
 * contract work together, never that a statement is true.
 *
 *     npm run insecure-evm-check -- --bundle B --response R --service S --audience A --nonce HEX
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { solve, toTask } from '#prover/alice.ts';
import { loadArtifact } from '#prover/artifact.ts';
import { publicInputs } from '#prover/circuit-inputs.ts';
import { pointsNeeded } from '#test/evm/bb.ts';
import { checkInEvm } from '#test/evm/evm-check.ts';
import { fromBigEndian, fromHex } from '#verifier/bytes.ts';
import { writeInsecureSrs } from './dev-srs.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { bundle: text, response: text, service: text, audience: text, nonce: text },
});
const { bundle = '', response = '', service = '', audience = '', nonce = '' } = values;
const circuit = 'response-open';
const task = toTask({
  bundle: readFileSync(bundle),
  response: readFileSync(response),
  treeProof: readFileSync(service),
  audience,
  nonce: fromHex(nonce, '--nonce', 32),
  circuit,
});
const artifact = await loadArtifact(circuit);
const witness = await solve(task, artifact);
const srsFolder = mkdtempSync(join(tmpdir(), 'affidavit-insecure-srs-'));
try {
  const points = await pointsNeeded(artifact);
  const started = performance.now();
  await writeInsecureSrs(srsFolder, points);
  console.log(
    `made an INSECURE string of ${points} points in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  const inputs = publicInputs(circuit, task.statement).map(fromBigEndian);
  const outcome = await checkInEvm({ artifact, witness, publicInputs: inputs, srsFolder });
  const shown = {
    'the proof': [outcome.honest, true],
    'one changed bit of the proof': [outcome.changedProof, false],
    'one changed bit of the public inputs': [outcome.changedInput, false],
    'the proof, under the ceremony’s G2': [outcome.ceremonyG2, false],
  } as const;
  for (const [what, [{ accepted }, expected]] of Object.entries(shown)) {
    console.log(`${what}: ${accepted ? 'accepted' : 'refused'}`);
    if (accepted !== expected) process.exitCode = 1;
  }
} finally {
  rmSync(srsFolder, { recursive: true });
}
