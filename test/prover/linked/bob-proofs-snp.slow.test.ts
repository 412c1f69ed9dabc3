/** Bob on real proofs about a machine of AMD, over the ceremony's genuine points: accepted, and refused when one thing is changed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeLinkedProofFile, type LinkedProofFile } from '#prover/linked/proof-file.ts';
import { tellLinkedStory } from '#test/circuits/linked/scene.ts';
import { tellSnpStory } from '#test/circuits/linked/snp-scene.ts';
import type { LinkedCheckId } from '#verifier/catalogue/linked.ts';
import { hasPoints, pointsMissing } from '../points.ts';
import { openWorkbench, type Workbench } from './bob-real.ts';
import type { SnpProven } from './bob-real-snp.ts';
import { type Scene, verdictIn, withStatus } from './bob-scene.ts';

const kinds = ['vek', 'member', 'shown', 'vlek', 'turin'] as const;
type Name = (typeof kinds)[number];

let bench: Workbench;
let scenes: Record<Name, SnpProven>;
let tdx: Scene;

beforeAll(async () => {
  if (!hasPoints) return;
  bench = await openWorkbench();
  const milan = await tellSnpStory();
  scenes = {
    vek: await bench.snpScene(milan, 'vek'),
    member: await bench.snpScene(milan, 'member'),
    shown: await bench.snpScene(milan, 'shown'),
    vlek: await bench.snpScene(await tellSnpStory({ kind: 'vlek' }), 'vek'),
    turin: await bench.snpScene(await tellSnpStory({ product: 'Turin' }), 'vek'),
  };
  tdx = await bench.scene(await tellLinkedStory(), { key: 'member', response: 'hash' });
}, 900_000);

afterAll(async () => bench?.close());

type Part = 'key' | 'machine' | 'response';

/** The proof of a part of one file in another. */
function swapped(part: Part, { [part]: found }: LinkedProofFile) {
  if (!('proof' in found)) throw new Error('a part that is proved');
  const { proof } = found;
  return (file: LinkedProofFile) => ({ ...file, [part]: { ...file[part], proof } });
}

describe.skipIf(!hasPoints)(`with real proofs (${hasPoints ? 'here' : pointsMissing})`, () => {
  test.for(kinds)('accepts: %s', async (name) => {
    const verdict = await verdictIn(scenes[name]);
    expect(withStatus('fail', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });

  test.for(kinds)('the file has room in 60 KB: %s', (name) => {
    expect(encodeLinkedProofFile(scenes[name].file).length).toBeLessThan(60_000);
  });

  test.for<[Part, LinkedCheckId, () => LinkedProofFile]>([
    ['key', 'link.key', () => scenes.turin.file],
    ['machine', 'link.machine', () => scenes.turin.file],
    // Of one guest on two machines C_att differs by its salt alone, which this story has not drawn anew.
    ['response', 'link.response', () => tdx.file],
  ])('refuses the %s of another machine', async ([part, id, from]) => {
    const verdict = await verdictIn(scenes.vek, { file: swapped(part, from()) });
    expect(withStatus('fail', verdict)).toEqual([id]);
  });

  test('refuses the proof of a VLEK as that of a VCEK', async () => {
    const { file } = scenes.vlek;
    const { key } = scenes.vek.file;
    if (key.kind !== 'vek' || file.key.kind !== 'vek') throw new Error('certified keys');
    const mixed = { ...file, key: { ...file.key, issuer: key.issuer } };
    const demands = { key: scenes.vek.settings.demands.key };
    const verdict = await verdictIn(scenes.vlek, { file: () => mixed, demands });
    expect(withStatus('fail', verdict)).toEqual(['link.key']);
  });

  test('refuses a salt, a C_key and a time that were not proved', async () => {
    const salted = await verdictIn(scenes.shown, {
      file: (file) => ({ ...file, key: { ...file.key, salt: 5n } as LinkedProofFile['key'] }),
    });
    expect(withStatus('fail', salted)).toEqual(['link.key']);
    const linked = await verdictIn(scenes.vek, {
      file: (file) => ({ ...file, keyCommitment: 5n }),
    });
    expect(withStatus('fail', linked)).toEqual(['link.key', 'link.machine']);
    const dated = await verdictIn(scenes.vek, {
      file: (file) => ({
        ...file,
        machine: { ...file.machine, epochMin: file.machine.epochMin + 1 },
      }),
    });
    expect(withStatus('fail', dated)).toEqual(['link.machine']);
  });

  test('refuses a machine of Intel as one of AMD', async () => {
    const circuit = 'snp-report';
    const { artifact } = scenes.member.file.machine.proof;
    const verdict = await verdictIn(tdx, {
      file: (file) => ({
        ...file,
        machine: { ...file.machine, circuit, proof: { ...file.machine.proof, artifact } },
      }),
    });
    expect(withStatus('fail', verdict)).toEqual(['link.machine']);
  });
});
