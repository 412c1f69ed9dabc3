/** sd_notify: through a stand-in for systemd-notify, and through the real one where it is. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemdNotifier, watchdogMilliseconds } from '#agent/notify.ts';
import { recorder } from './helpers.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-notify-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes down what it is told. */
function standIn(exitCode = 0) {
  const program = join(folder, 'systemd-notify');
  const log = join(folder, 'log');
  writeFileSync(log, '');
  writeFileSync(program, `#!/bin/sh\necho "$@ to $NOTIFY_SOCKET" >> '${log}'\nexit ${exitCode}\n`);
  chmodSync(program, 0o755);
  return { program, said: () => readFileSync(log, 'utf8').trimEnd().split('\n') };
}

const env = { NOTIFY_SOCKET: '/run/notify', PATH: process.env['PATH'] };

test('says READY and STOPPING in this order', async () => {
  const { program, said } = standIn();
  const logger = recorder();
  const notify = systemdNotifier(logger, { env, program });
  notify.ready();
  notify.stopping();
  await notify.end();
  expect(said()).toEqual(['READY=1 to /run/notify', 'STOPPING=1 to /run/notify']);
  expect(logger.lines).toEqual([]);
});

test('starts nothing without NOTIFY_SOCKET', async () => {
  const { program, said } = standIn();
  const notify = systemdNotifier(recorder(), { env: {}, program });
  notify.ready();
  await notify.end();
  expect(said()).toEqual(['']);
});

test('pings the watchdog while healthy, and not once it is told to stop', async () => {
  const { program, said } = standIn();
  const stop = new AbortController();
  let healthy = false;
  const notify = systemdNotifier(recorder(), { env: { ...env, WATCHDOG_USEC: '40000' }, program });
  notify.watch(() => healthy, stop.signal);
  await sleep(120);
  expect(said()).toEqual(['']);
  healthy = true;
  await expect.poll(said).toContain('WATCHDOG=1 to /run/notify');
  stop.abort();
  await notify.end();
  const count = said().length;
  await sleep(100);
  expect(said()).toHaveLength(count);
});

test.each([
  ['a program that is not there', () => join('/nonexistent', 'systemd-notify')],
  ['a program that fails', () => standIn(1).program],
])('warns once of %s, and goes on', async (_, program) => {
  const logger = recorder();
  const notify = systemdNotifier(logger, { env, program: program() });
  notify.ready();
  notify.stopping();
  await notify.end();
  expect(logger.lines).toEqual([expect.stringContaining('systemd cannot be told READY=1')]);
});

describe('the period', () => {
  test.each([
    [{ WATCHDOG_USEC: '30000000' }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }, 30_000],
    [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
    [{ WATCHDOG_USEC: 'x' }, null],
    [{}, null],
  ])('of %j is %s', (given, expected) => {
    expect(watchdogMilliseconds(given)).toBe(expected);
  });
});

const missing = ['systemd-notify', 'python3'].filter(
  (name) => spawnSync(name, ['--version']).error !== undefined,
);
if (missing.length > 0) console.log(`skipped: ${missing.join(' and ')} not installed`);

test.skipIf(missing.length > 0)('systemd’s own program delivers the datagram', async () => {
  const socket = join(folder, 'socket');
  // Node cannot receive one either. The program waits until its descriptor (the barrier) is closed.
  const receiver = spawn('python3', [
    '-c',
    `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("bound",flush=True)
print(socket.recv_fds(s,4096,4)[0].decode(),flush=True)`,
    socket,
  ]);
  let said = '';
  receiver.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise((done) => receiver.on('close', done));
  await expect.poll(() => said, { timeout: 10_000 }).toContain('bound');
  const notify = systemdNotifier(recorder(), { env: { ...env, NOTIFY_SOCKET: socket } });
  notify.ready();
  await ended;
  expect(said).toContain('READY=1');
  await notify.end();
});
