/** Against Nix itself: the same closure from its records, from a registration, from a scan, from the command. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parsePathInfo } from '#agent/closure/list.ts';
import { loadClosure } from '#agent/closure/load.ts';
import { scanClosure } from '#agent/closure/scan.ts';
import { verifyClosure } from '#agent/closure/verify.ts';
import { parseRegistration } from '#agent/registration.ts';
import { type ClosurePath, closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { runMeasure } from '#verifier/cli/measure-command.ts';
import { buildSystem, canBuild, cannotBuild, createNixStore, type NixStore } from './nix.ts';

const digestOf = (paths: readonly ClosurePath[]) => toHex(closureDigest(encodeManifest(paths)));
const minute = 60_000;

describe.skipIf(!canBuild)(`a real store${canBuild ? '' : ` (skipped: ${cannotBuild})`}`, () => {
  let folder: string;
  let store: NixStore;
  let system: string;
  let other: string;
  let expected: string;
  let pathInfo: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'affidavit-nix-'));
    store = createNixStore(folder);
    ({ system, other } = buildSystem(store, folder));
    pathInfo = store.nix('nix', 'path-info', '--json', '--recursive', system);
    expected = digestOf(parsePathInfo(utf8(pathInfo)));
    for (const [name, value] of Object.entries(store.environment)) vi.stubEnv(name, value);
  }, 2 * minute);
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the manifest is what nix-store says of each path', () => {
    const paths = store.nix('nix-store', '--query', '--requisites', system).trim().split('\n');
    const hashes = store
      .nix('nix-store', '--query', '--hash', ...paths)
      .trim()
      .split('\n');
    expect(paths).toHaveLength(6);
    expect(paths).not.toContain(other);
    const records = paths.flatMap((path, i) => [path, hashes[i], '1', '', '0']);
    expect(digestOf(parseRegistration(utf8(`${records.join('\n')}\n`)))).toBe(expected);
  });

  test(
    'a scan finds the same paths and hashes',
    async () => {
      const { paths, systemPath } = await scanClosure(system, { root: store.root });
      expect(systemPath).toBe(system);
      expect(digestOf(paths)).toBe(expected);
    },
    minute,
  );

  test(
    'what nix-store --dump-db writes is a registration of the whole store',
    async () => {
      const list = parseRegistration(utf8(store.nix('nix-store', '--dump-db')));
      expect(list.map(({ path }) => path)).toContain(other);
      const { differences } = await verifyClosure(list, { root: store.root, extent: 'exact' });
      expect(differences).toEqual([]);
    },
    minute,
  );

  test(
    'the closure’s paths alone are not all that the store holds',
    async () => {
      const list = parsePathInfo(utf8(pathInfo));
      const { differences } = await verifyClosure(list, { root: store.root, extent: 'exact' });
      expect(differences.map(({ kind, path }) => [kind, path])).toContainEqual(['extra', other]);
      const listed = await verifyClosure(list, { root: store.root, extent: 'listed' });
      expect(listed.differences).toEqual([]);
    },
    minute,
  );

  test(
    'the agent’s closure is the command’s, from each source of both',
    async () => {
      writeFileSync(join(folder, 'path-info.json'), pathInfo);
      const options = { folder, root: store.root };
      const fromFile = { source: 'pathInfo', file: 'path-info.json', verify: 'listed' } as const;
      expect(digestOf((await loadClosure(fromFile, options)).paths)).toBe(expected);
      const scan = { source: 'scan', system } as const;
      expect(digestOf((await loadClosure(scan, options)).paths)).toBe(expected);

      const measure = async (target: string, more: { root?: string; scan?: boolean } = {}) =>
        JSON.parse((await runMeasure({ target, format: 'json', ...more })).stdout);
      const byNix = { version: 1, closureDigest: expected, systemPath: system, paths: 6 };
      expect(await measure(system)).toMatchObject({ ...byNix, source: 'nix' });
      expect(await measure(system, { root: store.root })).toMatchObject({
        ...byNix,
        source: 'scan',
      });
      expect(await measure(join(folder, 'path-info.json'))).toMatchObject({
        ...byNix,
        systemPath: null,
        source: 'path-info',
      });
    },
    2 * minute,
  );

  test(
    'the command builds a flake’s output',
    async () => {
      const flake = join(folder, 'flake');
      cpSync(join(folder, 'shell'), join(flake, 'shell'), { recursive: true });
      const platform = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux`;
      const text = `{ outputs = _: { packages.${platform} = {
      system = derivation {
        name = "flake-system";
        system = "${platform}";
        builder = "\${./shell}/bin/busybox";
        args = [ "sh" "-c" "echo \${./shell} > $out" ];
      };
      broken = throw "it cannot be";
    }; }; }`;
      writeFileSync(join(flake, 'flake.nix'), text);
      const { stdout } = await runMeasure({ target: `path:${flake}#system`, format: 'json' });
      const { systemPath, closureDigest: digest, paths, source } = JSON.parse(stdout);
      expect({ paths, source }).toEqual({ paths: 2, source: 'nix' });
      const scanned = await scanClosure(systemPath, { root: store.root });
      expect(digestOf(scanned.paths)).toBe(digest);

      await expect(runMeasure({ target: `path:${flake}#broken` })).rejects.toMatchObject({
        code: 'nix-failed',
        exitCode: 30,
        message: expect.stringContaining('it cannot be'),
      });
    },
    2 * minute,
  );

  test('a path that Nix does not know is undecided', async () => {
    const target = `/nix/store/${'0'.repeat(32)}-nothing`;
    await expect(runMeasure({ target })).rejects.toMatchObject({
      code: 'nix-failed',
      exitCode: 30,
    });
  });
});
