/**
 * Alice and Bob on the ceremony's genuine points, natively and in wasm: real proofs, accepted and
 * refused.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadArtifact } from '#prover/artifact.ts';
import { type CheckOptions, runCheck } from '#prover/cli.ts';
import { backendKinds } from '#prover/costs.ts';
import { idsWith } from '#test/verifier/scene.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Bytes, fromBase64, toBase64, utf8 } from '#verifier/bytes.ts';
import { exitCodes } from '#verifier/cli/cli-error.ts';
import { hasPoints, pointsMissing, sharedPoints } from './points.ts';
import { affidavitIn } from './run.ts';
import { nonceHex, type Story, sampleAudience, tellStory } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-end-to-end-'));
const environment = { XDG_CACHE_HOME: join(folder, 'cache') };
const cacheBefore = process.env['XDG_CACHE_HOME'];
let story: Story;
let other: Story;

function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

beforeAll(async () => {
  Object.assign(process.env, environment);
  const now = Math.floor(Date.now() / 1000);
  story = await tellStory(now);
  other = await tellStory(now);
  file('roots.pem', story.hierarchy.rootsPem());
  for (const [name, content] of Object.entries(story.files)) file(name, content);
  await loadArtifact('response-open-key');
});

afterAll(() => {
  if (cacheBefore === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheBefore;
  rmSync(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);

describe.each(backendKinds)('%s', (backend) => {
  const proof = path(`proof-${backend}.json`);

  const proveArgs = () => [
    ...['prove', '--bundle', path('bundle'), '--response', path('response')],
    ...['--service', path('treeProof'), '--audience', sampleAudience, '--nonce', nonceHex],
    ...['--out', proof, '--disclose', 'service-key', '--backend', backend, '--crs', sharedPoints],
  ];
  const checkArgs = () => [
    ...['check', proof, '--bundle', path('bundle'), '--response', path('response')],
    ...['--audience', sampleAudience, '--nonce', nonceHex, '--insecure-root', path('roots.pem')],
    ...['--backend', backend, '--crs', sharedPoints],
  ];

  /** What `affidavit check` would end with, in this process. */
  async function check(changed: Partial<CheckOptions> = {}) {
    const { verdict } = await runCheck({
      proof,
      bundle: path('bundle'),
      response: path('response'),
      audience: sampleAudience,
      nonce: nonceHex,
      insecureRoot: path('roots.pem'),
      backend,
      crs: sharedPoints,
      ...changed,
    });
    return { code: exitCodes[verdict.decision], failed: idsWith('fail', verdict) };
  }

  /** The proof file with some members replaced. */
  function proofWith(edit: (json: Record<string, string>) => Record<string, unknown>): string {
    const json = JSON.parse(readFileSync(proof, 'utf8'));
    return file('edited.json', JSON.stringify({ ...json, ...edit(json) }));
  }

  test('Alice proves, Bob accepts', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const proved = await affidavitIn(environment, proveArgs());
    expect(proved).toMatchObject({ code: 0, stdout: '' });
    expect(proved.stderr).toMatch(
      new RegExp(`with the ${backend} backend: about \\d+ MB of memory`),
    );
    expect(proved.stderr).toMatch(/^proving and verifying +[\d.]+ s \(expected about [\d.]+ s\)$/m);
    const checked = await affidavitIn(environment, [...checkArgs(), '--format', 'json']);
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({
      decision: 'accepted',
      warnings: expect.arrayContaining([expect.stringMatching(/^Proved: .* for echo-node/)]),
    });
  });

  test('Bob refuses another audience, nonce, response or bundle', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    expect(await check()).toEqual({ code: 0, failed: [] });
    const valid = { code: 20, failed: ['proof.valid'] };
    expect(await check({ audience: 'carol.example' })).toEqual(valid);
    expect(await check({ nonce: '00'.repeat(32) })).toEqual(valid);
    expect(await check({ bundle: file('other', other.files.bundle) })).toEqual(valid);
    const altered = encodeResponse({ ...story.response, body: utf8('hallo') });
    expect(await check({ response: file('altered', altered) })).toEqual({
      code: 20,
      failed: ['proof.signature'],
    });
    const ofOther = encodeResponse(story.sign({ service: 'echo-cpp' }));
    expect(await check({ response: file('echo-cpp', ofOther) })).toEqual({
      code: 20,
      failed: ['proof.signature', 'proof.valid'],
    });
  });

  test('Bob refuses a changed proof, key or circuit', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    for (const at of [31, 32 * 30, 32 * 200 + 31, 32 * 458 - 1]) {
      const changed = proofWith((json) => {
        const bytes = fromBase64(json['proof'] as string, 'proof');
        bytes[at] = (bytes[at] as number) ^ 1;
        return { proof: toBase64(bytes) };
      });
      expect(await check({ proof: changed })).toEqual({ code: 20, failed: ['proof.valid'] });
    }
    const circuit = proofWith(() => ({ circuit: 'response-open', disclosed: null }));
    expect(await check({ proof: circuit })).toEqual({ code: 20, failed: ['proof.artifact'] });
    const named = proofWith(() => ({ circuit: 'response-open' }));
    expect(await check({ proof: named })).toEqual({ code: 20, failed: ['proof.file'] });
    // The key of a service that signed too, but that the proof is not about.
    const key = story.agent.state.services.find(({ name }) => name === 'echo-cpp')?.publicKey;
    const disclosed = { publicKey: Buffer.from(key as Bytes).toString('hex') };
    const ofOther = proofWith(() => ({ disclosed }));
    expect((await check({ proof: ofOther })).failed).toEqual(['proof.signature', 'proof.valid']);
  });

  test('Bob’s policy rejects', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const policy = { ...genuinePolicy, name: 'another tree', treeRoot: ['00'.repeat(32)] };
    const ended = await affidavitIn(environment, [
      ...checkArgs(),
      ...['--policy', file('policy.json', JSON.stringify(policy))],
    ]);
    expect(ended.code).toBe(10);
    expect(ended.stdout).toMatch(/REJECTED by policy "another tree"/);
  });

  test('without the simulator’s root nothing is accepted', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const ended = await check({ insecureRoot: undefined });
    expect(ended.code).toBe(20);
    expect(ended.failed).toContain('chain.root-pinned');
  });
});
