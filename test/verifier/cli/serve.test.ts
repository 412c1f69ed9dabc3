/** `affidavit serve` as a process: starts, verifies, takes new policies, checks proofs, keeps its log, ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasPoints, pointsMissing, sharedPoints } from '#test/prover/points.ts';
import { affidavitIn } from '#test/prover/run.ts';
import { type Story, tellStory } from '#test/prover/scene.ts';
import { affidavit } from '#test/verifier/cli/run.ts';
import { drawChallenge, metricsOf, post, verdictFrom } from '#test/verifier/serve/helpers.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toBase64 } from '#verifier/bytes.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { eatMediaType } from '#verifier/serve/routes.ts';
import { parseJwks, verifyJwt } from '#verifier/tokens/index.ts';

const main = fileURLToPath(new URL('../../../verifier/cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'affidavit-serve-'));
const environment = { XDG_CACHE_HOME: join(folder, 'cache') };
let story: Story;

beforeAll(async () => {
  story = await tellStory(Math.floor(Date.now() / 1000));
  writeFileSync(join(folder, 'roots.pem'), story.hierarchy.rootsPem());
  for (const [name, content] of Object.entries(story.files))
    writeFileSync(join(folder, name), content);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
});

afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;

/** A folder of policies of its own. */
function policyFolder(files: Record<string, string>): string {
  count += 1;
  const path = join(folder, `policies-${count}`);
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

const genuine = JSON.stringify(genuinePolicy);
const refusing = JSON.stringify({
  ...genuinePolicy,
  name: 'refusing',
  sevSnp: { ...genuinePolicy.sevSnp, measurement: ['00'.repeat(48)] },
});

type Running = { child: ChildProcess; url: string; output: { stdout: string; stderr: string } };

async function serve(policies: string, ...more: string[]): Promise<Running> {
  const args = ['serve', '--policies', policies, '--port', '0', ...more];
  const child = spawn(
    process.execPath,
    [main, ...args, '--insecure-root', join(folder, 'roots.pem')],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  const listening = /listening on (http:\S+)/;
  await expect.poll(() => output.stdout + output.stderr, { timeout: 15_000 }).toMatch(listening);
  return { child, url: listening.exec(output.stdout)?.[1] as string, output };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on('exit', resolve));
}

async function decisionOf(url: string, policy: string): Promise<string> {
  const answer = await post(`${url}/verify?policy=${policy}`, story.files.bundle);
  return (await verdictFrom(answer)).decision;
}

test('verifies, logs each decision, and ends with 0', async () => {
  const log = join(folder, 'decisions.log');
  const policies = policyFolder({ 'genuine.json': genuine, 'refusing.json': refusing });
  const { child, url, output } = await serve(policies, '--log', log, '--observe', 'refusing');
  expect(await decisionOf(url, 'genuine')).toBe('accepted');
  expect(await decisionOf(url, 'refusing')).toBe('rejected');
  child.kill('SIGTERM');
  expect(await ended(child)).toBe(0);
  expect(output.stdout).toMatch(/^affidavit serve: accepted policy=genuine mode=enforce /m);
  expect(output.stderr).toMatch(/^affidavit serve: warning: INSECURE: /m);
  expect(output.stderr).toMatch(
    /^affidavit serve: warning: rejected policy=refusing mode=observe .* checks=policy\.measurement$/m,
  );
  expect(output.stdout).toMatch(/^affidavit serve: stopping$/m);
  const decisions = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === 'decision');
  expect(decisions).toMatchObject([
    { decision: 'accepted', policyName: 'genuine', mode: 'enforce' },
    { decision: 'rejected', policyName: 'refusing', mode: 'observe' },
  ]);
  expect(await affidavit(['log', 'verify', log])).toMatchObject({ code: 0 });
});

test('signs tokens that its own keys verify', async () => {
  const policies = policyFolder({ 'genuine.json': genuine });
  const { url } = await serve(policies, '--key', join(folder, 'key.pem'));
  const answer = await post(
    `${url}/verify?policy=genuine`,
    story.files.bundle,
    'application/json',
    { accept: eatMediaType },
  );
  const keys = await (await fetch(`${url}/jwks.json`)).arrayBuffer();
  const claims = await verifyJwt(await answer.text(), parseJwks(new Uint8Array(keys)), {
    now: Math.floor(Date.now() / 1000),
    nonce: 'any',
    crypto: nodeCrypto,
  });
  expect(Object.keys(claims.submods)).toEqual(['sev-snp']);
});

test('takes a changed policy when it is good, and keeps the old one when it is not', async () => {
  const policies = policyFolder({ 'a.json': genuine });
  const { url, output } = await serve(policies);
  expect(await decisionOf(url, 'a')).toBe('accepted');
  writeFileSync(join(policies, 'a.json'), refusing);
  await expect.poll(() => decisionOf(url, 'a'), { timeout: 10_000 }).toBe('rejected');
  writeFileSync(join(policies, 'a.json'), refusing.slice(0, -1));
  const refusedLine = /policy a\.json refused, the version before stays in force: json-malformed/;
  await expect.poll(() => output.stderr, { timeout: 10_000 }).toMatch(refusedLine);
  expect(await decisionOf(url, 'a')).toBe('rejected');
  writeFileSync(join(policies, 'b.json'), genuine);
  await expect.poll(() => metricsOf(url), { timeout: 10_000 }).toContain('affidavit_policies 2');
  expect(await decisionOf(url, 'b')).toBe('accepted');
  const metrics = await metricsOf(url);
  expect(metrics).toContain('affidavit_policy_reloads_total{result="loaded"} 2');
  expect(metrics).toContain('affidavit_policy_reloads_total{result="refused"} 1');
});

describe('does not start', () => {
  test.each<[string, Record<string, string>, string[], RegExp]>([
    ['without a policy', {}, [], /holds no policy/],
    ['with a broken policy', { 'a.json': '{' }, [], /policy a\.json: json-malformed/],
    [
      'with an unknown --observe',
      { 'a.json': genuine },
      ['--observe', 'b'],
      /--observe b: no such/,
    ],
    ['on a port that is none', { 'a.json': genuine }, ['--port', '65536'], /--port 65536 is not/],
    ['on a foreign host', { 'a.json': genuine }, ['--host', '192.0.2.1'], /cannot listen on 192/],
    ['with a key that is none', { 'a.json': genuine }, ['--key', main], /pem|PEM|block/],
  ])('%s', async (_, files, more, reason) => {
    const args = ['serve', '--policies', policyFolder(files), '--port', '0', ...more];
    const given = args.filter((arg, i) => arg !== '--port' || args.lastIndexOf('--port') === i);
    const ported = more.includes('--port') ? given.filter((arg) => arg !== '0') : given;
    const { code, stderr } = await affidavit(ported);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });

  test('without a folder', async () => {
    const { code, stderr } = await affidavit(['serve', '--policies', join(folder, 'nothing')]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be read/)]);
  });
});

test('checks a proof as affidavit check does', async ({ skip }) => {
  skip(!hasPoints, pointsMissing);
  const policies = policyFolder({ 'genuine.json': genuine });
  const { url } = await serve(policies, '--crs', sharedPoints, '--offline');
  const drawn = await fetch(`${url}/challenges`, { method: 'POST' });
  const { id, nonce } = (await drawn.json()) as { id: string; nonce: string };
  const proof = join(folder, 'proof.json');
  const proved = await affidavitIn(environment, [
    ...['prove', '--bundle', join(folder, 'bundle'), '--response', join(folder, 'response')],
    ...['--service', join(folder, 'treeProof'), '--audience', 'bob.example', '--nonce', nonce],
    ...['--out', proof, '--disclose', 'service-key', '--crs', sharedPoints],
  ]);
  expect(proved).toMatchObject({ code: 0 });
  const check = async (challenge: string) =>
    post(
      `${url}/check`,
      JSON.stringify({
        version: 1,
        proof: toBase64(readFileSync(proof)),
        bundle: toBase64(story.files.bundle),
        response: toBase64(story.files.response),
        audience: 'bob.example',
        challenge,
        policy: 'genuine',
      }),
      'application/json',
    );
  const verdict = await verdictFrom(await check(id));
  expect(verdict).toMatchObject({
    decision: 'accepted',
    warnings: expect.arrayContaining([expect.stringMatching(/^Proved: .* for echo-node/)]),
  });
  expect((await check(id)).status).toBe(409);
  const other = await verdictFrom(await check(await drawChallenge(url)));
  expect(other.decision).toBe('invalid');
}, 60_000);
