/**
 * `affidavit prove` and `affidavit check` on what they refuse before any proving: exit code and one
 * clear line.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ended } from '#test/verifier/cli/run.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { affidavitIn } from './run.ts';
import { nonceHex, type Story, sampleAudience, tellStory } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-prover-cli-'));
const environment = { XDG_CACHE_HOME: join(folder, 'cache'), HOME: folder, CRS_PATH: '' };
let story: Story;
let server: Server;
let agent: string;

function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const path = (name: string) => join(folder, name);

beforeAll(async () => {
  story = await tellStory(Math.floor(Date.now() / 1000));
  for (const [name, content] of Object.entries(story.files)) file(name, content);
  file('roots.pem', story.hierarchy.rootsPem());
  server = createServer(story.agent.app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  agent = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

/** Options by name; undefined leaves one out. */
function prove(changed: Record<string, string | undefined> = {}): Promise<Ended> {
  const options = {
    bundle: path('bundle'),
    response: path('response'),
    service: path('treeProof'),
    audience: sampleAudience,
    nonce: nonceHex,
    out: path('proof.json'),
    disclose: 'service-key',
    // Holds no points: where all is well, this is where it ends.
    crs: folder,
    ...changed,
  };
  const args = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return affidavitIn(environment, ['prove', ...args]);
}

function refused(ended: Ended, code: number, line: RegExp): void {
  expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
  expect(ended.stderr).toMatch(line);
  expect(ended.stderr).toMatch(/^affidavit: .+\. [A-Z].+\.\n$/);
  expect(existsSync(path('proof.json'))).toBe(false);
}

describe('prove', () => {
  test('what would verify needs points, and says which', async () => {
    const ended = await prove();
    refused(ended, 30, /response-open-key needs 16,385 points of the ceremony \(1\.0 MiB\)/);
    refused(await prove({ disclose: undefined }), 30, /response-open needs 65,537 points/);
  });

  test.each([
    ['no evidence', { bundle: undefined }, /no evidence was given/],
    ['a bundle and an agent', { agent: 'http://localhost' }, /both --bundle and --agent/],
    ['an agent and no place for its bundle', { bundle: undefined, agent: 'x' }, /--save-bundle/],
    ['--save-bundle without an agent', { 'save-bundle': 'x' }, /--save-bundle is for/],
    ['a short nonce', { nonce: 'b0' }, /--nonce: .*64/],
    ['a nonce that is not hex', { nonce: 'z'.repeat(64) }, /--nonce/],
    ['an empty audience', { audience: '' }, /audience/],
    ['a missing response', { response: '/nowhere' }, /there is no such file/],
    ['a response without the signature that is needed', { 'save-response': 'x' }, /--save-resp/],
    ['an unknown disclosure', { disclose: 'all' }, /disclose/],
    ['an unknown backend', { backend: 'gpu' }, /backend/],
  ])('wrong usage: %s', async (_, changed, line) => {
    refused(await prove(changed), 2, line);
  });

  test('refuses what would not verify', async () => {
    const altered = encodeResponse({ ...story.response, body: utf8('hallo') });
    const [bundle, treeProof, response] = await Promise.all([
      prove({ bundle: file('html', '<html>') }),
      prove({ service: file('cpp', story.treeProofOf('echo-cpp')) }),
      prove({ response: file('altered', altered) }),
    ]);
    refused(bundle, 20, /^affidavit: refused: evidence bundle/);
    refused(treeProof, 20, /the document is about echo-cpp/);
    refused(response, 20, /signature is not by the key that the tree holds for echo-node/);
  });

  test('asks an agent for the bundle and the tree proof', async () => {
    const asking = { bundle: undefined, agent, 'save-bundle': path('saved') };
    refused(await prove({ ...asking, service: 'echo-node' }), 30, /needs 16,385 points/);
    refused(await prove({ ...asking, service: 'echo-cpp' }), 20, /is about echo-cpp/);
    refused(await prove({ ...asking, service: 'echo-none' }), 20, /refused: tree proof/);
    const gone = { ...asking, agent: 'http://127.0.0.1:9', service: 'echo-node' };
    refused(await prove(gone), 30, /no evidence from http:\/\/127\.0\.0\.1:9/);
    refused(await prove({ ...asking, service: '../services' }), 20, /status 4/);
  });
});

describe('check', () => {
  const args = (proof: string) => [
    ...['check', proof, '--bundle', path('bundle'), '--response', path('response')],
    ...['--audience', sampleAudience, '--nonce', nonceHex, '--insecure-root', path('roots.pem')],
    ...['--crs', folder],
  ];

  test('rubbish is invalid, with every check in the verdict', async () => {
    const ended = await affidavitIn(environment, [
      ...args(file('rubbish', '<html>')),
      ...['--format', 'json'],
    ]);
    expect(ended.code).toBe(20);
    const { decision, checks } = JSON.parse(ended.stdout);
    expect(decision).toBe('invalid');
    expect(checks.find(({ id }: { id: string }) => id === 'proof.file').status).toBe('fail');
    expect(checks.find(({ id }: { id: string }) => id === 'proof.valid').status).toBe('skip');
  });

  test('a missing file, a malformed nonce or no audience is wrong usage', async () => {
    const proof = file('rubbish', '<html>');
    const ended = await Promise.all([
      affidavitIn(environment, args(path('nowhere'))),
      affidavitIn(environment, [...args(proof), '--bundle-nonce', 'b0']),
      affidavitIn(
        environment,
        args(proof).filter((arg) => !/audience|bob/.test(arg)),
      ),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 2]);
  });
});

test('verify loads nothing of the prover', async () => {
  const coverage = join(folder, 'coverage');
  const ended = await affidavitIn({ ...environment, NODE_V8_COVERAGE: coverage }, [
    ...['verify', path('bundle'), '--insecure-root', path('roots.pem')],
  ]);
  expect(ended.code).toBe(0);
  const loaded = readdirSync(coverage).flatMap((name) =>
    JSON.parse(readFileSync(join(coverage, name), 'utf8')).result.map(
      ({ url }: { url: string }) => url,
    ),
  );
  expect(loaded.some((url) => url.endsWith('/verifier/verify.ts'))).toBe(true);
  expect(loaded.filter((url) => /\/prover\/|@aztec|@noir-lang/.test(url))).toEqual([]);
});
