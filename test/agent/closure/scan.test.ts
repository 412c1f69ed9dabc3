import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createNarPool } from '#agent/closure/pool.ts';
import { scanClosure } from '#agent/closure/scan.ts';
import { pathsByHash, storePathOf } from '#agent/closure/store.ts';
import { hashNar } from '#agent/nar.ts';
import { codeOf } from '../helpers.ts';
import { type Content, createFakeStore, digitsOf, storePath } from './fake-store.ts';

const [a, b, c, d, e] = ['0', '1', '2', '3', '4'].map((digit) => storePath(digit)) as [
  ...[string, string, string, string, string],
];

/** a → b, c; b → b, d; c → a; nothing → e */
const system: Record<string, Content> = {
  '/run/current-system': `-> ${a}`,
  [a]: { sw: `-> ${b}/bin`, [`named-${digitsOf('2')}`]: '' },
  [b]: { bin: { app: `\0\0${b}\0${d}\n` } },
  [c]: `-> ${a}`,
  [d]: `mentions ${storePath('5')}, which is not there`,
  [e]: a,
};

test('a scan finds what is referred to by contents, targets and names, and hashes it', async () => {
  const root = createFakeStore(system);
  const seen: number[] = [];
  const { systemPath, paths, bytes } = await scanClosure('/run/current-system', {
    root,
    progress: ({ paths }) => seen.push(paths),
  });
  expect(systemPath).toBe(a);
  const expected = [a, b, c, d].map((path) => ({ path, ...hashNar(join(root, path)) }));
  expect(paths.toSorted((x, y) => (x.path < y.path ? -1 : 1))).toEqual(
    expected.map(({ path, narHash }) => ({ path, narHash })),
  );
  expect(bytes).toBe(expected.reduce((sum, { narSize }) => sum + narSize, 0));
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('one worker finds the same as three', async () => {
  const root = createFakeStore(system);
  const digest = async (threads: number) => {
    const { paths } = await scanClosure(a, { root, threads });
    return paths.map(({ path, narHash }) => `${path} ${narHash}`).sort();
  };
  expect(await digest(1)).toEqual(await digest(3));
});

describe('a scan is refused', () => {
  test.each<[string, Record<string, Content>, string]>([
    ['without the system path', { [a]: '' }, '/run/current-system'],
    ['for a system outside the store', { '/etc/x': '' }, '/etc/x'],
    ['for a store path that is not there', { '/s': `-> ${b}`, [a]: '' }, '/s'],
    ['for symlinks in a circle', { '/s': '-> /t', '/t': '-> s', [a]: '' }, '/s'],
    ['when two paths have one hash', { [a]: '', [storePath('0', 'y')]: '' }, a],
  ])('%s', async (_, files, path) => {
    const root = createFakeStore(files);
    expect(await codeOf(() => scanClosure(path, { root }))).toBe('closure-unreadable');
  });

  test('when a path that is reached has no NAR', async () => {
    const root = createFakeStore(system);
    expect(await codeOf(() => scanClosure(a, { root }))).toBe('accepted');
    execFileSync('mkfifo', [join(root, b, 'pipe')]);
    await expect(scanClosure(a, { root })).rejects.toThrow(`${b}/pipe`);
  });

  test('when the store is a symlink, which would lead out of the image', async () => {
    const root = createFakeStore({});
    mkdirSync(join(root, 'image/nix'), { recursive: true });
    symlinkSync(join(root, 'nix/store'), join(root, 'image/nix/store'));
    writeFileSync(join(root, a), '');
    expect(await codeOf(() => scanClosure(a, { root }))).toBe('accepted');
    const inside = () => scanClosure(a, { root: join(root, 'image') });
    expect(await codeOf(inside)).toBe('closure-unreadable');
  });
});

test('a path leads to the store path that it enters first', async () => {
  const root = createFakeStore({
    '/run/current-system': '-> ../nix/var/system',
    '/nix/var': { system: '-> system-1-link', 'system-1-link': `-> ${c}` },
    [c]: `-> ${a}`,
    [a]: { bin: {} },
  });
  expect(await storePathOf(root, '/run/current-system')).toBe(c);
  expect(await storePathOf(root, `${a}/bin`)).toBe(a);
  expect(await storePathOf(`${root}/`, '/run/../run/./current-system')).toBe(c);
});

test('what Nix leaves beside a path is not another path', () => {
  const names = ['0', '1'].map((digit) => `${digitsOf(digit)}-flake.lock`);
  const both = pathsByHash([...names, `${names[0]}.lock`, `${names[1]}.chroot`, '.links', 'x']);
  expect([...both.values()]).toEqual(names.map((name) => `/nix/store/${name}`));
});

test('a pool refuses what is under way when it is closed', async () => {
  const root = createFakeStore({ [a]: 'x' });
  const pool = createNarPool({ threads: 1 });
  expect((await pool.hash(join(root, a))).references).toEqual([]);
  const waiting = [pool.hash(join(root, a)), pool.hash(join(root, a))];
  const ended = Promise.allSettled(waiting);
  await pool.close();
  expect((await ended).at(-1)?.status).toBe('rejected');
  await expect(pool.hash(join(root, a))).rejects.toThrow('closed');
});
