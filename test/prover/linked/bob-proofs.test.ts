/** Bob on real proofs over the ceremony's genuine points: accepted, and refused when one thing is changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import {
  encodeLinkedProofFile,
  type LinkedProof,
  type LinkedProofFile,
} from '#prover/linked/proof-file.ts';
import { type LinkedStory, tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { hasPoints, pointsMissing } from '../points.ts';
import { openWorkbench, type Workbench } from './bob-real.ts';
import { type Row, rows, type Scenes } from './bob-rows.ts';
import {
  fileOf,
  nonce,
  resultOf,
  type Scene,
  sceneOf,
  verdictIn,
  withStatus,
} from './bob-scene.ts';

function proofIn(file: LinkedProofFile, part: 'key' | 'machine' | 'response'): LinkedProof {
  const found = file[part];
  if (!('proof' in found)) throw new Error('a key that is proved');
  return found.proof;
}

/** The same proofs, with the certificate in the place of the key's. */
function shownOf(story: LinkedStory, { file, tools }: Scene): Scene {
  const proofs = { 'tdx-quote': file.machine.proof, response: file.response.proof };
  return sceneOf(story, fileOf(story, { key: 'shown', response: 'hash' }, proofs), tools);
}

let bench: Workbench;
let scenes: Scenes;

beforeAll(async () => {
  if (!hasPoints) return;
  bench = await openWorkbench();
  const story = await tellLinkedStory();
  const another = await tellLinkedStory({ seed: 'another' });
  const scene = await bench.scene(story, { key: 'pck', response: 'hash' });
  scenes = {
    scene,
    member: await bench.scene(story, { key: 'member', response: 'hash' }),
    text: await bench.scene(story, { key: 'pck', response: 'text' }),
    shown: shownOf(story, scene),
    other: await bench.scene(another, { key: 'pck', response: 'hash' }),
  };
}, 600_000);

afterAll(async () => bench?.close());

describe.skipIf(!hasPoints)(`with real proofs (${hasPoints ? 'here' : pointsMissing})`, () => {
  test.for(['scene', 'member', 'text', 'shown', 'other'] as const)('accepts: %s', async (name) => {
    const verdict = await verdictIn(scenes[name]);
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });

  test('the file has room in 60 KB, whatever is shown', () => {
    const { file } = scenes.scene;
    const parts = Array.from({ length: 400 }, (_, i) => ({ at: 2 * i, bytes: Uint8Array.of(i) }));
    const bytes = new Uint8Array(32).fill(0xab);
    const hidden = { clientNonce: bytes, time: fakeNow, requestHash: bytes };
    const text = {
      kind: 'text' as const,
      proof: file.response.proof,
      service: 'a'.repeat(63),
      disclosure: { ...hidden, length: 800, shown: parts },
    };
    expect(encodeLinkedProofFile(file).length).toBeLessThan(52_000);
    expect(encodeLinkedProofFile({ ...file, response: text }).length).toBeLessThan(60_000);
  });

  test.for(rows)('refuses $name', async ({ changes, failing, decision, of = 'scene' }: Row) => {
    const verdict = await verdictIn(scenes[of], changes(scenes));
    expect(withStatus('fail', verdict)).toEqual(failing);
    expect(verdict.decision).toBe(decision);
  });

  test('refuses the proof of one circuit in the place of another’s', async () => {
    const { file, ...scene } = scenes.scene;
    const artifactOf = (one: { artifact: string }, proof: Bytes) => ({ ...one, proof });
    const swapped = {
      ...file,
      machine: {
        ...file.machine,
        proof: artifactOf(file.machine.proof, file.response.proof.proof),
      },
      response: {
        ...file.response,
        proof: artifactOf(file.response.proof, file.machine.proof.proof),
      },
    };
    const verdict = await verdictIn({ ...scene, file }, { file: () => swapped });
    expect(withStatus('fail', verdict)).toEqual(['link.machine', 'link.response']);
    expect(verdict.decision).toBe('invalid');
  });

  test('refuses each proof of another machine in the place of its own', async () => {
    const { scene, other } = scenes;
    const swap = (part: 'key' | 'machine' | 'response') => ({
      ...scene.file,
      [part]: { ...scene.file[part], proof: proofIn(other.file, part) },
    });
    for (const [part, id] of [
      ['key', 'link.key'],
      ['machine', 'link.machine'],
      ['response', 'link.response'],
    ] as const) {
      const verdict = await verdictIn(scene, { file: () => swap(part) });
      expect(withStatus('fail', verdict)).toEqual([id]);
    }
  });

  test('refuses under the key of another circuit', async () => {
    const { tools } = scenes.scene;
    const key = (circuit: LinkedCircuitName) =>
      tools.key(circuit === 'tdx-quote' ? 'response' : circuit);
    const verdict = await verdictIn(scenes.scene, { tools: { key } });
    expect(withStatus('fail', verdict)).toEqual(['link.machine']);
  });

  test.for([0, 31, 458 * 16, 458 * 32 - 1])('refuses a proof with byte %i changed', async (at) => {
    const flipped = (bytes: Bytes) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const verdict = await verdictIn(scenes.scene, {
      file: (file) => ({
        ...file,
        machine: {
          ...file.machine,
          proof: { ...file.machine.proof, proof: flipped(file.machine.proof.proof) },
        },
      }),
    });
    expect(verdict.decision).toBe('invalid');
    expect(withStatus('pass', verdict)).not.toContain('link.machine');
  });

  test('refuses a replay of the nonce', async () => {
    const drawn = new Set([toHex(nonce)]);
    const spend = async (one: Bytes) => drawn.delete(toHex(one));
    const changes = { demands: { challenge: 'register' }, tools: { spend } } as const;
    expect((await verdictIn(scenes.scene, changes)).decision).toBe('accepted');
    expect(withStatus('fail', await verdictIn(scenes.scene, changes))).toEqual(['link.challenge']);
  });

  test('is undecided without the root’s list', async () => {
    const verdict = await verdictIn(scenes.scene, { intel: { rootCrls: [] } });
    expect(verdict.decision).toBe('undecided');
    expect(resultOf('link.issuer-crl', verdict).status).toBe('skip');
  });
});
