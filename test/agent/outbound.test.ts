/** The agent connects to nothing: its system calls are watched while it serves. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

const script = fileURLToPath(new URL('../fake/insecure-agent.ts', import.meta.url));

const canTrace = spawnSync('strace', ['-f', '-e', 'trace=connect', 'true']).status === 0;
if (!canTrace) console.log('skipped: strace is not installed, or may not trace');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-outbound-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines of strace that connect to an internet address. */
function outbound(trace: string): string[] {
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /connect\(.*AF_INET6?\b/.test(line));
}

test.skipIf(!canTrace)(
  'no connect to an internet address during requests of every kind',
  { timeout: 120_000 },
  async () => {
    const trace = join(folder, 'agent');
    const roots = join(folder, 'roots.pem');
    const child = spawn(
      'strace',
      [
        '-f',
        '-e',
        'trace=connect',
        '-o',
        trace,
        process.execPath,
        script,
        '--port',
        '0',
        '--out-roots',
        roots,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'], detached: true },
    );
    const group = -(child.pid as number);
    onTestFinished(() => {
      if (child.exitCode === null) process.kill(group, 'SIGKILL');
    });
    const ended = new Promise((done) => child.on('close', done));
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toContain('simulated root in');
    const url = /listening on (\S+)/.exec(said)?.[1] ?? '';
    const paths = [
      'attestation',
      `attestation?nonce=${'0'.repeat(64)}`,
      'services',
      'closure',
      'info',
    ];
    const more = [
      'proofs/x',
      'healthz',
      'readyz',
      'metrics',
      'openapi.json',
      'nothing',
      'attestation?x',
    ];
    for (const path of [...paths, ...more]) await (await fetch(`${url}/${path}`)).text();
    await fetch(`${url}/attestation`, { method: 'POST', body: 'http://example.com' });
    process.kill(group, 'SIGTERM');
    await ended;
    // The trace is there at all: strace notes how the processes ended.
    expect(readFileSync(trace, 'utf8')).toMatch(/exited with|killed by/);
    expect(outbound(trace)).toEqual([]);
  },
);

test.skipIf(!canTrace)('the same look at a program that connects finds it', async () => {
  const trace = join(folder, 'twin');
  const code = `require('node:net').connect(9, '127.0.0.1').on('error', () => {})`;
  spawnSync('strace', ['-f', '-e', 'trace=connect', '-o', trace, process.execPath, '-e', code]);
  expect(outbound(trace)).toHaveLength(1);
});
