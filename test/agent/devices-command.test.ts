/** A device's command: what it is given, and every way in which it does not end well. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { commandName, runCommand } from '#agent/devices/command.ts';
import { fromUtf8, toHex } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);
const hex = toHex(nonce);

/** A program of the shell, for tests alone: the agent starts no shell. */
const shell = (script: string, ...words: string[]) => ['/bin/sh', '-c', script, 'sh', ...words];
const run = async (command: readonly string[], timeoutMs = 5000) =>
  fromUtf8(await runCommand({ command, timeoutMs }, nonce, 3), 'output');

describe('a command', () => {
  test('gets nonce and index in its arguments, and nothing reads them as a shell would', async () => {
    const words = ['--nonce={nonce}', '{index}', '$(id) *', '', '{"a":1}'];
    const command = shell('printf "%s|" "$@"', ...words);
    expect(await run(command)).toBe(`--nonce=${hex}|3|$(id) *||{"a":1}|`);
  });

  test('gets the 32 bytes in a file of its own user, which is gone afterwards', async () => {
    const command = shell('stat -c %a "$1"; echo "$1"; od -An -v -tx1 "$1"', '{nonceFile}');
    const [mode, file = '', ...dump] = (await run(command)).trim().split('\n');
    expect(mode).toBe('600');
    expect(dump.join('').replaceAll(' ', '')).toBe(hex);
    expect(existsSync(file)).toBe(false);
  });

  test('is not handed what speaks to systemd', async () => {
    process.env['NOTIFY_SOCKET'] = '/nowhere';
    onTestFinished(() => {
      delete process.env['NOTIFY_SOCKET'];
    });
    expect(await run(shell('echo "$NOTIFY_SOCKET,$PATH"'))).toBe(`,${process.env['PATH']}\n`);
  });

  test('is named after its program', () => {
    expect(commandName(['/nix/store/x/bin/nvattest', 'collect-evidence'])).toBe('nvattest');
  });
});

describe('a command that', () => {
  test.each<[string, string[], string, string]>([
    ['fails', shell('echo "no GPU is ready" >&2; exit 3'), 'device-failed', 'ended with 3: no GPU'],
    ['is killed', shell('kill -9 $$'), 'device-failed', 'ended with SIGKILL'],
    ['is not there', [join(folder, 'absent')], 'device-failed', 'cannot be started'],
    [
      'prints without end',
      shell('while :; do echo 0123456789abcdef0123456789abcdef; done'),
      'device-failed',
      'more than 1048576 bytes',
    ],
    [
      'complains without end, and fails',
      shell('head -c 1000000 /dev/zero >&2; exit 1'),
      'device-failed',
      'ended with 1',
    ],
  ])('%s is a failure that says why', async (_, command, code, message) => {
    await expect(run(command)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test('prints 1 MiB is read whole', async () => {
    expect(await run(shell('head -c 1048576 /dev/zero'))).toHaveLength(1_048_576);
  });

  test('does not end is killed, with all that it started', async () => {
    const file = join(folder, 'pid');
    const command = shell(`sleep 60 & echo $! > ${file}; wait`);
    const start = performance.now();
    expect(await codeOf(() => run(command, 300))).toBe('device-timeout');
    expect(performance.now() - start).toBeLessThan(3000);
    const child = Number(readFileSync(file, 'utf8'));
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  test('ends, but leaves somebody at its output, is given up all the same', async () => {
    const command = shell('sleep 60 & echo early');
    expect(await codeOf(() => run(command, 300))).toBe('device-timeout');
  });
});

function isRunning(pid: number): boolean {
  // A zombie that nobody has waited for has ended.
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return false;
  return !/\) Z /.test(readFileSync(file, 'utf8'));
}
