import { execFileSync, spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '#test/tools/layers.ts';

/** Makes Node say that it is an old one; its children are not told. */
const asNode20 = `--import=data:text/javascript,${encodeURIComponent(
  `Object.defineProperty(process, 'version', { value: 'v20.19.0' });
   Object.defineProperty(process, 'versions', { value: { node: '20.19.0' } });`,
)}`;

/** Shows what main.ts was given, then ends with the code of its first argument. */
const main = `
const [, , code, ...rest] = process.argv;
const seen: unknown = { rest, cache: process.env['NODE_COMPILE_CACHE'] ?? null };
console.log(JSON.stringify(seen));
process.exitCode = Number(code);
`;

/** A package as npm leaves it on this machine: the launcher, a main, the locked Node. */
let home: string;
const locked = () => join(home, 'node_modules', `node-${process.platform}-${process.arch}`);
const launcher = () => join(home, 'verifier/cli/affidavit.js');

beforeEach(() => {
  home = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'affidavit-')));
  for (const file of ['package.json', 'verifier/cli/affidavit.js', 'verifier/cli/node24.js']) {
    fs.cpSync(join(root, file), join(home, file));
  }
  fs.writeFileSync(join(home, 'verifier/cli/main.ts'), main);
  fs.mkdirSync(join(locked(), 'bin'), { recursive: true });
  fs.symlinkSync(process.execPath, join(locked(), 'bin', 'node'));
});

afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

interface Run {
  readonly flags?: readonly string[];
  readonly file?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  readonly onOutput?: (pid: number) => void;
}

function run(
  args: readonly string[],
  { flags = [asNode20], file = launcher(), ...more }: Run = {},
) {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [...flags, file, ...args], {
    env: { ...inherited, ...more.env },
    cwd: more.cwd,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
    more.onOutput?.(child.pid ?? 0);
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdin.end(more.input ?? '');
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

const args = ['7', 'two words', '--flag', ''];
const seen = (cache: string | null) => `${JSON.stringify({ rest: args.slice(1), cache })}\n`;

describe('the launcher', () => {
  test('runs main.ts in its own process when Node is new enough', async () => {
    fs.rmSync(join(home, 'verifier/cli/node24.js'));
    const got = await run(args, { flags: [] });
    expect(got).toEqual({ code: 7, stdout: seen(null), stderr: '' });
    expect(fs.readdirSync(join(home, 'node_modules/.cache/affidavit'))).toHaveLength(1);
  });

  test('starts the locked Node 24 from an old Node', async () => {
    const cache = join(home, 'node_modules/.cache/affidavit');
    const got = await run(args, { env: { PATH: '' } });
    expect(got).toEqual({ code: 7, stdout: seen(cache), stderr: '' });
    expect(fs.readdirSync(cache)).toHaveLength(1);
  });

  test('works as node_modules/.bin/affidavit from any folder', async () => {
    fs.cpSync(join(root, 'test/tools/link-bin.js'), join(home, 'test/tools/link-bin.js'));
    fs.writeFileSync(join(home, 'package-lock.json'), '{}');
    fs.chmodSync(launcher(), 0o644);
    execFileSync(process.execPath, [join(home, 'test/tools/link-bin.js')]);
    const file = join(home, 'node_modules/.bin/affidavit');
    expect(fs.statSync(file).mode & 0o111).toBe(0o111);
    const elsewhere = join(home, 'elsewhere');
    fs.symlinkSync(file, elsewhere);
    for (const program of [file, elsewhere]) {
      const { status, stderr } = spawnSync(program, args, { cwd: tmpdir(), encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
    }
    // Without the locked Node any Node starts it, and finds a newer one itself.
    fs.rmSync(locked(), { recursive: true });
    execFileSync(process.execPath, [join(home, 'test/tools/link-bin.js')]);
    expect(fs.readlinkSync(file)).toBe('../../verifier/cli/affidavit.js');
    const env = { PATH: dirname(process.execPath) };
    expect(await run(args, { file, env, cwd: tmpdir() })).toMatchObject({ code: 7, stderr: '' });
  });

  test('hands stdin on', async () => {
    fs.writeFileSync(join(home, 'verifier/cli/main.ts'), 'process.stdin.pipe(process.stdout);');
    expect(await run([], { input: 'bytes' })).toEqual({ code: 0, stdout: 'bytes', stderr: '' });
  });

  test('keeps the compile cache that the user chose', async () => {
    const chosen = join(home, 'chosen');
    const got = await run(args, { env: { NODE_COMPILE_CACHE: chosen } });
    expect(got).toEqual({ code: 7, stdout: seen(chosen), stderr: '' });
  });

  test('goes without a compile cache where none can be written', async () => {
    fs.writeFileSync(join(home, 'node_modules/.cache'), 'a file, not a folder');
    expect(await run(args)).toEqual({ code: 7, stdout: seen(null), stderr: '' });
  });

  test('passes over an old node on PATH and takes the next', async () => {
    fs.rmSync(locked(), { recursive: true });
    const old = join(home, 'old');
    fs.mkdirSync(old);
    fs.writeFileSync(join(old, 'node'), '#!/bin/sh\necho v22.1.0\n', { mode: 0o755 });
    const path = [old, join(home, 'absent'), dirname(process.execPath)].join(delimiter);
    expect(await run(args, { env: { PATH: path } })).toMatchObject({ code: 7, stderr: '' });
    const { code } = await run(args, { env: { PATH: old } });
    expect(code).toBe(1);
  });

  test('says in one line what to do when there is no Node 24', async () => {
    fs.rmSync(locked(), { recursive: true });
    const got = await run(args, { env: { PATH: '' } });
    expect(got).toMatchObject({ code: 1, stdout: '' });
    expect(got.stderr).toMatch(
      /^affidavit needs Node 24, .*v20\.19\.0.*npm ci.*install Node 24.*\n$/,
    );
  });

  const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

  test.each(Object.entries(signals))('passes %s on and mirrors the end', async (signal, number) => {
    const wait = 'setInterval(() => {}, 1000); console.log("ready");';
    const onOutput = (pid: number) => process.kill(pid, signal);
    const file = join(home, 'verifier/cli/main.ts');
    fs.writeFileSync(file, `process.once('${signal}', () => process.exit(9)); ${wait}`);
    expect(await run([], { onOutput })).toMatchObject({ code: 9, stderr: '' });
    fs.writeFileSync(file, wait);
    expect(await run([], { onOutput })).toMatchObject({ code: 128 + number, stderr: '' });
  });
});
