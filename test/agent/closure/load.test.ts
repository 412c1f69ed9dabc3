import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadClosure } from '#agent/closure/load.ts';
import { describeAmount, describeBytes, describePath } from '#agent/closure/text.ts';
import { type ClosureConfig, parseConfig } from '#agent/config.ts';
import { utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../helpers.ts';
import { createFakeStore, listOf, pathInfoOf, registrationOf, storePath } from './fake-store.ts';

const [a, b] = ['0', '1'].map((digit) => storePath(digit)) as [string, string];

function parse(closure: unknown): ClosureConfig {
  const config = {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure,
    services: [],
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
  return parseConfig(utf8(JSON.stringify(config))).closure;
}

describe('the configuration’s closure', () => {
  test.each<[unknown, ClosureConfig]>([
    [{ registration: 'r' }, { source: 'registration', file: 'r', verify: null }],
    [
      { registration: 'r', verify: 'exact' },
      { source: 'registration', file: 'r', verify: 'exact' },
    ],
    [
      { pathInfo: 'p', verify: 'listed' },
      { source: 'pathInfo', file: 'p', verify: 'listed' },
    ],
    [{ scan: '/run/current-system' }, { source: 'scan', system: '/run/current-system' }],
  ])('%j', (closure, expected) => {
    expect(parse(closure)).toEqual(expected);
  });

  test.each<[string, unknown, string]>([
    ['no source', {}, 'config-invalid'],
    ['two sources', { registration: 'r', scan: '/s' }, 'config-invalid'],
    ['three sources', { registration: 'r', pathInfo: 'p', scan: '/s' }, 'config-invalid'],
    ['an unknown source', { database: 'd' }, 'json-shape'],
    ['an unknown source besides', { registration: 'r', database: 'd' }, 'json-shape'],
    ['null', { registration: null }, 'json-shape'],
    ['a relative system path', { scan: 'result' }, 'json-shape'],
    ['another verify', { registration: 'r', verify: true }, 'json-shape'],
    ['verify with a scan', { scan: '/s', verify: 'exact' }, 'config-invalid'],
    ['verify alone', { verify: 'exact' }, 'config-invalid'],
  ])('is refused with %s', async (_, closure, code) => {
    expect(await codeOf(() => parse(closure))).toBe(code);
  });
});

function guest() {
  const root = createFakeStore({ '/run/current-system': `-> ${a}`, [a]: `uses ${b}`, [b]: 'b' });
  const list = listOf(root, { [b]: [], [a]: [b] });
  writeFileSync(join(root, 'registration'), registrationOf(list));
  writeFileSync(join(root, 'path-info.json'), pathInfoOf(list, '2.8'));
  return { root, folder: root };
}

const registration = { source: 'registration', file: 'registration', verify: null } as const;
const verified = { ...registration, verify: 'exact' } as const;

test('each source gives the same paths and says what it did', async () => {
  const options = guest();
  const sources: [ClosureConfig, RegExp][] = [
    [registration, /^closure of 2 paths, 288 bytes from the registration file in \d+\.\d\d s$/],
    [{ source: 'pathInfo', file: 'path-info.json', verify: null }, /from the path info in/],
    [{ source: 'scan', system: '/run/current-system' }, /from a scan of \/run\/current-system in/],
    [verified, /registration file, every NAR hashed again in/],
  ];
  for (const [config, said] of sources) {
    const { paths, summary } = await loadClosure(config, options);
    expect(summary).toMatch(said);
    expect(paths.map(({ path, narHash }) => [path, narHash]).toSorted()).toEqual(
      listOf(options.root, { [a]: [], [b]: [] }).map(({ path, narHash }) => [path, narHash]),
    );
  }
});

test('verify refuses a store that is not as listed; without it the list is believed', async () => {
  const options = guest();
  expect(await codeOf(() => loadClosure(verified, options))).toBe('accepted');
  writeFileSync(join(options.root, b), 'c');
  expect(await codeOf(() => loadClosure(registration, options))).toBe('accepted');
  await expect(loadClosure(verified, options)).rejects.toThrow(`${b} differs`);
  expect(await codeOf(() => loadClosure(verified, options))).toBe('closure-differs');
});

test('a missing file is bad configuration', async () => {
  const options = guest();
  rmSync(join(options.root, 'registration'));
  expect(await codeOf(() => loadClosure(registration, options))).toBe('config-invalid');
});

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [2_140_000_000, '2.1 GB'],
  [12_345_678, '12 MB'],
  [5_000_000_000_000_000, '5,000 TB'],
])('%d bytes: %s', (bytes, text) => {
  expect(describeBytes(bytes)).toBe(text);
});

test('amounts are readable', () => {
  expect(describeAmount(1, 120)).toBe('1 path, 120 bytes');
  expect(describeAmount(1023, 2e9)).toBe('1,023 paths, 2.0 GB');
});

test('a path in a line stays in its line', () => {
  expect(describePath('/nix/store/ä b')).toBe('/nix/store/ä b');
  expect(describePath('/nix/store/x\nerror')).toBe('"/nix/store/x\\nerror"');
});
