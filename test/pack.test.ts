/** The package as a user has it: packed, installed in an empty folder, used from there. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { root } from '#test/tools/layers.ts';
import { npm, pack } from '#test/tools/pack.ts';
import { bundleScene, hierarchyOf } from '#test/verifier/scene.ts';
import { toHex } from '#verifier/bytes.ts';
import { formatTime } from '#verifier/time.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Uint8Array) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
};

/** Why nothing could be installed; undefined when it was. */
let unreachable: string | undefined;
let told: { nonce: string; now: number };

beforeAll(async () => {
  const tarball = pack(folder);
  write('package.json', JSON.stringify({ private: true, type: 'module' }));
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const { status, stderr } = npm(['install', ...flags, tarball], folder);
  if (status !== 0) {
    if (!/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT/.test(stderr))
      throw new Error(stderr);
    unreachable = `the package registry cannot be reached: ${stderr.split('\n')[0]}`;
    return;
  }
  const scene = await bundleScene();
  if (scene.evidence.form !== 'bundle' || scene.evidence.nonce === null)
    throw new Error('no bundle');
  write('bundle.json', scene.evidence.bytes);
  write('root.der', (await hierarchyOf('Milan')).ark.der);
  told = { nonce: toHex(scene.evidence.nonce), now: scene.now };
}, 300_000);

beforeEach(({ skip }) => {
  if (unreachable !== undefined) skip(unreachable);
});

type Ended = { code: number; stdout: string; stderr: string };

async function run(program: string, ...args: string[]): Promise<Ended> {
  try {
    const ended = await promisify(execFile)(program, args, {
      cwd: folder,
      env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') },
    });
    return { code: 0, ...ended };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

const node = (...args: string[]) => run(process.execPath, ...args);
const affidavit = (...args: string[]) =>
  node(join('node_modules', 'affidavit', 'verifier', 'cli', 'affidavit.js'), ...args);

const consumer = `
import { readFileSync } from 'node:fs';
import * as affidavit from 'affidavit';
import { nodeCrypto } from 'affidavit/node';
const { appraise, fromHex, genuinePolicy, insecureRoot, parseCertificate, vendorRoots, verify, webCrypto } = affidavit;
const read = (name) => new Uint8Array(readFileSync(name));
const [nonce, now] = process.argv.slice(2);
const evidence = { form: 'bundle', bytes: read('bundle.json'), nonce: fromHex(nonce, 'nonce'), connection: null };
const own = [insecureRoot(parseCertificate(read('root.der'), 'root'))];
const decisions = [];
for (const roots of [own, vendorRoots]) {
  for (const crypto of [webCrypto, nodeCrypto]) {
    const verified = await verify(evidence, [], roots, Number(now), crypto);
    decisions.push(appraise(verified, genuinePolicy).decision);
    try {
      appraise({ ...verified }, genuinePolicy);
      decisions.push('a copy was appraised');
    } catch (error) {
      decisions.push(error.name);
    }
  }
}
console.log(decisions.join(' '));
`;

test('verifies a bundle for a plain .js consumer, and refuses one under another root', async () => {
  write('consumer.js', consumer);
  const { stdout, stderr } = await node('consumer.js', told.nonce, String(told.now));
  expect(stderr).toBe('');
  expect(stdout.trim()).toBe(
    'accepted TypeError accepted TypeError invalid TypeError invalid TypeError',
  );
});

test('verifies it from the command line, through npx too', async () => {
  const args = ['verify', 'bundle.json', '--offline', '--nonce', told.nonce];
  const trusting = [...args, '--insecure-root', 'root.der', '--at', formatTime(told.now)];
  const accepted = await affidavit(...trusting);
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  expect(await affidavit(...args, '--at', formatTime(told.now))).toMatchObject({ code: 20 });
  const cli = npm(['exec', '--loglevel=error', '--', 'affidavit', ...trusting], folder);
  expect(cli.status).toBe(0);
  expect(cli.stdout).toBe(accepted.stdout);
});

test('says in one line that agent and prover are elsewhere', async () => {
  for (const words of [
    ['agent', 'run', '--config', 'x'],
    ['solidity', 'response-open'],
  ]) {
    const { code, stderr } = await affidavit(...words);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^affidavit: this package holds the verifier alone.*\n$/);
  }
});

test('makes a service’s key', async () => {
  const files = [
    '--out-private',
    join(folder, 'echo.key'),
    '--out-public',
    join(folder, 'echo.pub'),
  ];
  expect(await affidavit('keygen', ...files)).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'echo.pub'), 'utf8')).toMatch(/^[0-9a-f]{128}\n$/);
});

test('shows nothing but its faces', async () => {
  for (const path of ['verifier/verified.js', 'verifier/index.js', 'verifier/cli/main.js']) {
    const { stderr } = await node('--eval', `await import('affidavit/${path}')`);
    expect(stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  }
});

test('needs what this repository pins, and nothing of agent or prover', () => {
  const read = (path: string) =>
    JSON.parse(readFileSync(path, 'utf8')) as {
      version: string;
      dependencies: Record<string, string>;
    };
  const installed = read(join(folder, 'node_modules', 'affidavit', 'package.json'));
  const own = read(join(root, 'package.json'));
  expect(installed.version).toBe(own.version);
  expect(own.dependencies).toMatchObject(installed.dependencies);
  expect(Object.keys(installed.dependencies)).toContain('@noble/hashes');
  expect(Object.keys(installed.dependencies).join(' ')).not.toMatch(/aztec|noir/);
});

const misuse = `
import { appraise, genuinePolicy, type Verified, vendorRoots, verify, webCrypto } from 'affidavit';
import { nodeCrypto } from 'affidavit/node';
import { jwksOf } from 'affidavit/tokens';
import type { Bytes, Evidence, Verdict } from 'affidavit';

const bytes: Bytes = new Uint8Array(1184);
const evidence: Evidence = { form: 'report', bytes };
const verified: Verified = await verify(evidence, [], vendorRoots, 0, nodeCrypto);
const verdict: Verdict = appraise(verified, genuinePolicy);
export const decision: 'accepted' | 'rejected' | 'invalid' | 'undecided' = verdict.decision;
export { jwksOf };

// @ts-expect-error evidence was not verified
appraise(evidence, genuinePolicy);
// @ts-expect-error a promise is not awaited
appraise(verify(evidence, [], vendorRoots, 0, webCrypto), genuinePolicy);
// @ts-expect-error a record with the same members, written by hand
appraise({ ...verified, checks: [] }, genuinePolicy);
const { subject, at, checks, claims, bundle, proof, insecureRoot, expires } = verified;
// @ts-expect-error its parts, put together again
appraise({ subject, at, checks, claims, bundle, proof, insecureRoot, expires }, genuinePolicy);
// @ts-expect-error no policy
appraise(verified);
// @ts-expect-error no roots
await verify(evidence, [], undefined, 0, webCrypto);
// @ts-expect-error no clock is read
await verify(evidence, [], vendorRoots, webCrypto);
// @ts-expect-error nobody decides for the verdict
verdict.decision = 'accepted' as never as Verdict;
`;

const strict = {
  strict: true,
  noEmit: true,
  target: 'es2024',
  lib: ['es2024', 'dom'],
  types: ['node'],
  typeRoots: [join(root, 'node_modules', '@types')],
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
};

test.each([
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'preserve', moduleResolution: 'bundler' },
])(
  'has types that a strict consumer can use, and cannot misuse: %o',
  async (kind) => {
    const example = /```ts\n([\s\S]*?)```/.exec(
      readFileSync(join(root, 'docs/library.md'), 'utf8'),
    );
    write('strict/consumer.ts', misuse);
    write('strict/example.ts', example?.[1] ?? '');
    write(
      'strict/tsconfig.json',
      JSON.stringify({ compilerOptions: { ...strict, ...kind }, include: ['.'] }),
    );
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, stdout } = await node(tsc, '-p', 'strict');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  },
  120_000,
);
