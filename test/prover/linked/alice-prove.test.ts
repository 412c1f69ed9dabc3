/** Alice's real code path with real proofs: both commands, on test-size builds and the ceremony's points. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { audienceHash } from '#prover/circuit-inputs.ts';
import { circuitTime } from '#prover/linked/attestation-jobs.ts';
import { readMessage } from '#prover/linked/bob-message.ts';
import { issuerTdx } from '#prover/linked/formulas.ts';
import { parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import {
  machineInputs,
  memberInputs,
  pckInputs,
  responseInputs,
} from '#prover/linked/public-inputs.ts';
import { acceptedSet, encodeSet, type LinkedSet } from '#prover/linked/sets.ts';
import type { ProvingTools } from '#prover/linked/stages.ts';
import { type ProveAttestationOptions, proveMachine } from '#prover/prove-attestation-command.ts';
import { type ProveResponseOptions, proveResponse } from '#prover/prove-response-command.ts';
import { encodeBundle } from '#verifier/abi/bundle.ts';
import { parseResponse, responseHash } from '#verifier/abi/response.ts';
import { serviceId } from '#verifier/abi/service.ts';
import { type Bytes, fromHex, isZero } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';
import { hasPoints, pointsMissing } from '../points.ts';
import {
  type AliceScene,
  aliceScene,
  attestationNonce,
  fakeNow,
  origin,
  vekSetOf,
} from './alice-scene.ts';
import { openTestTools, type TestTools } from './alice-test-size.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-alice-'));
const path = (name: string) => join(folder, name);
const nonceHex = 'b0'.repeat(32);
vi.setConfig({ testTimeout: 120_000 });

let scene: AliceScene;
let tools: TestTools;
/** What the commands said of how they go on. */
let said: string;

beforeAll(async () => {
  if (!hasPoints) return;
  scene = await aliceScene();
  const { accepted, levels, revoked } = scene.inputs;
  for (const set of [accepted, levels, revoked, vekSetOf(scene)] satisfies LinkedSet[]) {
    writeFileSync(path(`${set.kind}.json`), encodeSet(set));
  }
  for (const [name, content] of Object.entries(scene.files)) writeFileSync(path(name), content);
  const others = acceptedSet(accepted.entries.slice(1), origin);
  writeFileSync(path('others.json'), encodeSet(others));
  const evidence = scene.requote();
  writeFileSync(path('other-bundle'), encodeBundle({ ...scene.inputs.bundle, evidence }));
  writeFileSync(path('roots.pem'), scene.story.intel.rootsPem());
  tools = await openTestTools(path('cache'), [
    'tdx-pck',
    'tdx-quote',
    'response',
    'response-text',
    'vek-member',
  ]);
}, 600_000);

beforeEach(() => {
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});

afterAll(async () => {
  vi.restoreAllMocks();
  await tools?.close();
  rmSync(folder, { recursive: true });
});

function attest(changes: Partial<ProveAttestationOptions>, by: ProvingTools = tools) {
  const { epochMin, epochMax } = scene.inputs;
  const options = {
    bundle: path('bundle'),
    attestationNonce: Buffer.from(attestationNonce).toString('hex'),
    accepted: path('accepted.json'),
    levels: path('levels.json'),
    revoked: path('revoked.json'),
    epochMin: formatTime(epochMin),
    epochMax: formatTime(epochMax),
    at: formatTime(fakeNow),
    insecureRoot: path('roots.pem'),
    outSecret: path('mine.json'),
  };
  return proveMachine({ ...options, ...changes }, () => by);
}

function answer(changes: Partial<ProveResponseOptions> = {}) {
  const options = {
    attestation: path('mine.json'),
    response: path('response'),
    service: path('treeProof'),
    audience: 'bob.example',
    nonce: nonceHex,
    out: path('proof.json'),
  };
  return proveResponse({ ...options, ...changes }, () => tools);
}

/** The same tools, killed when they begin with this circuit. */
function killedAt(circuit: string): ProvingTools {
  const open: ProvingTools['open'] = (name) => {
    if (name === circuit) throw new Error('killed');
    return tools.open(name);
  };
  return { ...tools, open };
}

/** What Bob rebuilds from his own data, and whether each proof holds for it. */
async function bobSays(change: { audience?: string; epochMax?: number; swapped?: boolean } = {}) {
  const file = parseLinkedProofFile(new Uint8Array(readFileSync(path('proof.json'))));
  const { keyCommitment, attestation, key, machine } = file;
  const { accepted, levels, revoked, epochMin, epochMax } = scene.inputs;
  const response = parseResponse(readFileSync(path('response.bob'), 'utf8'));
  expect(isZero(response.signature)).toBe(true);
  const sets = { accepted: accepted.root, levels: levels.root, revoked: revoked.root };
  const window = { epochMin, epochMax: change.epochMax ?? epochMax };
  const asked = {
    audience: audienceHash(change.audience ?? 'bob.example'),
    nonce: fromHex(nonceHex, 'nonce'),
  };
  const about = { serviceId: serviceId(response.service), responseHash: responseHash(response) };
  const issuer = issuerTdx(scene.story.facts.issuerKey);
  if (key.kind === 'vek' || key.kind === 'shown') throw new Error('Alice proves a PCK here');
  const inputs: readonly [string, Bytes, Uint8Array[]][] = [
    key.kind === 'pck'
      ? ['tdx-pck', key.proof.proof, pckInputs({ issuer, at: circuitTime(key.at), keyCommitment })]
      : [
          'vek-member',
          key.proof.proof,
          memberInputs({ veks: vekSetOf(scene).root, keyCommitment }),
        ],
    [
      'tdx-quote',
      change.swapped ? key.proof.proof : machine.proof.proof,
      machineInputs({ ...sets, ...window, keyCommitment, attestation, nonce: attestationNonce }),
    ],
    ['response', file.response.proof.proof, responseInputs({ ...asked, ...about, attestation })],
  ];
  const verdicts: boolean[] = [];
  for (const [circuit, proof, publicInputs] of inputs) {
    verdicts.push(await tools.verify(circuit as 'response', proof, publicInputs));
  }
  return verdicts;
}

describe('Alice', () => {
  test('proves once what the machine is, in a private file', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    await attest({});
    expect(tools.proved).toEqual(['tdx-pck', 'tdx-quote']);
    expect(said).toMatch(/^tdx-pck and tdx-quote to prove: about \d+ s and \d+ MB in all/);
    for (const stage of [
      'tdx-pck: executing',
      'tdx-quote: executing',
      'tdx-pck: proving',
      'tdx-quote: proving',
    ]) {
      expect(said).toMatch(new RegExp(`^${stage} +[\\d.]+ s \\(expected about [\\d.]+ s\\)$`, 'm'));
    }
    expect(statSync(path('mine.json')).mode & 0o777).toBe(0o600);
    const kept = JSON.parse(readFileSync(path('mine.json'), 'utf8'));
    expect(kept.work).toBeNull();
    await expect(attest({})).rejects.toMatchObject({ code: 'secret-exists', exitCode: 2 });
    await attest({ resume: true });
    expect(tools.proved).toHaveLength(2);
  });

  test('then any response, for one checker each, in a file of 60 KB', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    await answer({ saveResponse: path('response.bob') });
    expect(tools.proved).toEqual(['tdx-pck', 'tdx-quote', 'response']);
    expect(statSync(path('proof.json')).size).toBeLessThanOrEqual(60 * 1024);
    expect(await bobSays()).toEqual([true, true, true]);
    expect(await bobSays({ audience: 'carol.example' })).toEqual([true, true, false]);
    expect(await bobSays({ epochMax: scene.inputs.epochMax + 1 })).toEqual([true, false, true]);
    expect(await bobSays({ swapped: true })).toEqual([true, false, true]);
  });

  test('or parts of its text', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const before = tools.proved.length;
    await answer({ out: path('text.json'), show: '0-3', showTime: true });
    expect(tools.proved.slice(before)).toEqual(['response-text']);
    const file = parseLinkedProofFile(new Uint8Array(readFileSync(path('text.json'))));
    const { message } = readMessage(file.response, null);
    const { time, body } = parseResponse(readFileSync(path('response'), 'utf8'));
    expect(message?.time).toBe(time);
    expect(message?.clientNonce).toBeNull();
    expect(message?.disclosure?.shown).toEqual([{ at: 0, bytes: body.slice(0, 4) }]);
    const holdsFor = (audience: string) => {
      const asked = { audience: audienceHash(audience), nonce: fromHex(nonceHex, 'nonce') };
      const inputs = message?.inputs(file.attestation, asked) ?? [];
      return tools.verify('response-text', file.response.proof.proof, inputs);
    };
    expect(await holdsFor('bob.example')).toBe(true);
    expect(await holdsFor('carol.example')).toBe(false);
  });

  test('goes on after a kill, and proves nothing twice', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const outSecret = path('resumed.json');
    const before = tools.proved.length;
    await expect(attest({ outSecret }, killedAt('tdx-pck'))).rejects.toThrow('killed');
    await expect(attest({ outSecret, resume: true }, killedAt('tdx-quote'))).rejects.toThrow(
      'killed',
    );
    const half = JSON.parse(readFileSync(outSecret, 'utf8'));
    expect([half.proofs.key === null, half.proofs.machine === null]).toEqual([false, true]);
    expect(statSync(outSecret).mode & 0o777).toBe(0o600);
    await expect(answer({ attestation: outSecret })).rejects.toMatchObject({
      code: 'attestation-unfinished',
      exitCode: 2,
    });
    await proveMachine({ outSecret, resume: true }, () => tools);
    expect(tools.proved.slice(before)).toEqual(['tdx-pck', 'tdx-quote']);
    expect(said).toMatch(/^tdx-pck was proved before$/m);
    const whole = JSON.parse(readFileSync(outSecret, 'utf8'));
    expect(whole.proofs.key).toEqual(half.proofs.key);
    await answer({ attestation: outSecret, saveResponse: path('response.bob') });
    expect(await bobSays()).toEqual([true, true, true]);
  });

  test('resumes what was begun, and nothing else', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const outSecret = path('begun.json');
    await expect(attest({ outSecret }, killedAt('tdx-pck'))).rejects.toThrow('killed');
    const again = (changes: Partial<ProveAttestationOptions>) =>
      attest({ outSecret, resume: true, ...changes }, killedAt('tdx-pck'));
    await expect(again({})).rejects.toThrow('killed');
    const others: Partial<ProveAttestationOptions>[] = [
      { epochMin: formatTime(fakeNow - 1) },
      { at: formatTime(fakeNow + 1) },
      { attestationNonce: '00'.repeat(32) },
      { veks: path('veks.json') },
      { key: 'shown' },
      { accepted: path('others.json') },
      { bundle: path('other-bundle') },
    ];
    for (const changes of others) {
      await expect(again(changes)).rejects.toMatchObject({ code: 'usage', exitCode: 2 });
    }
    const otherRelease = { ...tools, artifactHash: async () => 'cd'.repeat(32) };
    await expect(
      proveMachine({ outSecret: path('mine.json'), resume: true }, () => otherRelease),
    ).rejects.toMatchObject({ code: 'release-changed', exitCode: 2 });
  });

  test('with a key of a published set in place of the certificate', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const before = tools.proved.length;
    const outSecret = path('member.json');
    await attest({ outSecret, veks: path('veks.json') });
    await answer({ attestation: outSecret, saveResponse: path('response.bob') });
    expect(tools.proved.slice(before)).toEqual(['vek-member', 'tdx-quote', 'response']);
    expect(await bobSays()).toEqual([true, true, true]);
  });

  test('with its key shown, proves nothing of it', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const before = tools.proved.length;
    const outSecret = path('shown.json');
    await expect(attest({ outSecret, key: 'shown' }, killedAt('tdx-quote'))).rejects.toThrow();
    const resumed = { outSecret, resume: true } as const;
    await expect(attest({ ...resumed, key: 'certified', at: undefined })).rejects.toMatchObject({
      code: 'usage',
      exitCode: 2,
    });
    await attest({ ...resumed, key: 'shown', at: undefined });
    expect(tools.proved.slice(before)).toEqual(['tdx-quote']);
    expect(said).toMatch(/^the key is shown: whoever is handed a proof sees its certificate/m);
    await answer({ attestation: outSecret, out: path('shown-proof.json') });
    const file = parseLinkedProofFile(new Uint8Array(readFileSync(path('shown-proof.json'))));
    const { pck, pckCa } = scene.story.intel;
    expect(file.key).toMatchObject({ kind: 'shown', certificates: [pck.der, pckCa.der] });
  });

  test('keeps nothing that does not verify, and nothing that a circuit refuses', async ({
    skip,
  }) => {
    skip(!hasPoints, pointsMissing);
    const outSecret = path('never.json');
    const lying: ProvingTools = {
      ...tools,
      open: async (circuit) => ({ ...(await tools.open(circuit)), verify: async () => false }),
    };
    await expect(attest({ outSecret }, lying)).rejects.toThrow(/does not verify/);
    expect(JSON.parse(readFileSync(outSecret, 'utf8')).proofs).toEqual({
      key: null,
      machine: null,
    });
    const refusing: ProvingTools = {
      ...tools,
      solve: (circuit, inputs) => tools.solve(circuit, { ...inputs, salt: '0x00' }),
    };
    const refused = attest({ outSecret: path('refused.json') }, refusing);
    await expect(refused).rejects.toMatchObject({ code: 'circuit-refused', exitCode: 20 });
    expect(() => statSync(path('refused.json'))).toThrow(/ENOENT/);
  });
});
