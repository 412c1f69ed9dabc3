/**
 * Real proofs about the story, small enough for the ceremony's points that tests have: the test-size builds, which leave out the
 * vendor's and the service's signatures but have the same public inputs and commitments, and the shipped vek-member. Bob gets their
 * hashes and keys through the same port as those of the shipped circuits.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InputMap, Noir } from '@noir-lang/noir_js';
import { loadArtifact } from '#prover/artifact.ts';
import type { Backend } from '#prover/backend.ts';
import { ceremonyG2, pointLength } from '#prover/ceremony.ts';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import type { Compiled } from '#prover/compile.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import type { LinkedTools } from '#prover/linked/bob.ts';
import { openBackend } from '#prover/native-backend.ts';
import { compiledForTests } from '#test/circuits/compiled.ts';
import type { LinkedStory, TestCircuit } from '#test/circuits/linked/scene.ts';
import type { SnpStory } from '#test/circuits/linked/snp-scene.ts';
import type { TdxCircuitName } from '#test/circuits/linked/test-size.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { genuineG1 } from '../points.ts';
import { provenSnpScene, type SnpProven, snpInputsOf } from './bob-real-snp.ts';
import { fileOf, type Kinds, type Proofs, type Scene, sceneOf } from './bob-scene.ts';
import type { SnpKeyKind } from './bob-scene-snp.ts';

const tdxBuilds = {
  'tdx-pck': 'linked_pck',
  'tdx-quote': 'linked_quote',
  response: 'linked_response',
  'response-text': 'linked_text',
} as const satisfies Partial<Record<LinkedCircuitName, TestCircuit>>;
const builds = {
  ...tdxBuilds,
  'snp-vek': 'linked_vek',
  'snp-report': 'linked_snp',
} as const satisfies Record<Exclude<LinkedCircuitName, 'vek-member'>, string>;

type Proof = { artifact: string; proof: Bytes };

export type Workbench = {
  readonly tools: LinkedTools;
  /** Of those that a TDX machine is proved with. */
  compiled(circuit: TdxCircuitName): Compiled;
  prove(story: LinkedStory, circuit: TdxCircuitName): Promise<Proof>;
  /** A scene whose proofs are real. */
  scene(story: LinkedStory, kinds: Kinds): Promise<Scene>;
  /** The same of a machine of AMD; its two circuits are compiled when first asked for. */
  snpScene(story: SnpStory, key: SnpKeyKind): Promise<SnpProven>;
  close(): Promise<void>;
};

type Made = { readonly compiled: Compiled; readonly key: Bytes };

/** Takes a minute: compiles four circuits. */
export async function openWorkbench(): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-linked-'));
  const g1 = genuineG1();
  const points = { g1, g2: ceremonyG2, count: g1.length / pointLength };
  const backend = await openBackend('native', points, folder);
  const ready = await makeAll(backend);
  const later = new Map<LinkedCircuitName, Promise<Made>>();
  const made = (circuit: LinkedCircuitName): Promise<Made> => {
    if (circuit !== 'snp-vek' && circuit !== 'snp-report') return Promise.resolve(ready[circuit]);
    const making = later.get(circuit) ?? makeOne(backend, circuit);
    later.set(circuit, making);
    return making;
  };
  const tools: LinkedTools = {
    artifactHash: async (circuit) => (await made(circuit)).compiled.artifactHash,
    key: async (circuit) => (await made(circuit)).key,
    verify: backend.verify,
    crypto: nodeCrypto,
  };
  const proveInputs = async (circuit: LinkedCircuitName, inputs: InputMap): Promise<Proof> => {
    const { compiled, key } = await made(circuit);
    const { witness } = await new Noir(toCompiledCircuit(compiled)).execute(inputs);
    const proof = await backend.prove(compiled, witness, key);
    return { artifact: compiled.artifactHash, proof };
  };
  const prove: Workbench['prove'] = (story, circuit) =>
    proveInputs(
      circuit,
      circuit === 'vek-member' ? story.inputs[circuit] : story.testInputs[tdxBuilds[circuit]],
    );
  const keyCircuit = { pck: 'tdx-pck', member: 'vek-member', shown: null } as const;
  return {
    tools,
    compiled: (circuit) => ready[circuit].compiled,
    prove,
    async scene(story, kinds) {
      const circuit = keyCircuit[kinds.key];
      const response = kinds.response === 'hash' ? 'response' : 'response-text';
      const proofs = {
        ...(circuit !== null && { [circuit]: await prove(story, circuit) }),
        'tdx-quote': await prove(story, 'tdx-quote'),
        [response]: await prove(story, response),
      };
      return sceneOf(story, fileOf(story, kinds, proofs), tools);
    },
    async snpScene(story, key) {
      const inputs = snpInputsOf(story, key);
      const proofs: Proofs = {};
      for (const circuit of ['snp-vek', 'vek-member', 'snp-report', 'response'] as const) {
        const given = inputs[circuit];
        if (given !== undefined) proofs[circuit] = await proveInputs(circuit, given);
      }
      return provenSnpScene(story, key, proofs, tools);
    },
    async close() {
      await backend.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function makeAll(backend: Backend): Promise<Record<TdxCircuitName, Made>> {
  return {
    'tdx-pck': await makeOne(backend, 'tdx-pck'),
    'tdx-quote': await makeOne(backend, 'tdx-quote'),
    response: await makeOne(backend, 'response'),
    'response-text': await makeOne(backend, 'response-text'),
    'vek-member': await makeOne(backend, 'vek-member'),
  };
}

async function makeOne(backend: Backend, circuit: LinkedCircuitName): Promise<Made> {
  const compiled =
    circuit === 'vek-member'
      ? await loadArtifact(circuit)
      : await compiledForTests(builds[circuit]);
  return { compiled, key: await backend.deriveKey(compiled) };
}
