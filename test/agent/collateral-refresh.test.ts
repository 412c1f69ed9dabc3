/** The refresher and the agent together: with vendors that answer, and without. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { tlsOf, now as unixNow } from '#agent/cli.ts';
import { withCollateral } from '#agent/collateral.ts';
import { collateralFileName, parseCollateralFile } from '#agent/collateral-file.ts';
import { openCollateralFolder } from '#agent/collateral-folder.ts';
import { runRefreshCollateral } from '#agent/collateral-refresh-command.ts';
import { serve } from '#agent/listen.ts';
import type { EvidenceSource } from '#agent/source.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import { createInsecureAgent } from '#test/fake/insecure-agent.ts';
import { createIntel, type Intel } from '#test/fake/intel.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { type CollateralItem, parseBundle } from '#verifier/abi/bundle.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import { verify } from '#verifier/verify.ts';
import { amdContents, intelContents, startVendor, type Vendor } from './collateral-vendor.ts';
import { recorder, startAgent, startTdxAgent } from './helpers.ts';

const time = unixNow();
const day = 86_400;

let hierarchy: AmdHierarchy;
let intel: Intel;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan', now: time });
  intel = createIntel({ now: time });
});

let folder: string;
let vendor: Vendor;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-refresh-'));
  const amd = amdContents(hierarchy);
  const other = intelContents(intel);
  vendor = await startVendor((object) => amd(object) ?? other(object));
  await writeFile(join(folder, 'amd.pem'), hierarchy.rootsPem());
  await writeFile(join(folder, 'intel.pem'), intel.rootsPem());
  return async () => {
    await vendor.die();
    await rm(folder, { recursive: true });
  };
});

const shared = () => join(folder, 'shared');

/** A device that hands out nothing but reports, below the agent's folder; looks at it every time. */
function sourceOf(
  machine: 'amd' | 'intel',
  own: readonly CollateralItem[] = [],
  came: readonly CollateralItem[] = [],
): EvidenceSource {
  const logger = recorder();
  let clock = 0;
  const view = openCollateralFolder({ folder: shared(), logger, clock: () => (clock += 1000) });
  const snp = createSnpDevice(hierarchy);
  const tdx = createTdxDevice(intel);
  const report = machine === 'amd' ? snp.report : tdx.quote;
  const device: EvidenceSource = {
    platform: machine === 'amd' ? 'sev-snp' : 'tdx',
    name: 'simulated device',
    report: async (reportData) => ({ evidence: report(reportData), collateral: [...came] }),
  };
  return withCollateral(device, own, view);
}

const startAmd = (source = sourceOf('amd'), now = unixNow) =>
  startAgent({ hierarchy, source, now });

type Changes = Partial<Parameters<typeof runRefreshCollateral>[0]>;

const refresh = (from: string, machine: 'amd' | 'intel' = 'amd', changes: Changes = {}) =>
  runRefreshCollateral({
    from,
    folder: shared(),
    cache: join(folder, 'cache'),
    kds: vendor.url,
    pcs: vendor.url,
    insecureRoot: join(folder, `${machine}.pem`),
    ...changes,
  });

const written = async () =>
  parseCollateralFile(await readBytes(join(shared(), collateralFileName)));

async function readBytes(path: string): Promise<Bytes> {
  return new Uint8Array(await readFile(path));
}

async function bundleOf(url: string): Promise<Bytes> {
  const response = await fetch(`${url}/attestation`);
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

const kindsIn = (bytes: Bytes) => parseBundle(bytes).collateral.map(({ kind }) => kind);

/** Of a verifier with the root, and nothing but the bundle; no check is waived. */
async function decisionOf(bytes: Bytes, root: Bytes, now = unixNow()) {
  const roots = [insecureRoot(parseCertificate(root, 'root'))];
  const evidence = { form: 'bundle', bytes, nonce: null, connection: null } as const;
  const verified = await verify(evidence, [], roots, now, nodeCrypto);
  return appraise(verified, { ...genuinePolicy, waivers: [] }).decision;
}

const statusOf = async (url: string) =>
  ((await (await fetch(`${url}/readyz`)).json()) as { collateral: Record<string, unknown> })
    .collateral;

test('AMD: evidence carries what the refresher fetched, and verifies without any network', async () => {
  const { url } = await startAmd();
  const bare = await bundleOf(url);
  expect(kindsIn(bare)).toEqual([]);
  expect(await decisionOf(bare, hierarchy.ark.der)).toBe('undecided');
  expect(await statusOf(url)).toMatchObject({ missing: ['vek', 'ask', 'ark', 'ark-crl'] });

  expect(await refresh(url)).toMatchObject({ exitCode: 0 });
  expect(vendor.asked.toSorted()).toEqual(['amd-chain', 'amd-crl', 'vcek']);
  const whole = await bundleOf(url);
  expect(kindsIn(whole).toSorted()).toEqual(['ark', 'ark-crl', 'ask', 'vek']);
  expect(await decisionOf(whole, hierarchy.ark.der)).toBe('accepted');
  expect(parseBundle(whole).collateral[0]?.source).toContain(vendor.url);
  const status = await statusOf(url);
  expect(status).toMatchObject({ missing: [], problem: null, damaged: null, staleSince: null });
  expect(status['checked']).toBeGreaterThanOrEqual(time);
});

test('TDX: the same, with seven objects', async () => {
  const { url } = await startTdxAgent({ intel, source: sourceOf('intel'), now: unixNow });
  expect(kindsIn(await bundleOf(url))).toEqual([]);
  expect(await refresh(url, 'intel')).toMatchObject({ exitCode: 0 });
  const whole = await bundleOf(url);
  expect(new Set(kindsIn(whole)).size).toBe(7);
  expect(await decisionOf(whole, intel.root.der)).toBe('accepted');
});

test('what the machine has from elsewhere is not asked for, and what the folder has is kept', async () => {
  const came = [{ kind: 'vek', data: hierarchy.vcek.der, source: 'host', fetched: time }] as const;
  const { url } = await startAmd(sourceOf('amd', [], came));
  expect(await refresh(url)).toMatchObject({ exitCode: 0 });
  const first = await written();
  expect(first.items.map(({ kind }) => kind)).toEqual(['ask', 'ark', 'ark-crl']);
  expect(vendor.asked).not.toContain('vcek');
  // The second look sees its own file in the evidence, and must not take it for the machine's.
  expect(await refresh(url)).toMatchObject({ exitCode: 0 });
  expect((await written()).items).toEqual(first.items);
  expect(vendor.asked).toHaveLength(2);
});

describe('with the vendor dead', () => {
  test('evidence goes on with what is there, from the cache or from the file', async () => {
    const { url } = await startAmd();
    await refresh(url);
    await vendor.die();
    expect(await refresh(url)).toMatchObject({ exitCode: 0 });
    // Without the cache too: only the file is left.
    const changes = { cache: join(folder, 'other') };
    const { exitCode, stderr } = await refresh(url, 'amd', changes);
    expect(exitCode).toBe(30);
    expect(stderr).toMatch(/^affidavit agent: [^\n]+ is not to be had: [^\n]+\n$/);
    const { items, problem } = await written();
    expect(items).toHaveLength(4);
    expect(problem).toContain(vendor.url);
    const whole = await bundleOf(url);
    expect(await decisionOf(whole, hierarchy.ark.der)).toBe('accepted');
    expect(await statusOf(url)).toMatchObject({ staleSince: null, problem, missing: [] });
  });

  test('nothing that was never had is made up: 30, and the file says what lacks', async () => {
    const { url } = await startAmd();
    await vendor.die();
    const { exitCode } = await refresh(url);
    expect(exitCode).toBe(30);
    expect(await written()).toMatchObject({ items: [], problem: expect.stringContaining('VCEK') });
    expect((await bundleOf(url)).length).toBeGreaterThan(0);
    expect(await statusOf(url)).toMatchObject({ problem: expect.stringContaining('VCEK') });
  });

  test('staleness is said, with the time that it began, and evidence is served', async () => {
    let clock = time;
    const { url } = await startAmd(sourceOf('amd'), () => clock);
    await refresh(url);
    await vendor.die();
    const before = await statusOf(url);
    expect(before['staleSince']).toBeNull();
    const expires = before['expires'] as number;
    clock = expires + day;
    expect(await statusOf(url)).toMatchObject({ staleSince: expires, missing: [] });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('affidavit_collateral_stale 1\n');
    expect(metrics).toContain(`affidavit_collateral_stale_since_timestamp_seconds ${expires}\n`);
    expect(kindsIn(await bundleOf(url))).toHaveLength(4);
  });
});

test('without an agent, what was there stays and the file says why: 30', async () => {
  const { url } = await startAmd();
  const file = join(folder, 'bundle.json');
  await writeFile(file, await bundleOf(url));
  expect(await refresh(file)).toMatchObject({ exitCode: 0 });
  const { items } = await written();
  expect(await refresh(join(folder, 'nothing.json'))).toMatchObject({ exitCode: 30 });
  const after = await written();
  expect(after.items).toEqual(items);
  expect(after.problem).toContain('nothing.json cannot be read: ENOENT');
  await writeFile(file, '{"version":1}');
  expect(await refresh(file)).toMatchObject({ exitCode: 30 });
  expect(await written()).toMatchObject({ items, problem: expect.stringContaining('missing') });
});

test('a file that cannot be used is written anew', async () => {
  const { url } = await startAmd();
  await refresh(url);
  await writeFile(join(shared(), collateralFileName), 'half a fi');
  expect(await refresh(url)).toMatchObject({ exitCode: 0 });
  expect((await written()).items).toHaveLength(4);
});

test('an own file of the agent that has ended keeps the newer one out, and that is said', async () => {
  const old = await testHierarchy({ product: 'Milan', now: time - 400 * day });
  const own = { kind: 'ark-crl', source: 'agent configuration', fetched: time } as const;
  const { url } = await startAmd(sourceOf('amd', [{ ...own, data: old.crl.der }]));
  const { exitCode, stderr } = await refresh(url);
  expect(exitCode).toBe(30);
  expect(stderr).toContain('the agent’s own file of ark-crl has ended');
  const good = await startAmd(sourceOf('amd', [{ ...own, data: hierarchy.crl.der }]));
  expect(await refresh(good.url)).toMatchObject({ exitCode: 0 });
});

test('another chip’s certificate is not written, and what was right stays', async () => {
  const { url } = await startAmd();
  const other = await testHierarchy({
    product: 'Milan',
    now: time,
    hardwareId: new Uint8Array(64).fill(9),
  });
  const swapped = await startVendor(amdContents(other));
  onTestFinished(() => swapped.die());
  expect(await refresh(url, 'amd', { kds: swapped.url })).toMatchObject({ exitCode: 30 });
  expect((await written()).items.map(({ kind }) => kind)).not.toContain('vek');
  expect(await refresh(url)).toMatchObject({ exitCode: 0 });
  expect((await written()).items.map(({ kind }) => kind)).toContain('vek');
});

test('a password in a mirror’s address is in no bundle', async () => {
  const { url } = await startAmd();
  const kds = vendor.url.replace('http://', 'http://user:secret@');
  expect(await refresh(url, 'amd', { kds })).toMatchObject({ exitCode: 0 });
  const sources = parseBundle(await bundleOf(url)).collateral.map(({ source }) => source);
  expect(sources).toHaveLength(4);
  for (const source of sources) expect(source).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+\//);
});

test('no part of a file is left beside it', async () => {
  const { url } = await startAmd();
  await refresh(url);
  expect(await readdir(shared())).toEqual([collateralFileName]);
});

test.each([
  ['a time that is none', { every: 'often' }, '--every often'],
  ['a time too short', { every: '59m' }, '--every 59m'],
  ['an address with a query', { from: 'http://127.0.0.1/?x' }, '--from'],
  ['another protocol', { from: 'ftp://127.0.0.1/' }, '--from'],
  ['no folder', { folder: '' }, '--folder'],
  ['a mirror that is no address', { kds: 'nowhere' }, '--kds'],
  ['a root that is not there', { insecureRoot: '/nonexistent' }, 'root'],
])('%s is wrong usage', async (_, changes, message) => {
  const run = refresh(join(folder, 'none'), 'amd', changes);
  await expect(run).rejects.toMatchObject({ exitCode: 2 });
  await expect(run).rejects.toThrow(message);
});

test('an agent with TLS of its own is asked too', async () => {
  const logger = recorder();
  const tls = await tlsOf({ tls: { certificateLifetime: 1 } }, logger);
  if (tls === null) throw new Error('no TLS');
  const source = sourceOf('amd');
  const { app } = await createInsecureAgent({
    hierarchy,
    source,
    logger,
    channelOf: tls.channelOf,
  });
  const server = await serve(app, { host: '127.0.0.1', port: 0 }, tls);
  onTestFinished(() => server.close());
  expect(server.url).toMatch(/^https:/);
  expect(await refresh(server.url)).toMatchObject({ exitCode: 0 });
  expect((await written()).items).toHaveLength(4);
});

test('--every goes on until it is stopped', async () => {
  const { url } = await startAmd();
  const stop = new AbortController();
  const options = {
    from: url,
    folder: shared(),
    every: '1h',
    cache: join(folder, 'cache'),
    kds: vendor.url,
    insecureRoot: join(folder, 'amd.pem'),
  };
  const run = runRefreshCollateral(options, stop.signal);
  await expect.poll(() => readdir(shared()).catch(() => [])).toEqual([collateralFileName]);
  stop.abort();
  expect(await run).toEqual({ stdout: '', exitCode: 0 });
});
