import { describe, expect, test } from 'vitest';
import { bundleScene, verifyScene } from '#test/verifier/scene.ts';
import { type ClosurePath, closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import { type Bytes, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { diffClosures, filterChanges, pathOf } from '#web/closure/diff.ts';
import {
  inOrder,
  matchOf,
  packagesOf,
  pathWithHash,
  readManifest,
  searchPaths,
  sortPackages,
  sortPaths,
  withoutRepeats,
} from '#web/closure/model.ts';
import { readSizes, sizeText, toNixBase32 } from '#web/closure/sizes.ts';
import { splitName, splitStorePath } from '#web/closure/store-path.ts';

const listed = (name: string, hash = 'a', contents = 1): ClosurePath => ({
  path: `/nix/store/${hash.repeat(32)}-${name}`,
  narHash: new Uint8Array(32).fill(contents),
});
const split = (...args: Parameters<typeof listed>) => splitStorePath(listed(...args));

describe('a store path', () => {
  test.each([
    ['glibc-2.39-52', { name: 'glibc', version: '2.39-52', output: '' }],
    ['glibc-2.39-52-bin', { name: 'glibc', version: '2.39-52', output: 'bin' }],
    ['linux-6.6.32-modules', { name: 'linux', version: '6.6.32', output: 'modules' }],
    ['unit-sshd.service', { name: 'unit-sshd.service', version: '', output: '' }],
    ['openssl-3.0.13-rc', { name: 'openssl', version: '3.0.13-rc', output: '' }],
    ['python3.11-pip-23.1', { name: 'python3.11-pip', version: '23.1', output: '' }],
    ['foo-dev', { name: 'foo-dev', version: '', output: '' }],
    ['-1.0', { name: '-1.0', version: '', output: '' }],
  ])('%s is split by Nix’s rule', (text, expected) => {
    expect(splitName(text)).toEqual(expected);
  });

  test('keeps its path, its hash and its contents’ hash', () => {
    expect(split('zlib-1.3', 'b', 7)).toMatchObject({
      path: `/nix/store/${'b'.repeat(32)}-zlib-1.3`,
      hash: 'b'.repeat(32),
      name: 'zlib',
      narHash: '07'.repeat(32),
    });
  });
});

describe('a manifest', () => {
  const manifest = encodeManifest([listed('zlib-1.3'), listed('bash-5.2', 'b')]);

  test('is read with its digest', () => {
    const { digest, paths, problem } = readManifest('closure.txt', manifest);
    expect(digest).toBe(toHex(closureDigest(manifest)));
    expect(paths?.map(({ name }) => name)).toEqual(['zlib', 'bash']);
    expect(problem).toBe(null);
  });

  test('that is none has a digest and a problem', () => {
    const found = readManifest('x', utf8('<b>no manifest</b>\n'));
    expect(found.paths).toBe(null);
    expect(found.problem).toMatch(/line 1 is not/);
    expect(found.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  const verifiedOf = async (closureDigest: Bytes, broken = false) =>
    verifyScene(
      await bundleScene({
        bound: { closureDigest },
        ...(broken && {
          edit: ({ bound }) => ({ bound: { ...bound, logDigest: new Uint8Array(32) } }),
        }),
      }),
    );
  const digest = toHex(closureDigest(manifest));

  test('is the one bound, another’s, or nobody’s', async () => {
    const right = await verifiedOf(closureDigest(manifest));
    expect(matchOf(digest, right)).toBe('bound');
    expect(matchOf(digest, await verifiedOf(new Uint8Array(32).fill(9)))).toBe('other');
    expect(matchOf(digest, { ...right, bundle: null } as typeof right)).toBe('nothing');
  });

  test('is only stated where the report binds other digests than the bundle says', async () => {
    expect(matchOf(digest, await verifiedOf(closureDigest(manifest), true))).toBe('stated');
  });

  test('that is the bundle’s leads', async () => {
    const verified = await verifiedOf(closureDigest(manifest));
    const other = readManifest('old', encodeManifest([listed('zlib-1.2')]));
    const own = readManifest('own', manifest);
    expect(inOrder([other, own], verified)).toEqual([own, other]);
    expect(withoutRepeats([own, other, { ...own, name: 'again' }])).toEqual([own, other]);
  });

  test('tells where a service’s code lies', () => {
    const own = readManifest('own', manifest);
    expect(pathWithHash(own, '01'.repeat(32))).toBe(listed('zlib-1.3').path);
    expect(pathWithHash(own, '02'.repeat(32))).toBe(null);
  });
});

describe('a list of paths', () => {
  const paths = [
    split('Zlib-1.3', 'a', 1),
    split('bash-5.2', 'b', 2),
    split('bash-5.1', 'c', 3),
    split('etc', 'd', 4),
  ];

  test('is sorted by name, version and output, or stays as its paths are', () => {
    const names = sortPaths(paths, 'name', null).map(({ name, version }) => `${name} ${version}`);
    expect(names).toEqual(['bash 5.1', 'bash 5.2', 'etc ', 'Zlib 1.3']);
    expect(sortPaths(paths, 'path', null)).toEqual(paths);
  });

  test('is sorted by size, the largest first and the unknown last', () => {
    const sizes = new Map([
      [paths[1]?.path ?? '', 5],
      [paths[3]?.path ?? '', 9],
    ]);
    expect(sortPaths(paths, 'size', sizes).map(({ name }) => name)).toEqual([
      'etc',
      'bash',
      'Zlib',
      'bash',
    ]);
  });

  test('is searched by words of path and hash', () => {
    expect(searchPaths(paths, 'BASH 5.1')).toEqual([paths[2]]);
    expect(searchPaths(paths, '0404')).toEqual([paths[3]]);
    expect(searchPaths(paths, ' ')).toBe(paths);
    expect(searchPaths(paths, 'bash zlib')).toEqual([]);
  });

  test('is counted by package', () => {
    const packages = sortPackages(packagesOf(paths, null), 'name');
    expect(packages.map(({ name, paths, versions }) => [name, paths, versions])).toEqual([
      ['bash', 2, ['5.2', '5.1']],
      ['etc', 1, []],
      ['Zlib', 1, ['1.3']],
    ]);
  });

  test('of twenty thousand is sorted, searched and compared', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => split(`p${i}-1.${i % 9}`, 'a', i % 250));
    expect(searchPaths(sortPaths(many, 'name', null), 'p1234').length).toBe(11);
    expect(packagesOf(many, null).length).toBe(20_000);
    expect(diffClosures(many.slice(1), many).counts).toMatchObject({ added: 1, same: 19_999 });
  });
});

describe('two closures', () => {
  const kinds = (...args: Parameters<typeof diffClosures>) =>
    diffClosures(...args).changes.map((change) => [
      change.kind,
      pathOf(change).name,
      change.before?.version ?? null,
      change.after?.version ?? null,
    ]);

  test('the same path for path are unchanged', () => {
    const paths = [split('a-1'), split('b-2', 'b')];
    expect(diffClosures(paths, paths).counts).toEqual({
      added: 0,
      removed: 0,
      version: 0,
      contents: 0,
      same: 2,
    });
  });

  test('added, removed, other versions and other contents are told apart', () => {
    const before = [split('gone-1'), split('ssl-3.0'), split('sh-5'), split('same-1', 'd')];
    const after = [
      split('new-1'),
      split('ssl-3.1', 'b'),
      split('sh-5', 'c', 2),
      split('same-1', 'd'),
    ];
    expect(kinds(before, after)).toEqual([
      ['removed', 'gone', '1', null],
      ['added', 'new', null, '1'],
      ['same', 'same', '1', '1'],
      ['contents', 'sh', '5', '5'],
      ['version', 'ssl', '3.0', '3.1'],
    ]);
  });

  test('the very same path with other contents is a change of contents', () => {
    expect(kinds([split('a-1', 'a', 1)], [split('a-1', 'a', 2)])).toEqual([
      ['contents', 'a', '1', '1'],
    ]);
  });

  test('outputs are compared with their like', () => {
    const before = [split('ssl-3.0', 'a'), split('ssl-3.0-bin', 'b')];
    const after = [split('ssl-3.1-bin', 'c'), split('ssl-3.1', 'd')];
    expect(diffClosures(before, after).counts).toMatchObject({ version: 2, added: 0, removed: 0 });
  });

  test('of several versions equal ones meet first, and the rest is added or removed', () => {
    const before = [split('py-3.11', 'a'), split('py-3.12', 'b')];
    const after = [split('py-3.12', 'c', 2)];
    expect(kinds(before, after)).toEqual([
      ['removed', 'py', '3.11', null],
      ['contents', 'py', '3.12', '3.12'],
    ]);
  });

  test('are filtered by kind and words', () => {
    const { changes } = diffClosures(
      [split('ssl-3.0')],
      [split('ssl-3.1', 'b'), split('sh-5', 'c')],
    );
    expect(filterChanges(changes, new Set(['version']), '')).toHaveLength(1);
    expect(filterChanges(changes, new Set(['version', 'added']), 'ssl 3.0')).toHaveLength(1);
    expect(filterChanges(changes, new Set(), '')).toEqual([]);
  });
});

describe('sizes', () => {
  const paths = [split('zlib-1.3', 'a', 1), split('bash-5.2', 'b', 2), split('etc', 'c', 3)];
  const info = (index: number, narHash: string, narSize: unknown) => ({
    path: paths[index]?.path,
    narHash,
    narSize,
    references: [],
  });
  const hash = (index: number) => new Uint8Array(32).fill(index + 1);
  const read = (json: unknown) => [...readSizes(utf8(JSON.stringify(json)), paths).values()];

  test('are those of paths with the manifest’s hash, however Nix writes it', () => {
    const all = [
      info(0, `sha256-${toBase64(hash(0))}`, 10),
      info(1, `sha256:${toNixBase32(hash(1))}`, 20),
      info(2, `sha256:${toHex(hash(2))}`, 30),
    ];
    expect(read(all)).toEqual([10, 20, 30]);
    expect(read(Object.fromEntries(all.map((one) => [one.path, one])))).toEqual([10, 20, 30]);
  });

  test('of another content, or that are no sizes, are not taken', () => {
    const right = `sha256-${toBase64(hash(0))}`;
    expect(read([info(0, right, 1), info(1, right, 2), null, 3, { path: paths[2]?.path }])).toEqual(
      [1],
    );
    for (const bad of [-1, 1.5, '7', null]) {
      expect(() => read([info(0, right, bad)])).toThrow('the size of none of these paths');
    }
    expect(() => read('text')).toThrow('nix path-info');
  });

  test('Nix’s base32 of zeros, of ones, and of one bit', () => {
    expect(toNixBase32(new Uint8Array(32))).toBe('0'.repeat(52));
    expect(toNixBase32(new Uint8Array(32).fill(255))).toBe(`1${'z'.repeat(51)}`);
    expect(toNixBase32(Uint8Array.of(1, ...new Uint8Array(31)))).toBe(`${'0'.repeat(51)}1`);
  });

  test.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1536, '1.5 KiB'],
    [123 * 1024 * 1024, '123 MiB'],
  ])('%i is %s', (size, text) => {
    expect(sizeText(size)).toBe(text);
  });
});
