/** What the doctor says of machines that lack one thing after another, and the two commands as processes. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsmReportFolder } from '#agent/configfs-entries.ts';
import { type Diagnosis, examine, renderDiagnosis, type System } from '#agent/doctor.ts';
import { AgentError } from '#agent/errors.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { countingSource } from './helpers.ts';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const mount = 'configfs /sys/kernel/config configfs';

/** A machine that lacks nothing, but for the changes. */
function machine(changes: Partial<System> = {}): System {
  let time = 0;
  return {
    release: '6.12.9',
    userId: 990,
    readText: async (path) =>
      path === '/proc/cpuinfo'
        ? 'processor: 0\nflags\t\t: fpu sev sev_snp\n'
        : `${mount} rw,relatime 0 0\n`,
    exists: async (path) => [tsmReportFolder, '/sys/module/sev_guest'].includes(path),
    open: async () => ({ ...countingSource(hierarchy), provider: 'sev_guest' }),
    clock: () => (time += 12),
    ...changes,
  };
}

const refuse = (code: string, message: string) => async () => {
  throw new AgentError('tee-missing', message, {
    cause: Object.assign(new Error(message), { code }),
  });
};

const missing = ({ findings }: Diagnosis) => findings.filter(({ ok }) => !ok).map(({ id }) => id);

describe('examine', () => {
  test('finds nothing missing on a machine that has everything', async () => {
    const diagnosis = await examine(machine());
    expect(missing(diagnosis)).toEqual([]);
    expect(diagnosis.serves).toBe(true);
    expect(diagnosis.findings.map(({ id }) => id)).toEqual([
      'kernel',
      'cpu-flags',
      'module',
      'configfs',
      'tsm',
      'permission',
      'provider',
      'report',
    ]);
    expect(diagnosis.findings.every(({ remedy }) => remedy === null)).toBe(true);
    expect(diagnosis.findings.at(-1)?.found).toBe('1184 bytes in 12 ms');
    expect(renderDiagnosis(diagnosis)).toMatch(
      /^ok {7}kernel.*\n(?:ok.*\n)*This machine can serve/,
    );
  });

  test.each<[string, Partial<System>, string[]]>([
    [
      'a kernel before 6.7',
      { release: '5.19.0', exists: async () => false, open: refuse('ENOENT', 'before 6.7') },
      ['kernel', 'module', 'tsm', 'permission', 'provider', 'report'],
    ],
    [
      'a flag that the kernel hides, which is no hindrance',
      { readText: async (path) => (path === '/proc/cpuinfo' ? 'flags : fpu' : `${mount} rw 0 0`) },
      ['cpu-flags'],
    ],
    [
      'no module',
      { exists: async (path) => path === tsmReportFolder, open: refuse('ENXIO', 'no provider') },
      ['module', 'provider', 'report'],
    ],
    [
      'a module that is built in, which is none',
      { exists: async (path) => path === tsmReportFolder },
      [],
    ],
    [
      'no mount',
      {
        readText: async (path) =>
          path === '/proc/cpuinfo' ? 'flags : tdx_guest' : 'proc /proc proc rw 0 0',
      },
      ['configfs'],
    ],
    [
      'a read-only mount',
      {
        readText: async (path) =>
          path === '/proc/cpuinfo' ? 'flags : tdx_guest' : `${mount} ro,relatime 0 0`,
        open: refuse('EROFS', 'read-only'),
      },
      ['configfs', 'permission', 'provider', 'report'],
    ],
    [
      'no permission',
      { open: refuse('EACCES', 'no permission') },
      ['permission', 'provider', 'report'],
    ],
    [
      'a device that fails',
      { open: async () => countingSource(hierarchy, () => Promise.reject(new Error('EIO'))) },
      ['report'],
    ],
    [
      'a report of another request',
      { open: async () => countingSource(hierarchy, () => new Uint8Array(1184)) },
      ['report'],
    ],
  ])('names %s, and what to do', async (_, changes, expected) => {
    const diagnosis = await examine(machine(changes));
    expect(missing(diagnosis)).toEqual(expected);
    expect(diagnosis.serves).toBe(!expected.includes('report'));
    for (const { ok, remedy } of diagnosis.findings) expect(remedy === null).toBe(ok);
    const lines = renderDiagnosis(diagnosis)
      .split('\n')
      .filter((line) => line.startsWith('missing'));
    expect(lines).toHaveLength(expected.length);
  });

  test('is stopped by a fault of the program, which is nothing that the machine lacks', async () => {
    const open = () => Promise.reject(new TypeError('x'));
    await expect(examine(machine({ open }))).rejects.toThrow(TypeError);
  });
});

const main = fileURLToPath(new URL('../../verifier/cli/main.ts', import.meta.url));

function affidavit(...args: string[]) {
  const child = spawn(process.execPath, [main, 'agent', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      out[name] += text;
    });
  }
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
    child.on('close', (code) => done({ code, ...out }));
  });
}

describe('the commands', () => {
  const path = `/nix/store/${'0'.repeat(32)}-echo`;
  const generator =
    '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
    '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';
  const service = { name: 'echo', storePath: path, publicKey: generator };
  const plain = {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure: { registration: 'registration' },
    services: [service],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
    privlevel: 0,
    accessLog: 'warn',
  };

  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'affidavit-doctor-'));
    writeFileSync(join(folder, 'registration'), `${path}\n${'11'.repeat(32)}\n1\n\n0\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function config(changes: Record<string, unknown>): string {
    const file = join(folder, 'agent.json');
    writeFileSync(file, JSON.stringify({ ...plain, ...changes }));
    return file;
  }

  test('check-config takes what the agent would start with', async () => {
    expect(await affidavit('check-config', config({}))).toEqual({
      code: 0,
      stdout: 'ok: 1 paths, 1 services, 0 collateral files\n',
      stderr: '',
    });
  });

  test.each<[string, Record<string, unknown>, RegExp[]]>([
    ['a key that occurs twice', { services: [service, { ...service, name: 'b' }] }, [/publicKey/]],
    [
      'a point off the curve',
      { services: [{ ...service, publicKey: '11'.repeat(64) }] },
      [/publicKey/],
    ],
    ['a privlevel that is none', { privlevel: 4 }, [/privlevel/]],
    ['a level of log that is none', { accessLog: 'debug' }, [/accessLog/]],
    [
      'a path outside the closure and a file that is no certificate, both',
      {
        services: [{ ...service, storePath: path.replace('echo', 'other') }],
        collateral: { ...plain.collateral, ask: 'registration' },
      },
      [/collateral\.ask/, /not in the closure/],
    ],
  ])('check-config refuses %s with 2', async (_, changes, reasons) => {
    const { code, stdout, stderr } = await affidavit(
      'check-config',
      config(changes),
      '--format',
      'json',
    );
    expect(code).toBe(2);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({ version: 1, ok: false, summary: null });
    expect(said.reasons).toEqual(reasons.map((reason) => expect.stringMatching(reason)));
    expect(stderr.trimEnd().split('\n')).toHaveLength(reasons.length);
  });

  test.skipIf(existsSync(tsmReportFolder))('doctor ends with 30 without a TEE', async () => {
    const { code, stdout, stderr } = await affidavit('doctor');
    expect({ code, stderr }).toEqual({ code: 30, stderr: '' });
    expect(stdout).toMatch(/^missing {2}report/m);
    expect(stdout).not.toMatch(/simulat|insecure/i);
  });

  test('doctor checks a configuration too', async () => {
    const file = config({ services: [{ ...service, publicKey: '11'.repeat(64) }] });
    const { code, stdout } = await affidavit('doctor', '--config', file, '--format', 'json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout).findings.at(-1)).toMatchObject({ id: 'config', ok: false });
  });
});
