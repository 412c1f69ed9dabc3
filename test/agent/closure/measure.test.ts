import { appendFileSync, chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { fromUtf8, toHex } from '#verifier/bytes.ts';
import { type MeasureOptions, runMeasure } from '#verifier/cli/measure-command.ts';
import {
  createFakeStore,
  listOf,
  pathInfoOf,
  registrationOf,
  storePath,
  temporaryFolder,
} from './fake-store.ts';

const [a, b, c] = ['0', '1', '2'].map((digit) => storePath(digit)) as [string, string, string];

function machine() {
  const root = createFakeStore({
    '/run/current-system': `-> ${a}`,
    [a]: { lib: `-> ${b}/lib` },
    [b]: { lib: {} },
  });
  const list = listOf(root, { [a]: [b], [b]: [] });
  const manifest = encodeManifest(list);
  const registration = join(root, 'registration');
  writeFileSync(registration, registrationOf(list));
  const pathInfo = join(root, 'path-info.json');
  writeFileSync(pathInfo, pathInfoOf(list, '2.26'));
  const digest = toHex(closureDigest(manifest));
  return { root, list, registration, pathInfo, digest, manifest: fromUtf8(manifest, 'manifest') };
}

/** No nix but what is put there. */
function useNix(script: string | null): void {
  const folder = temporaryFolder();
  if (script !== null) {
    writeFileSync(join(folder, 'nix'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'nix'), 0o755);
  }
  vi.stubEnv('PATH', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function endingOf(options: MeasureOptions): Promise<unknown[]> {
  try {
    return [(await runMeasure(options)).exitCode];
  } catch (error) {
    const { exitCode, code, message } = error as Record<string, unknown>;
    return [exitCode, code, message];
  }
}

test('a list, its two forms, an image and nix’s answer have the same digest', async () => {
  const { root, list, registration, pathInfo, digest, manifest } = machine();
  writeFileSync(join(root, 'answer'), `${pathInfoOf(list, '2.8')}\n`);
  useNix(`while read -r line; do echo "$line"; done < ${root}/answer`);
  const targets: [MeasureOptions, string][] = [
    [{ target: registration }, 'from a registration file'],
    [{ target: pathInfo }, 'from path info'],
    [{ target: '/run/current-system', root }, 'by a scan'],
    [{ target: a }, 'by nix'],
  ];
  for (const [options, how] of targets) {
    const { stdout, stderr, exitCode } = await runMeasure(options);
    expect({ stdout, exitCode }).toEqual({ stdout: `${digest}\n`, exitCode: 0 });
    expect(stderr).toContain('2 paths');
    expect(stderr).toContain(how);
  }
  const whole = await runMeasure({ target: registration, manifest: true });
  expect(whole.stdout).toBe(manifest);
  expect(whole.stderr).toContain(digest);
  const { stdout, stderr } = await runMeasure({ target: pathInfo, format: 'json', manifest: true });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    version: 1,
    closureDigest: digest,
    systemPath: null,
    paths: 2,
    bytes: list.reduce((sum, { narSize }) => sum + narSize, 0),
    source: 'path-info',
    verified: false,
    manifest,
  });
});

test('--verify says that the store is as listed, or which path is not', async () => {
  const { root, registration } = machine();
  const verify = { target: registration, root, verify: true };
  const { stdout } = await runMeasure({ ...verify, format: 'json' });
  expect(JSON.parse(stdout)).toMatchObject({ source: 'registration', verified: true });
  writeFileSync(join(root, c), '');
  expect(await endingOf(verify)).toEqual([
    20,
    'closure-differs',
    expect.stringContaining(`${c} is in the store`),
  ]);
  expect(await endingOf({ ...verify, allowExtra: true })).toEqual([0]);
  mkdirSync(join(root, b, 'bin'));
  expect(await endingOf({ ...verify, allowExtra: true })).toEqual([
    20,
    'closure-differs',
    expect.stringContaining(`${b} differs`),
  ]);
});

describe('it ends', () => {
  test('with 30 where nix is needed and missing, or fails', async () => {
    useNix(null);
    expect(await endingOf({ target: '.#system' })).toEqual([
      30,
      'nix-missing',
      expect.stringContaining('no nix command'),
    ]);
    useNix('echo "error: no such attribute" >&2; exit 1');
    expect(await endingOf({ target: '.#system' })).toEqual([
      30,
      'nix-failed',
      expect.stringContaining('no such attribute'),
    ]);
  });

  test('with 30 for a flake with several outputs', async () => {
    useNix(`echo '[{"drvPath":"x","outputs":{"out":"${a}","man":"${b}"}}]'`);
    const [code, name] = await endingOf({ target: '.#system' });
    expect([code, name]).toEqual([30, 'nix-failed']);
  });

  test('with 2 for what is nothing at all, or no store path', async () => {
    const { root } = machine();
    useNix(null);
    expect((await endingOf({ target: join(root, 'nothing') }))[0]).toBe(2);
    expect((await endingOf({ target: root })).slice(0, 2)).toEqual([2, 'closure-unreadable']);
    symlinkSync('nowhere', join(root, 'dangling'));
    expect((await endingOf({ target: join(root, 'dangling') }))[0]).toBe(2);
    expect((await endingOf({ target: '/run/nothing', root }))[0]).toBe(2);
  });

  test('with 20 for a list that is malformed', async () => {
    const { registration, pathInfo } = machine();
    expect(await endingOf({ target: registration })).toEqual([0]);
    appendFileSync(registration, 'x\n');
    appendFileSync(pathInfo, 'x');
    expect((await endingOf({ target: registration })).slice(0, 2)).toEqual([
      20,
      'closure-malformed',
    ]);
    expect((await endingOf({ target: pathInfo })).slice(0, 2)).toEqual([20, 'json-malformed']);
  });

  test.each<[string, Partial<MeasureOptions>]>([
    ['--allow-extra without --verify', { allowExtra: true }],
    ['--scan with --verify', { scan: true, verify: true }],
    ['--scan of a list', { scan: true }],
    ['an empty --root', { root: '' }],
  ])('with 2 for %s', async (_, options) => {
    const { registration } = machine();
    const [code, name] = await endingOf({ target: registration, ...options });
    expect([code, name]).toEqual([2, 'usage']);
  });

  test('with 2 for --verify of a scan', async () => {
    const { root } = machine();
    const scan = { target: '/run/current-system', root };
    expect(await endingOf(scan)).toEqual([0]);
    expect((await endingOf({ ...scan, verify: true }))[0]).toBe(2);
  });
});
