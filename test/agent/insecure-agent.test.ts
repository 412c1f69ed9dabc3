/** The insecure agent as a process: its options, its banner, its root. */
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { parseReport } from '#verifier/abi/snp.ts';

const script = fileURLToPath(new URL('../fake/insecure-agent.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-insecure-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Resolves when it listens or has ended. */
async function start(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const seen = { stdout: '', stderr: '', url: '' };
  const ended = new Promise<number | null>((done) => child.on('close', done));
  child.stderr.setEncoding('utf8').on('data', (text) => {
    seen.stderr += text;
  });
  const listening = new Promise<void>((done) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      seen.stdout += text;
      seen.url = /listening on (http:\S+)/.exec(seen.stdout)?.[1] ?? '';
      if (seen.stdout.includes('simulated root in')) done();
    });
  });
  await Promise.race([listening, ended]);
  return { child, seen, ended };
}

test('serves evidence of the product and version asked for, and stops on SIGTERM', async () => {
  const roots = join(folder, 'roots.pem');
  const options = [
    '--product',
    'Turin',
    '--report-version',
    '3',
    '--no-collateral',
    'ark-crl',
    'vek',
  ];
  const { child, seen, ended } = await start('--port', '0', '--out-roots', roots, ...options);
  expect(seen.stderr).toContain('INSECURE');
  expect(seen.stdout).toContain('(sev-snp via INSECURE simulated AMD processor)');
  expect(seen.stdout).toMatch(/closure digest [0-9a-f]{64} \(6 paths\)/);
  expect(seen.stdout).toMatch(/tree root [0-9a-f]{64} \(3 services\)/);

  const response = await fetch(`${seen.url}/attestation`);
  const bundle = parseBundle(new Uint8Array(await response.arrayBuffer()));
  expect(parseReport(bundle.evidence)).toMatchObject({ version: 3, cpuid: { family: 0x1a } });
  expect(bundle.collateral.map(({ kind }) => kind)).toEqual(['ask', 'ark']);
  const root = new X509Certificate(await readFile(roots));
  expect(root.subject).toContain('CN=ARK-Turin');
  expect(new Uint8Array(root.raw)).toEqual(bundle.collateral[1]?.data);

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('with --platform tdx serves quotes of the version asked for, under its Intel root', async () => {
  const roots = join(folder, 'intel-roots.pem');
  const options = ['--platform', 'tdx', '--quote-version', '4', '--no-collateral', 'pck-crl'];
  const { child, seen, ended } = await start('--port', '0', '--out-roots', roots, ...options);
  expect(seen.stderr).toContain('INSECURE');
  expect(seen.stdout).toContain('(tdx via INSECURE simulated Intel processor)');

  const response = await fetch(`${seen.url}/attestation`);
  const bundle = parseBundle(new Uint8Array(await response.arrayBuffer()));
  expect(bundle.platform).toBe('tdx');
  expect(parseQuote(bundle.evidence).header).toMatchObject({ version: 4, tee: 'tdx' });
  expect(bundle.collateral.map(({ kind }) => kind)).toEqual([
    'tcb-info',
    'tcb-signing',
    'qe-identity',
    'qe-identity-signing',
    'intel-root-crl',
    'intel-root',
  ]);
  const root = new X509Certificate(await readFile(roots));
  expect(root.subject).toContain('CN=Intel SGX Root CA');
  expect(new Uint8Array(root.raw)).toEqual(bundle.collateral.at(-1)?.data);

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('takes closure and services from a configuration of the agent', async () => {
  const path = `/nix/store/${'0'.repeat(32)}-echo`;
  await writeFile(join(folder, 'registration'), `${path}\n${'11'.repeat(32)}\n1\n\n0\n`);
  const file = join(folder, 'agent.json');
  const config = {
    version: 1,
    listen: { host: '127.0.0.1', port: 1 },
    closure: { registration: 'registration' },
    services: [],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
  await writeFile(file, JSON.stringify(config));
  const roots = join(folder, 'roots.pem');
  const { seen } = await start('--port', '0', '--out-roots', roots, '--config', file);
  expect(seen.stdout).toContain('(1 path)');
  const closure = await fetch(`${seen.url}/closure`);
  expect(await closure.text()).toBe(`${'11'.repeat(32)} ${path}\n`);
});

describe('ends with 2 and a line for', () => {
  const roots = ['--out-roots', '/dev/null'];
  const tdx = ['--port', '0', ...roots, '--platform', 'tdx'];
  test.each([
    ['an unknown option', ['--port', '0', ...roots, '--secure'], 'secure'],
    ['no port', roots, 'port'],
    ['a port that is none', ['--port', '70000', ...roots], '--port'],
    ['no roots file', ['--port', '0'], 'out-roots'],
    ['an unknown product', ['--port', '0', ...roots, '--product', 'Rome'], 'Rome'],
    ['an unknown version', ['--port', '0', ...roots, '--report-version', '6'], '6'],
    ['an unknown platform', ['--port', '0', ...roots, '--platform', 'sgx'], 'sgx'],
    ['a product of Intel', [...tdx, '--product', 'Milan'], '--product'],
    ['a report of Intel', [...tdx, '--report-version', '5'], '--report-version'],
    ['a quote of AMD', ['--port', '0', ...roots, '--quote-version', '5'], '--quote-version'],
    ['collateral of the other vendor', [...tdx, '--no-collateral', 'vek'], 'vek is none of'],
    ['unknown collateral', ['--port', '0', ...roots, '--no-collateral', 'vcek'], 'vcek'],
    ['a missing configuration', ['--port', '0', ...roots, '--config', 'nothing.json'], 'ENOENT'],
  ])('%s', async (_, args, message) => {
    const { seen, ended } = await start(...args);
    expect(await ended).toBe(2);
    expect(seen.stderr).toContain(message);
    expect(seen.stderr).not.toMatch(/^\s+at /m);
  });
});
