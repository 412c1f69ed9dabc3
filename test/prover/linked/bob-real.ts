/**
 * Real proofs about the story, small enough for the ceremony's points that tests have: the test-size builds, which leave out the
 * vendor's and the service's signatures but have the same public inputs and commitments, and the shipped vek-member. Bob gets their
 * hashes and keys through the same port as those of the shipped circuits.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Noir } from '@noir-lang/noir_js';
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
import type { Bytes } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { genuineG1 } from '../points.ts';
import { fileOf, type Kinds, type Scene, sceneOf } from './bob-scene.ts';

const builds: Record<Exclude<LinkedCircuitName, 'vek-member'>, TestCircuit> = {
  'tdx-pck': 'linked_pck',
  'tdx-quote': 'linked_quote',
  response: 'linked_response',
  'response-text': 'linked_text',
};

export type Workbench = {
  readonly tools: LinkedTools;
  compiled(circuit: LinkedCircuitName): Compiled;
  prove(
    story: LinkedStory,
    circuit: LinkedCircuitName,
  ): Promise<{ artifact: string; proof: Bytes }>;
  /** A scene whose three proofs are real. */
  scene(story: LinkedStory, kinds: Kinds): Promise<Scene>;
  close(): Promise<void>;
};

type Made = { readonly compiled: Compiled; readonly key: Bytes };

/** Takes a minute: compiles four circuits. */
export async function openWorkbench(): Promise<Workbench> {
  const folder = mkdtempSync(join(tmpdir(), 'affidavit-linked-'));
  const g1 = genuineG1();
  const points = { g1, g2: ceremonyG2, count: g1.length / pointLength };
  const backend = await openBackend('native', points, folder);
  const made = await makeAll(backend);
  const tools: LinkedTools = {
    artifactHash: async (circuit) => made[circuit].compiled.artifactHash,
    key: async (circuit) => made[circuit].key,
    verify: backend.verify,
    crypto: nodeCrypto,
  };
  const prove: Workbench['prove'] = async (story, circuit) => {
    const { compiled, key } = made[circuit];
    const { witness } = await new Noir(toCompiledCircuit(compiled)).execute(
      circuit === 'vek-member' ? story.inputs[circuit] : story.testInputs[builds[circuit]],
    );
    const proof = await backend.prove(compiled, witness, key);
    return { artifact: compiled.artifactHash, proof };
  };
  return {
    tools,
    compiled: (circuit) => made[circuit].compiled,
    prove,
    async scene(story, kinds) {
      const circuit = kinds.key === 'pck' ? 'tdx-pck' : 'vek-member';
      const response = kinds.response === 'hash' ? 'response' : 'response-text';
      const proofs = {
        [circuit]: await prove(story, circuit),
        'tdx-quote': await prove(story, 'tdx-quote'),
        [response]: await prove(story, response),
      };
      return sceneOf(story, fileOf(story, kinds, proofs), tools);
    },
    async close() {
      await backend.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function makeAll(backend: Backend): Promise<Record<LinkedCircuitName, Made>> {
  const make = async (compiled: Compiled): Promise<Made> => ({
    compiled,
    key: await backend.deriveKey(compiled),
  });
  return {
    'tdx-pck': await make(await compiledForTests('linked_pck')),
    'tdx-quote': await make(await compiledForTests('linked_quote')),
    response: await make(await compiledForTests('linked_response')),
    'response-text': await make(await compiledForTests('linked_text')),
    'vek-member': await make(await loadArtifact('vek-member')),
  };
}
