/** Figures of proving: each circuit natively, the small one in wasm, and Bob's whole check. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBundle } from '#agent/evidence.ts';
import { solve, toTask } from '#prover/alice.ts';
import { loadArtifact } from '#prover/artifact.ts';
import type { Backend } from '#prover/backend.ts';
import { publicInputs } from '#prover/circuit-inputs.ts';
import type { OpenCircuitName } from '#prover/circuit-names.ts';
import type { BackendKind } from '#prover/costs.ts';
import { ProverError } from '#prover/errors.ts';
import { defaultBackend, openBackend } from '#prover/native-backend.ts';
import { createProgress } from '#prover/progress.ts';
import { openWorkshop } from '#prover/workshop.ts';
import { pointsNeeded } from '#test/evm/bb.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { encodeBundle } from '#verifier/abi/bundle.ts';
import { encodeResponse, signResponse } from '#verifier/abi/response.ts';
import { buildTreeProof, encodeTreeProof } from '#verifier/abi/tree-proof.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { line, median, ms } from './bench-figures.ts';
import { writeInsecureSrs } from './dev-srs.ts';

const nonce = new Uint8Array(32).fill(7);

async function taskFor(circuit: OpenCircuitName) {
  const logger = { info() {}, warn() {}, error() {} };
  const { state, source, secretKeys } = await createInsecureAgent({ logger });
  const now = () => Math.floor(Date.now() / 1000);
  const bundle = await makeBundle({
    state,
    source,
    nonce,
    channel: null,
    now,
    random: (n) => new Uint8Array(n),
  });
  const hello = utf8('hello');
  const content = { service: 'echo-node', nonce, time: now(), request: hello, body: hello };
  const service = state.services.find(({ name }) => name === 'echo-node') ?? null;
  return toTask({
    bundle: utf8(encodeBundle(bundle)),
    response: utf8(encodeResponse(signResponse(content, secretKeys['echo-node'] as Bytes))),
    treeProof: utf8(
      JSON.stringify(encodeTreeProof(buildTreeProof(state.tree, 'echo-node', service))),
    ),
    audience: 'bob.example',
    nonce,
    circuit,
  });
}

async function benchCircuit(
  circuit: OpenCircuitName,
  backend: Backend,
  what: string,
  promise: string,
): Promise<void> {
  const task = await taskFor(circuit);
  const artifact = await loadArtifact(circuit);
  const witness = await solve(task, artifact);
  const started = performance.now();
  const key = await backend.deriveKey(artifact);
  const derived = performance.now() - started;
  const inputs = publicInputs(circuit, task.statement);
  const proving: number[] = [];
  const checking: number[] = [];
  let holds = true;
  for (let round = 0; round < 5; round++) {
    const at = performance.now();
    const proof = await backend.prove(artifact, witness, key);
    const proved = performance.now();
    holds = await backend.verify(key, proof, inputs);
    proving.push(proved - at);
    checking.push(performance.now() - proved);
  }
  line(`${what}: prove`, ms(median(proving)), promise);
  line(
    `${what}: check`,
    ms(median(checking)),
    holds ? '100 ms or less' : 'refused, as it must be on such points',
  );
  line(`${what}: derive the key, once`, ms(derived));
}

/** With the ceremony's points where they are at hand, else on a development string, whose proofs no product accepts. */
export async function benchProofs(): Promise<void> {
  const workshop = openWorkshop(
    { offline: true },
    createProgress(process.stderr, () => performance.now()),
  );
  const kinds: BackendKind[] = defaultBackend() === 'native' ? ['native', 'wasm'] : ['wasm'];
  try {
    const points = await workshop.points('response-open-key');
    for (const kind of kinds) {
      const backend = await openBackend(kind, points, workshop.cache);
      await benchCircuit(
        'response-open-key',
        backend,
        `response-open-key, ${kind}`,
        kind === 'native' ? '1.0 s or less' : '',
      );
      await backend.close();
    }
  } catch (error) {
    if (!(error instanceof ProverError)) throw error;
    console.log(`response-open-key is left out: ${error.message}`);
  }
  if (kinds[0] !== 'native') return;
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-bench-'));
  try {
    await writeInsecureSrs(folder, await pointsNeeded(await loadArtifact('response-open')));
    const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
    const points = { g1: read('bn254_g1.dat'), g2: read('bn254_g2.dat') };
    const backend = await openBackend('native', points, folder);
    await benchCircuit(
      'response-open',
      backend,
      'response-open, native, development string',
      '2.5 s or less',
    );
    await backend.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
