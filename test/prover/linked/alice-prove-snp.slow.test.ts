/** Alice's real code path with real proofs about an SEV-SNP guest: the command, on test-size builds and the ceremony's points. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { circuitTime } from '#prover/linked/attestation-jobs.ts';
import type { KeyWanted } from '#prover/linked/attestation-task.ts';
import { type LinkedProofFile, parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import { machineInputs, memberInputs, pckInputs } from '#prover/linked/public-inputs.ts';
import { encodeSet, type LinkedSet } from '#prover/linked/sets.ts';
import { proveMachine } from '#prover/prove-attestation-command.ts';
import { proveResponse } from '#prover/prove-response-command.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { hasPoints, pointsMissing } from '../points.ts';
import { fakeNow } from './alice-scene.ts';
import {
  type AliceSnpScene,
  aliceSnpScene,
  type SnpSceneOptions,
  snpVekSetOf,
} from './alice-snp-scene.ts';
import { openTestTools, type TestTools } from './alice-test-size.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-alice-snp-'));
const path = (name: string) => join(folder, name);
let tools: TestTools;

beforeAll(async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  if (!hasPoints) return;
  const circuits = ['snp-vek', 'snp-report', 'vek-member', 'response'] as const;
  tools = await openTestTools(path('cache'), circuits);
}, 600_000);

afterAll(async () => {
  vi.restoreAllMocks();
  await tools?.close();
  rmSync(folder, { recursive: true });
});

/** What the command makes of the scene, from its files. */
async function proved(scene: AliceSnpScene, key: KeyWanted['kind']): Promise<LinkedProofFile> {
  const { accepted, levels, revoked, epochMin, epochMax } = scene.inputs;
  for (const set of [accepted, levels, revoked, snpVekSetOf(scene)] satisfies LinkedSet[]) {
    writeFileSync(path(set.kind), encodeSet(set));
  }
  for (const [name, content] of Object.entries(scene.files)) writeFileSync(path(name), content);
  writeFileSync(path('roots.pem'), scene.hierarchy.rootsPem());
  rmSync(path('mine.json'), { force: true });
  rmSync(path('proof.json'), { force: true });
  await proveMachine(
    {
      bundle: path('bundle'),
      accepted: path('accepted'),
      levels: path('levels'),
      revoked: path('revoked'),
      key,
      ...(key === 'member' && { veks: path('veks') }),
      epochMin: formatTime(epochMin),
      epochMax: formatTime(epochMax),
      at: formatTime(fakeNow),
      insecureRoot: path('roots.pem'),
      outSecret: path('mine.json'),
    },
    () => tools,
  );
  await proveResponse(
    {
      attestation: path('mine.json'),
      response: path('response'),
      service: path('treeProof'),
      audience: 'bob.example',
      nonce: 'b0'.repeat(32),
      out: path('proof.json'),
    },
    () => tools,
  );
  return parseLinkedProofFile(new Uint8Array(readFileSync(path('proof.json'))));
}

/** Whether the proof about the key holds for what the checker would rebuild; null where there is none. */
async function keyHolds(file: LinkedProofFile, scene: AliceSnpScene): Promise<boolean | null> {
  const { key, keyCommitment } = file;
  switch (key.kind) {
    case 'vek': {
      const at = circuitTime(key.at);
      const inputs = pckInputs({ issuer: scene.facts.issuer, at, keyCommitment });
      return tools.verify('snp-vek', key.proof.proof, inputs);
    }
    case 'member': {
      const veks = snpVekSetOf(scene).root;
      return tools.verify('vek-member', key.proof.proof, memberInputs({ veks, keyCommitment }));
    }
    case 'pck':
      return false;
    case 'shown':
      return null;
  }
}

function machineHolds(file: LinkedProofFile, scene: AliceSnpScene, nonce: Bytes): Promise<boolean> {
  const { machine, keyCommitment, attestation } = file;
  const { accepted, levels, revoked, epochMin, epochMax } = scene.inputs;
  const sets = { accepted: accepted.root, levels: levels.root, revoked: revoked.root };
  const asked = { ...sets, epochMin, epochMax, nonce };
  const inputs = machineInputs({ ...asked, keyCommitment, attestation });
  return tools.verify('snp-report', machine.proof.proof, inputs);
}

describe('Alice proves an SEV-SNP guest', () => {
  const rows: [string, SnpSceneOptions, KeyWanted['kind'], boolean | null][] = [
    ['of Milan, its VCEK certified', {}, 'certified', true],
    ['of Turin, its VCEK certified', { product: 'Turin' }, 'certified', true],
    [
      'of Genoa, its VLEK certified',
      { product: 'Genoa', fields: { signingKey: 'vlek' } },
      'certified',
      true,
    ],
    ['of Milan, its VCEK one of a set', {}, 'member', true],
    ['of Milan, its VCEK shown', {}, 'shown', null],
  ];

  test.for(rows)('%s', { timeout: 120_000 }, async ([, options, key, expected], { skip }) => {
    skip(!hasPoints, pointsMissing);
    const scene = await aliceSnpScene(options);
    const before = tools.proved.length;
    const file = await proved(scene, key);
    const circuits = { certified: ['snp-vek'], member: ['vek-member'], shown: [] }[key];
    expect(tools.proved.slice(before)).toEqual([...circuits, 'snp-report', 'response']);
    expect(file.machine.circuit).toBe('snp-report');
    expect(await keyHolds(file, scene)).toBe(expected);
    const { nonce } = scene.inputs.bundle;
    expect(await machineHolds(file, scene, nonce)).toBe(true);
    expect(await machineHolds(file, scene, new Uint8Array(32))).toBe(false);
  });
});
