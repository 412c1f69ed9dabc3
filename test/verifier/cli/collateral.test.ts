/** `affidavit collateral`: each subcommand, called as main.ts calls it. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { intelReplies, portalReplies } from '#test/fake/vendor-server.ts';
import { bundleScene } from '#test/verifier/scene.ts';
import { encodeBundle, parseBundle } from '#verifier/abi/bundle.ts';
import { bindingOf, freshnessOf, reportDataOf } from '#verifier/abi/report-data.ts';
import { encodeTcb } from '#verifier/abi/snp-tcb.ts';
import { toHex } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { runCollateral } from '#verifier/cli/collateral-command.ts';
import type { CollateralCommand, CollateralFound } from '#verifier/cli/collateral-options.ts';
import { addressOf } from '#verifier/cli/collateral-serve.ts';
import { secondsOf } from '#verifier/cli/collateral-show.ts';
import { revalidateLater } from '#verifier/cli/revalidate.ts';
import { memoryStore } from '#verifier/collateral/host/memory.ts';
import { openStore } from '#verifier/collateral/host/store.ts';
import {
  affidavitWith,
  amdMachine,
  intelMachine,
  type Machine,
  mainScript,
} from './collateral-scene.ts';

const given = ({ cache, server, folder }: Machine): CollateralFound => ({
  cache,
  kds: server.url,
  pcs: server.url,
  insecureRoot: join(folder, 'root.pem'),
});

/** The message and exit code of a command that ends without an outcome. */
async function refusal(name: CollateralCommand, found: CollateralFound) {
  try {
    await runCollateral(name, found);
  } catch (error) {
    if (error instanceof CliError) return { exitCode: error.exitCode, message: error.message };
    throw error;
  }
  return null;
}

describe('fetch', () => {
  test('for evidence: then nothing is asked for again, and it verifies offline', async () => {
    const machine = await amdMachine();
    const found = { ...given(machine), evidence: [machine.report] };
    const first = await runCollateral('fetch', found);
    expect([first.exitCode, first.stderr]).toEqual([0, '']);
    expect(first.stdout.match(/^fetched .*, until 20\d\d-/gm)).toHaveLength(3);
    const again = await runCollateral('fetch', { ...found, format: 'json' });
    const { objects } = JSON.parse(again.stdout) as { objects: { state: string; name: string }[] };
    expect(objects.map(({ state }) => state)).toEqual(['cached', 'cached', 'cached']);
    expect(machine.server.requests).toHaveLength(3);
    expect((await machine.verify('--report', machine.report, '--offline')).code).toBe(0);
  });

  test('for an AMD machine by its name', async () => {
    const machine = await amdMachine();
    const { product, hardwareId, tcb } = machine.hierarchy;
    const named = { ...given(machine), product };
    expect((await runCollateral('fetch', named)).stdout.match(/^fetched /gm)).toHaveLength(2);
    const chip = { chipId: toHex(hardwareId).toUpperCase(), tcb: toHex(encodeTcb(product, tcb)) };
    const { stdout, exitCode } = await runCollateral('fetch', { ...named, ...chip });
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^fetched {2}VCEK of the Milan/m),
    ]);
  });

  test('for an Intel machine by its FMSPC, early too', async () => {
    const machine = await intelMachine(intelReplies);
    const named = {
      ...given(machine),
      fmspc: toHex(machine.intel.machine.fmspc),
      tee: 'tdx',
    } as const;
    expect((await runCollateral('fetch', named)).stdout.match(/^fetched /gm)).toHaveLength(4);
    const early = await runCollateral('fetch', { ...named, early: true });
    expect(early.stdout.match(/^fetched .*\(early\)/gm)).toHaveLength(2);
  });

  test('says what is not to be had, and ends undecided', async () => {
    const machine = await amdMachine();
    machine.server.reply(portalReplies);
    const found = { ...given(machine), evidence: [machine.report] };
    const { exitCode, stdout, stderr } = await runCollateral('fetch', found);
    expect([exitCode, stdout.match(/^absent /gm)?.length]).toEqual([30, 3]);
    expect(stderr).toMatch(/^affidavit: .*web page.*\(and 2 more objects\).*\n$/);
  });

  test('with a CA file that is none is wrong usage', async () => {
    const machine = await amdMachine();
    const found = { ...given(machine), evidence: [machine.report] };
    const message = /--ca-file .*holds no certificate/;
    expect(await refusal('fetch', { ...found, caFile: machine.report })).toEqual({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
    const caFile = machine.file('ca.pem', machine.hierarchy.rootsPem());
    expect((await runCollateral('fetch', { ...found, caFile })).exitCode).toBe(0);
  });

  test.each([
    ['nothing', {}, /nothing to fetch for/],
    ['an agent', { evidence: ['https://guest.example'] }, /is an agent/],
    ['evidence and a machine', { evidence: ['x'], fmspc: '00' }, /evidence and a machine/],
    ['a chip without its product', { chipId: '00' }, /need --product/],
    ['a chip without its TCB', { product: 'Milan', chipId: '00' }, /belong together/],
    [
      'a chip of zeros',
      { product: 'Milan', chipId: '00'.repeat(64), tcb: '00'.repeat(8) },
      /no Milan/,
    ],
    ['an FMSPC alone', { fmspc: '90c06f000000' }, /--fmspc and --tee/],
    ['an FMSPC that is none', { fmspc: '90', tee: 'tdx' }, /--fmspc/],
    ['a name of nothing', { refresh: ['amd/x'] }, /is no object’s name/],
    ['an address that is none', { product: 'Milan', kds: 'kds.example' }, /--kds/],
    ['no folder', { product: 'Milan', cache: '' }, /--cache/],
  ] satisfies [string, CollateralFound, RegExp][])(
    'given %s is wrong usage',
    async (_, found, message) => {
      expect(await refusal('fetch', found)).toEqual({
        exitCode: 2,
        message: expect.stringMatching(message),
      });
    },
  );
});

describe('show and prune', () => {
  async function filled() {
    const machine = await intelMachine(intelReplies);
    await runCollateral('fetch', { ...given(machine), evidence: [machine.quote] });
    return { ...machine, found: { cache: machine.cache } };
  }

  test('show what ends first first, and when it is soon', async () => {
    const { found, server } = await filled();
    const { stdout, exitCode } = await runCollateral('show', { ...found, format: 'json' });
    const { objects, damaged } = JSON.parse(stdout);
    expect([exitCode, damaged]).toEqual([0, []]);
    const ends = objects.map(({ expires }: { expires: number }) => expires);
    expect(ends).toEqual(ends.toSorted());
    expect(objects.at(-1)).toMatchObject({ name: 'intel/root-crl', number: '1' });
    expect(objects[0].source).toContain(server.url);
    const text = await runCollateral('show', found);
    expect(text.stdout).toMatch(
      /^revocation list of Intel's root\n {2}ends .* \(in 36[34] days\)$/m,
    );
    expect((await runCollateral('show', { ...found, within: '28d' })).exitCode).toBe(0);
    expect((await runCollateral('show', { ...found, within: '30d' })).exitCode).toBe(10);
  });

  test('a damaged entry is named, used by nobody, and pruned', async () => {
    const { found, cache, verify, quote, server } = await filled();
    const folder = join(cache, 'objects');
    const [first] = readdirSync(folder) as [string];
    writeFileSync(join(folder, first), readFileSync(join(folder, first)).subarray(0, 100));
    const shown = await runCollateral('show', found);
    expect(shown.stderr).toMatch(/^affidavit: 1 entry is damaged/);
    const asked = server.requests.length;
    const { removed } = JSON.parse(
      (await runCollateral('prune', { ...found, format: 'json' })).stdout,
    );
    expect(removed).toHaveLength(1);
    expect((await verify('--quote', quote)).code).toBe(0);
    expect(server.requests).toHaveLength(asked + 1);
  });

  test('prune removes what it is told to', async () => {
    const { found } = await filled();
    expect((await runCollateral('prune', found)).stdout).toBe('nothing to remove\n');
    expect((await runCollateral('prune', { ...found, olderThan: '1h' })).stdout).toMatch(
      /^nothing/,
    );
    expect(
      (await runCollateral('prune', { ...found, all: true })).stdout.match(/removed/g),
    ).toHaveLength(4);
    expect((await runCollateral('show', found)).stdout).toBe('the cache is empty\n');
    expect(await refusal('prune', { ...found, all: true, olderThan: '1h' })).toMatchObject({
      exitCode: 2,
    });
  });

  test('a cache that cannot be used is said', async () => {
    const { folder, file } = await filled();
    file('plain', '');
    const cache = join(folder, 'plain');
    for (const name of ['show', 'prune'] as const)
      expect(await refusal(name, { cache })).toMatchObject({ exitCode: 30 });
  });
});

describe('export and import', () => {
  test('a bundle is made complete and verifies offline', async () => {
    const machine = await amdMachine();
    const { evidence } = await bundleScene({ edit: () => ({ collateral: [] }) });
    const bundle = parseBundle(evidence.bytes);
    const fresh = freshnessOf(bundle.nonce, bundle.channel, bundle.epoch);
    const data = reportDataOf(bindingOf(bundle.bound), fresh);
    const report = createSnpDevice(machine.hierarchy, { signingKey: 'vcek' }).report(data);
    const path = machine.file('bundle.json', encodeBundle({ ...bundle, evidence: report }));
    const file = join(machine.folder, 'complete.json');
    const found = { ...given(machine), file, evidence: [path] };
    const { stdout, exitCode } = await runCollateral('export', found);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('affidavit verify')]);
    const args = ['verify', file, '--offline', '--insecure-root', join(machine.folder, 'root.pem')];
    expect((await affidavitWith(args)).code).toBe(0);
    // Not written over.
    expect(await refusal('export', found)).toMatchObject({ exitCode: 2 });
    expect((await runCollateral('export', { ...found, force: true })).exitCode).toBe(0);
  });

  test('of raw evidence a file goes to another machine’s cache', async () => {
    const machine = await intelMachine(intelReplies);
    const file = join(machine.folder, 'collateral.json');
    await runCollateral('export', { ...given(machine), file, evidence: [machine.quote] });
    const cache = join(machine.folder, 'other');
    const root = join(machine.folder, 'root.pem');
    const taken = await runCollateral('import', { cache, file, insecureRoot: root });
    expect([taken.exitCode, taken.stdout.match(/^imported /gm)?.length]).toEqual([0, 4]);
    const args = ['--quote', machine.quote, '--offline', '--cache', cache, '--insecure-root', root];
    expect((await affidavitWith(['verify', ...args])).code).toBe(0);
    // Under the vendor's own root none of it counts.
    const none = await runCollateral('import', { cache: join(machine.folder, 'none'), file });
    expect([none.exitCode, none.stdout.match(/^refused /gm)?.length]).toEqual([20, 4]);
    expect(readdirSync(join(machine.folder, 'none', 'objects'))).toEqual([]);
    expect(await refusal('import', { cache, file: machine.quote })).toMatchObject({ exitCode: 20 });
  });

  test('nothing is written that would be incomplete', async () => {
    const machine = await amdMachine();
    machine.server.reply(() => null);
    const file = join(machine.folder, 'collateral.json');
    const found = { ...given(machine), file, evidence: [machine.report] };
    expect(await refusal('export', found)).toEqual({
      exitCode: 30,
      message: expect.stringMatching(/nothing is written.*status 404/),
    });
    expect(readdirSync(machine.folder)).not.toContain('collateral.json');
  });
});

describe('asking anew', () => {
  const chain = { kind: 'amd-chain', product: 'Milan', key: 'vcek' } as const;

  test('is done by a process with the same options, and not by each verification', async () => {
    const started: (readonly string[])[] = [];
    const pauses = memoryStore();
    const options = { cache: '/c', pcs: 'http://p.example' };
    const revalidate = revalidateLater(options, pauses, (args) => started.push(args));
    revalidate([chain]);
    await expect.poll(() => started.length).toBe(1);
    expect(started[0]).toEqual([
      ...['collateral', 'fetch', '--cache=/c', '--pcs=http://p.example'],
      ...['--refresh', 'amd/chain/milan/vcek'],
    ]);
    revalidate([chain]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(started).toHaveLength(1);
    await pauses.resume('revalidation.invalid');
    revalidate([chain]);
    await expect.poll(() => started.length).toBe(2);
  });

  test('what it fetched is what the next verification finds', async () => {
    const machine = await amdMachine();
    await runCollateral('fetch', { ...given(machine), evidence: [machine.report] });
    const store = await openStore(machine.cache);
    // As if it had been fetched two days ago.
    for (const name of await store.names()) {
      const stored = await store.read(name);
      if (stored === null) throw new Error(`${name} is damaged`);
      await store.write(name, { ...stored, fetched: stored.fetched - 172_800 });
    }
    const { code, stderr } = await machine.verify('--report', machine.report);
    expect([code, stderr]).toEqual([0, '']);
    await expect.poll(() => machine.server.requests.length, { timeout: 30_000 }).toBe(5);
  }, 60_000);
});

test('serve is a mirror that a verifier asks in the vendor’s place, until it is told to end', async () => {
  const machine = await amdMachine();
  const { options, report, folder, server } = machine;
  const [main, root] = [mainScript, join(folder, 'root.pem')];
  const args = ['collateral', 'serve', '--listen', '127.0.0.1:0', ...options];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.on('close', resolve));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await expect.poll(() => text, { timeout: 30_000 }).toMatch(/listening on http:\S+\n/);
  const url = /listening on (\S+)/.exec(text)?.[1] ?? '';
  const other = ['--cache', join(folder, 'other'), '--kds', url, '--insecure-root', root];
  const { code, stderr } = await affidavitWith(['verify', '--report', report, ...other]);
  expect([code, stderr.split(new URL(url).host).length]).toEqual([0, 4]);
  expect(server.requests).toHaveLength(3);
  expect(text.match(/fetched/g)).toHaveLength(3);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
}, 60_000);

test('spans and addresses', () => {
  expect([
    secondsOf('within', '12h'),
    secondsOf('within', '7d'),
    secondsOf('within', '0d'),
  ]).toEqual([43_200, 604_800, 0]);
  for (const text of ['', '7', '7w', '-1d', '1.5h'])
    expect(() => secondsOf('within', text)).toThrow(CliError);
  expect(addressOf('127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 });
  expect(addressOf('[::1]:8082')).toEqual({ host: '::1', port: 8082 });
  for (const text of ['', '8082', '::1:8082', 'host:', 'host:65536', 'a b:1']) {
    expect(() => addressOf(text)).toThrow(CliError);
  }
});
