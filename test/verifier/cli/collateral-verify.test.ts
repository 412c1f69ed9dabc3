/** `affidavit verify` of evidence without its collateral, against simulated vendors, good ones and others. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { crlNumber } from '#test/fake/extensions.ts';
import { amdReplies, intelReplies, portalReplies, type Replies } from '#test/fake/vendor-server.ts';
import { bundleScene } from '#test/verifier/scene.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { affidavitWith, amdHierarchy, amdMachine, intelMachine, now } from './collateral-scene.ts';

const day = 86_400;
const objectsIn = (cache: string): string[] =>
  existsSync(join(cache, 'objects')) ? readdirSync(join(cache, 'objects')) : [];

describe('a report without collateral', () => {
  test('is completed from the vendor, and then from the cache', async () => {
    const { server, report, verify, cache } = await amdMachine();
    const first = await verify('--report', report);
    expect([first.code, first.stdout]).toEqual([0, expect.stringContaining('ACCEPTED')]);
    const host = new URL(server.url).host;
    expect(first.stderr.split('\n').toSorted()).toEqual([
      '',
      `affidavit: fetched ASK and ARK of Milan from ${host}`,
      expect.stringMatching(/^affidavit: fetched VCEK of the Milan chip [0-9a-f]{16}… at TCB/),
      `affidavit: fetched revocation list of ARK-Milan (vcek) from ${host}`,
    ]);
    expect([server.requests.length, objectsIn(cache).length]).toEqual([3, 3]);

    await server.close();
    const again = await verify('--report', report);
    const timeless = (text: string) => text.replace(/\btime .*/, '');
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(timeless(again.stdout)).toBe(timeless(first.stdout));
    const offline = await verify('--report', report, '--offline', '--format', 'json');
    expect([offline.code, offline.stderr]).toEqual([0, '']);
    expect(server.requests).toHaveLength(3);
  }, 60_000);

  test('offline and with nothing cached is undecided, in one line', async () => {
    const { server, report, verify } = await amdMachine();
    const { code, stderr } = await verify('--report', report, '--offline');
    expect([code, stderr.split('\n').length]).toEqual([30, 2]);
    expect(stderr).toMatch(
      /ASK and ARK of Milan is not in the cache \(and 2 more objects\)\. Run affidavit collateral fetch/,
    );
    expect(server.requests).toEqual([]);
  });

  test('asks nobody with AFFIDAVIT_COLLATERAL=off, which is on or off', async () => {
    const { server, report, options, cache } = await amdMachine();
    const args = ['verify', '--report', report, ...options];
    const off = await affidavitWith(args, { AFFIDAVIT_COLLATERAL: 'off' });
    expect([off.code, off.stderr]).toEqual([30, '']);
    const odd = await affidavitWith(args, { AFFIDAVIT_COLLATERAL: 'no' });
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('Set it to on or off')]);
    expect([server.requests, existsSync(cache)]).toEqual([[], false]);
  });

  test('is completed without a cache that can be written, which is said', async () => {
    const { report, verify, cache, file } = await amdMachine();
    file('cache', 'a file in its place');
    const { code, stderr } = await verify('--report', report);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`the cache ${cache} cannot be used`),
    ]);
  });

  test('is completed in batches too, each object asked for once', async () => {
    const { server, report, verify, folder } = await amdMachine();
    const batch = join(folder, 'batch');
    mkdirSync(batch);
    for (const name of ['a', 'b', 'c']) writeFileSync(join(batch, name), readFileSync(report));
    const { code, stdout, stderr } = await verify('--batch', batch);
    expect([code, stdout.match(/"decision":"accepted"/g)?.length]).toEqual([0, 3]);
    expect(stderr.match(/fetched/g)).toHaveLength(3);
    expect(server.requests).toHaveLength(3);
  });
});

test('a quote without collateral is completed from Intel or a PCCS', async () => {
  const { server, quote, verify } = await intelMachine(intelReplies);
  const { code, stdout, stderr } = await verify('--quote', quote);
  expect([code, stdout]).toEqual([0, expect.stringContaining('ACCEPTED')]);
  expect(stderr.match(/fetched/g)).toHaveLength(4);
  expect(server.requests).toHaveLength(4);
  await server.close();
  const again = await verify('--quote', quote);
  expect([again.code, again.stderr]).toEqual([0, '']);
});

test('a bundle is saved with what was gathered, and then verifies alone', async () => {
  const { hierarchy, file, verify, folder, options } = await amdMachine();
  const { evidence } = await bundleScene({ edit: () => ({ collateral: [] }) });
  const { createSnpDevice } = await import('#test/fake/snp-device.ts');
  const { parseBundle, encodeBundle } = await import('#verifier/abi/bundle.ts');
  const { bindingOf, freshnessOf, reportDataOf } = await import('#verifier/abi/report-data.ts');
  const bundle = parseBundle(evidence.bytes);
  const data = reportDataOf(
    bindingOf(bundle.bound),
    freshnessOf(bundle.nonce, bundle.channel, bundle.epoch),
  );
  const report = createSnpDevice(hierarchy, { signingKey: 'vcek' }).report(data);
  const path = file('bundle.json', encodeBundle({ ...bundle, evidence: report }));
  const saved = join(folder, 'saved.json');
  const first = await verify(path, '--save', saved);
  expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('saved; to verify')]);
  const root = options.slice(-2);
  const alone = await affidavitWith(['verify', saved, '--offline', ...root]);
  expect([alone.code, alone.stderr]).toEqual([0, '']);
}, 60_000);

test('evidence that lacks nothing loads neither the collector nor an HTTP client, a full cache no client', async () => {
  const { report, hierarchy, options, folder, file } = await amdMachine();
  const hooks = fileURLToPath(new URL('./loaded-modules.ts', import.meta.url));
  const loadedBy = async (...args: string[]) => {
    const list = file('loaded', '');
    const environment = { LOADED_MODULES: list, NODE_OPTIONS: `--import=${hooks}` };
    const { code } = await affidavitWith(['verify', '--report', report, ...args], environment);
    const text = readFileSync(list, 'utf8');
    const has = (part: string) => text.includes(part);
    return [
      code,
      has('/collateral/collect.ts'),
      has('/collateral/needs.ts'),
      has('/host/client.ts'),
    ];
  };
  const chain = file('chain.pem', hierarchy.chainPem('vcek'));
  const given = [
    ...['--vek', file('vcek.der', hierarchy.vcek.der), '--chain', chain],
    ...['--crl', file('crl.der', hierarchy.crl.der)],
  ];
  expect(await loadedBy(...given, ...options)).toEqual([0, false, false, false]);
  expect(await loadedBy(...options)).toEqual([0, true, true, true]);
  expect(await loadedBy(...options)).toEqual([0, true, true, false]);
  // The simulator's machines are unknown to the vendors, who are not asked for them.
  const root = ['--insecure-root', join(folder, 'root.pem')];
  expect(await loadedBy(...root)).toEqual([30, false, false, false]);
}, 60_000);

describe('a vendor’s server that misbehaves: undecided, one line, nothing kept', async () => {
  const cases: [string, (good: Replies) => Replies | Promise<Replies>, RegExp][] = [
    [
      'a portal',
      () => portalReplies,
      /answered with a web page.*\(and 2 more objects\)\. A portal, proxy or mirror/,
    ],
    [
      'a redirect',
      () => () => ({ status: 302, headers: { location: '/loop' }, body: '' }),
      /status 302 and pointed to/,
    ],
    ['an error', () => () => ({ status: 500, body: '' }), /status 500/],
    [
      'too many requests',
      () => () => ({ status: 429, headers: { 'retry-after': '60' }, body: '' }),
      /status 429/,
    ],
    ['no such object', () => () => null, /status 404/],
    [
      'a certificate of another chip',
      async (good) => {
        const other = await amdHierarchy({ hardwareId: new Uint8Array(64).fill(7) });
        return (path) => (path.includes('?') ? { body: other.vcek.der } : good(path));
      },
      /the answer is a Milan VCEK of the chip 0707/,
    ],
    [
      'a list that ended',
      async (good) => {
        const old = await amdHierarchy({ now: now() - 500 * day });
        return (path) => (path.endsWith('/crl') ? amdReplies(old)(path) : good(path));
      },
      /the list ended .*this machine's clock says/,
    ],
    [
      'a list from the future: this machine’s clock is behind',
      async (good) => {
        const ahead = await amdHierarchy({ now: now() + 9 * day });
        return (path) => (path.endsWith('/crl') ? amdReplies(ahead)(path) : good(path));
      },
      /the list is valid from .*this machine's clock says.*Set this machine’s clock/,
    ],
  ];

  test.each(cases)('%s', async (_, replies, line) => {
    const { server, hierarchy, report, verify, cache, file } = await amdMachine();
    const good = amdReplies(hierarchy);
    const bad = await replies(good);
    server.reply(bad);
    // The built-in policy does without a list.
    const policy = file('policy.json', JSON.stringify({ ...genuinePolicy, waivers: [] }));
    const { code, stdout, stderr } = await verify('--report', report, '--policy', policy);
    expect([code, stdout.slice(-200)]).toEqual([30, expect.stringContaining('UNDECIDED')]);
    const problems = stderr.split('\n').filter((one) => one !== '' && !one.includes(' fetched '));
    expect(problems).toEqual([expect.stringMatching(line)]);
    const fetched = stderr.match(/ fetched /g)?.length ?? 0;
    expect(objectsIn(cache)).toHaveLength(fetched);
  });

  test('an old list replayed, the cached one being out of date: the old one is not kept', async () => {
    const numbered = (number: number, at: number) =>
      amdHierarchy({
        now: at,
        overrides: {
          crl: ({ extensions }) => ({
            extensions: [...extensions.slice(0, 1), crlNumber(number)],
            nextUpdate: at + (number === 7 ? 4 : 30 * day),
          }),
        },
      });
    const newer = await numbered(7, now());
    const { server, report, verify, cache } = await amdMachine(newer);
    expect((await verify('--report', report)).code).toBe(0);
    const kept = objectsIn(cache).map((name) => readFileSync(join(cache, 'objects', name), 'utf8'));
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const older = await numbered(6, now() - 2 * day);
    server.reply((path) =>
      path.endsWith('/crl') ? amdReplies(older)(path) : amdReplies(newer)(path),
    );
    const { code, stderr } = await verify('--report', report);
    // The one in the cache is used and judged: it has ended.
    expect(code).toBe(20);
    expect(stderr).toMatch(/is out of date since .* it has number 6, the one in the cache has 7/);
    const left = objectsIn(cache).map((name) => readFileSync(join(cache, 'objects', name), 'utf8'));
    expect(left.toSorted()).toEqual(kept.toSorted());
  }, 60_000);
});
