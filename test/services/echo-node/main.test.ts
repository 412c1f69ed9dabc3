/** The service as a process, and its client command. What every service does at its start: ../conformance. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch, type Service, startService } from '#test/services/process.ts';
import { parseResponse, verifyResponse } from '#verifier/abi/response.ts';
import { openClient, publicKey } from './helpers.ts';

const nonce = '5a'.repeat(32);
const onWindows = process.platform === 'win32';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-echo-'));
  await writeFile(join(folder, 'key'), `${'0'.repeat(63)}1\n`, { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));

const program = [process.execPath, 'services/echo-node/main.ts'];
const client = (...args: string[]) =>
  launch([process.execPath, 'test/tools/echo-client.ts', ...args]).ended;

async function start(...more: string[]): Promise<Service> {
  const args = ['--key', join(folder, 'key'), '--name', 'echo-node', '--port', '0', ...more];
  const service = await startService([...program, ...args]);
  onTestFinished(() => service.kill('SIGKILL'));
  return service;
}

test('says where it listens, answers, and stops at SIGTERM with 0 and what it did', async () => {
  const service = await start();
  const address = `127.0.0.1:${service.port}`;
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
  service.kill('SIGTERM');
  const { code, stderr } = await service.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const own = { service: 'echo-node', level: 'info', time: expect.any(String) };
  expect(service.log()).toEqual([
    { ...own, event: 'listening', address: '127.0.0.1', port: service.port },
    { ...own, event: 'stopping' },
    { ...own, event: 'stopped', answered: 2, connections: 3 },
  ]);
});

test.skipIf(onWindows)('finishes the answers under way at SIGINT', async () => {
  const service = await start();
  const asking = await openClient(service.port);
  asking.send('hello\n'.repeat(200));
  await asking.line();
  service.kill('SIGINT');
  await asking.lines(199);
  expect(await asking.rest()).toBe('');
  expect((await service.ended).code).toBe(0);
});

test.skipIf(onWindows)('serves on when nobody reads its log any more', async () => {
  const service = await start('--max-connections', '1');
  service.child.stdout?.destroy();
  const served = await openClient(service.port);
  served.send('hello\n');
  await served.line();
  // Writes a line to the log.
  const next = await openClient(service.port);
  expect(await next.rest()).toBe('{"error":"busy"}\n');
  served.send('hello\n');
  expect(parseResponse(await served.line()).service).toBe('echo-node');
  service.kill('SIGTERM');
  expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
});

test('ends with 2 and one line for a wrong name', async () => {
  const args = ['--key', join(folder, 'key'), '--name', 'Echo', '--port', '0'];
  expect(await launch([...program, ...args]).ended).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^echo-node: --name: service name[^\n]*\n$/),
  });
});
