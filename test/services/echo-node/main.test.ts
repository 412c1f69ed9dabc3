/** The service as a process, and its client command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseResponse, verifyResponse } from '#verifier/abi/response.ts';
import { openClient, publicKey } from './helpers.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const secret = `${'0'.repeat(63)}1`;
const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const nonce = '5a'.repeat(32);
const onWindows = process.platform === 'win32';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-echo-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function keyFile(text = `${secret}\n`, mode = 0o600): Promise<string> {
  const path = join(folder, `key-${crypto.randomUUID()}`);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

type Ended = { code: number | null; stdout: string; stderr: string };

function run(script: string, args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], { cwd: root });
  onTestFinished(() => void child.kill('SIGKILL'));
  const out = { stdout: '', stderr: '' };
  let heard = () => {};
  const listen = (name: 'stdout' | 'stderr') =>
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      out[name] += text;
      heard();
    });
  listen('stdout');
  listen('stderr');
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code) => done({ code, ...out }));
  });
  const firstLine = new Promise<string>((done, failed) => {
    heard = () => out.stdout.includes('\n') && done(out.stdout);
    child.on('close', () => failed(new Error(out.stderr)));
  });
  firstLine.catch(() => {});
  return { child, ended, firstLine };
}

const echo = (...args: string[]) => run('services/echo-node/main.ts', args);
const client = (...args: string[]) => run('test/tools/echo-client.ts', args).ended;

async function start() {
  const started = echo('--key', await keyFile(), '--name', 'echo-node', '--port', '0');
  const line = await started.firstLine;
  const found = /^echo-node: echo-node listening on 127\.0\.0\.1:(\d+)\n$/.exec(line);
  if (found === null) throw new Error(`unexpected line: ${line}`);
  return { ...started, port: Number(found[1]) };
}

test('prints one line, answers, and stops at SIGTERM with 0', async () => {
  const { child, ended, port } = await start();
  const address = `127.0.0.1:${port}`;
  const out = join(folder, 'response.json');
  const asked = await client(address, '--nonce', nonce, '--out', out, 'hello');
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  const json = await readFile(out, 'utf8');
  expect(asked.stdout).toBe(`${json}\n`);
  expect(verifyResponse(parseResponse(json), publicKey)).toBe(true);
  const unnonced = await client(address, 'hello');
  expect(unnonced).toMatchObject({ code: 0, stderr: expect.stringContaining('replayed') });
  expect(await client(address, '@hello')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^echo-client: no nonce.*\necho-client: the service refused/),
  });
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toHaveLength(2);
});

test.skipIf(onWindows)('finishes the answers under way at SIGINT', async () => {
  const { child, ended, port } = await start();
  const asking = await openClient(port);
  asking.send('hello\n'.repeat(200));
  await asking.line();
  child.kill('SIGINT');
  for (let i = 1; i < 200; i++) await asking.line();
  expect(await asking.rest()).toBe('');
  expect((await ended).code).toBe(0);
});

describe('ends with 2 and one line for', () => {
  const start = (key: string, ...more: string[]) =>
    echo('--key', key, '--name', 'echo-node', '--port', '0', ...more).ended;
  const refused = (stderr: RegExp) => ({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`^echo-node: [^\n]*${stderr.source}[^\n]*\n$`)),
  });

  test('a missing key file', async () => {
    expect(await start(join(folder, 'nothing'))).toEqual(refused(/there is no such file/));
  });

  test.skipIf(onWindows).each(['640', '604', '620', '610'])('mode %s', async (mode) => {
    expect(await start(await keyFile(secret, Number.parseInt(mode, 8)))).toEqual(
      refused(/others may use it/),
    );
  });

  test.each([
    ['an empty file', ''],
    ['too few digits', secret.slice(1)],
    ['upper case', order.toUpperCase()],
    ['a prefix', `0x${secret}`],
    ['a second line', `${secret}\n${secret}\n`],
    ['blanks', ` ${secret}`],
  ])('%s as key', async (_, text) => {
    const ended = await start(await keyFile(text));
    expect(ended).toEqual(refused(/expected 64 lower-case hex digits/));
  });

  test.each([
    ['zero', '0'.repeat(64)],
    ['the order', order],
  ])('%s as key, without showing it', async (_, text) => {
    const ended = await start(await keyFile(text));
    expect(ended).toEqual(refused(/not a secp256k1 secret key/));
    expect(ended.stderr).not.toContain(text);
  });

  test('a folder as key', async () => {
    expect(await start(folder)).toEqual(refused(/key file/));
  });

  test.each([
    [['--name', 'Echo'], /service name/],
    [['--port', '65536'], /--port: expected a whole number from 0 to 65535/],
    [['--max-connections', '0'], /--max-connections/],
    [['--idle-seconds', '1.5'], /--idle-seconds/],
    [['--verbose'], /--verbose/],
    [['stray'], /stray/],
    [['--host', '203.0.113.1'], /cannot listen/],
  ])('%j', async (args, message) => {
    expect(await start(await keyFile(), ...args)).toEqual(refused(message));
  });

  test.each([
    [['--name', 'echo', '--port', '0'], /--key is missing/],
    [['--key', 'x', '--port', '0'], /--name is missing/],
    [['--key', 'x', '--name', 'echo'], /--port is missing/],
  ])('%j alone', async (args, message) => {
    expect(await echo(...args).ended).toEqual(refused(message));
  });

  test('an address in use', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const args = ['--key', await keyFile(), '--name', 'echo', '--port', String(port)];
    expect(await echo(...args).ended).toEqual(refused(/cannot listen: .*EADDRINUSE/));
  });
});

test.skipIf(onWindows)('takes the key order − 1, mode 0400, without LF', async () => {
  const key = await keyFile(`${order.slice(0, -1)}0`, 0o400);
  const { child, ended, firstLine } = echo('--key', key, '--name', 'x', '--port', '0');
  expect(await firstLine).toMatch(/listening/);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});
