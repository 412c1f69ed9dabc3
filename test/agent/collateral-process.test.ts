/** Agent and refresher as processes: who connects to whom, and what a kill leaves. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { collateralFileName } from '#agent/collateral-file.ts';
import { readCollateralFile } from '#agent/collateral-folder.ts';
import { agentBundle } from '#test/tools/bundle-agent.ts';
import { parseBundle } from '#verifier/abi/bundle.ts';
import { fromHex } from '#verifier/bytes.ts';
import type { Content } from '#verifier/collateral/facts.ts';
import type { VendorObject } from '#verifier/collateral/vendor-object.ts';
import { startVendor } from './collateral-vendor.ts';

const script = fileURLToPath(new URL('collateral-child.ts', import.meta.url));
const writer = fileURLToPath(new URL('collateral-writer.ts', import.meta.url));
const refresher = fileURLToPath(new URL('../../agent/collateral-refresh-main.ts', import.meta.url));

const canTrace = spawnSync('strace', ['-f', '-e', 'trace=connect', 'true']).status === 0;
if (!canTrace) console.log('skipped: strace is not installed, or may not trace');

const { execPath } = process;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-process-'));
  return () => rmSync(folder, { recursive: true });
});

/** A child in a group of its own, which goes with the test. */
function start(command: string, args: readonly string[]) {
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const signal = (name: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null)
      process.kill(-(child.pid as number), name);
  };
  onTestFinished(() => signal('SIGKILL'));
  return { said: () => said, ended, signal };
}

const outbound = (trace: string) =>
  readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => /connect\(.*AF_INET6?\b/.test(line));

test.skipIf(!canTrace)(
  'the agent connects to nothing while a refresher brings, renews and damages its collateral',
  { timeout: 120_000 },
  async () => {
    const trace = join(folder, 'trace');
    const shared = join(folder, 'shared');
    const ders = join(folder, 'ders');
    const strace = ['-f', '-e', 'trace=connect', '-o', trace, process.execPath, script];
    const agent = start('strace', [...strace, shared, ders]);
    await expect.poll(agent.said, { timeout: 60_000 }).toContain('listening on');
    const url = /listening on (\S+)/.exec(agent.said())?.[1] ?? '';
    const der = JSON.parse(readFileSync(ders, 'utf8')) as Record<string, string>;
    const vendor = await startVendor(({ kind }: VendorObject): Content | null => {
      const item = (name: 'vek' | 'ask' | 'ark' | 'ark-crl') => {
        return { kind: name, data: fromHex(der[name] ?? '', name) };
      };
      if (kind === 'vcek') return { items: [item('vek')], signers: [] };
      if (kind === 'amd-crl') return { items: [item('ark-crl')], signers: [] };
      return kind === 'amd-chain' ? { items: [item('ask'), item('ark')], signers: [] } : null;
    });
    onTestFinished(() => vendor.die());
    const root = join(folder, 'root.der');
    writeFileSync(root, fromHex(der['ark'] ?? '', 'ark'));

    const bundle = async () =>
      parseBundle(new Uint8Array(await (await fetch(`${url}/attestation`)).arrayBuffer()));
    const ready = async () => (await fetch(`${url}/readyz`)).json();
    expect((await bundle()).collateral).toEqual([]);

    const cli = fileURLToPath(
      new URL('../../agent/collateral-refresh-command.ts', import.meta.url),
    );
    const options = {
      from: url,
      folder: shared,
      cache: join(folder, 'cache'),
      kds: vendor.url,
      insecureRoot: root,
    };
    const code = `import { runRefreshCollateral as run } from ${JSON.stringify(cli)};
      const { stdout, stderr = '', exitCode } = await run(${JSON.stringify(options)});
      console.log(stdout, stderr); process.exitCode = exitCode;`;
    const twin = join(folder, 'twin');
    const refresh = start('strace', [
      ...['-f', '-e', 'trace=connect', '-o', twin, process.execPath],
      ...['--input-type=module-typescript', '-e', code],
    ]);
    expect(await refresh.ended).toBe(0);
    // The same look at the refresher finds what it asked.
    expect(outbound(twin).length).toBeGreaterThan(1);

    await sleep(1100);
    expect((await bundle()).collateral.map(({ kind }) => kind)).toHaveLength(4);
    writeFileSync(join(shared, collateralFileName), '{"version":1,');
    await sleep(1100);
    expect((await bundle()).collateral).toHaveLength(4);
    expect(await ready()).toMatchObject({
      collateral: { damaged: expect.stringContaining('is not used') },
    });
    for (const path of ['info', 'metrics'])
      expect((await fetch(`${url}/${path}`)).status).toBe(200);

    agent.signal('SIGTERM');
    await agent.ended;
    expect(readFileSync(trace, 'utf8')).toMatch(/exited with|killed by/);
    expect(outbound(trace)).toEqual([]);
  },
);

test('kill -9 at any moment of a write leaves a whole file', { timeout: 120_000 }, async () => {
  const parts = () => readdirSync(folder).filter((name) => name !== collateralFileName);
  let left = 0;
  // Every other kill comes as soon as a part is seen; without one that was cut off, the test would show nothing.
  for (let round = 0; round < 10 || (left === 0 && round < 40); round++) {
    const before = new Set(parts());
    const fresh = () => parts().filter((name) => !before.has(name)).length;
    const process = start(execPath, [writer, folder]);
    await expect.poll(process.said, { timeout: 30_000, interval: 5 }).toContain('writing');
    await sleep(Math.random() * 60);
    if (round % 2 === 1) {
      await expect.poll(fresh, { timeout: 30_000, interval: 0 }).toBeGreaterThan(0);
    }
    process.signal('SIGKILL');
    await process.ended;
    left += fresh();
    const { items, checked } = await readCollateralFile(folder);
    expect(items).toHaveLength(checked % 2 === 0 ? 1 : 0);
  }
  expect(left).toBeGreaterThan(0);
});

describe('as one file for an image', () => {
  test('the refresher is a bundle of its own, and says what it lacks', {
    timeout: 60_000,
  }, async () => {
    const file = join(folder, 'affidavit-collateral.mjs');
    const entryPoints = ['agent/collateral-refresh-main.ts'];
    const { metafile } = await build({ ...agentBundle, entryPoints, outfile: file });
    const inputs = Object.keys(metafile.inputs);
    expect(
      inputs.filter((path) => /^(?:test|prover)\/|koa|yargs|node_modules\/yaml/.test(path)),
    ).toEqual([]);
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('usage:') });
    expect(run('--from', 'x', '--folder', folder, '--product', 'Rome')).toMatchObject({
      status: 2,
    });
    expect(run('--lenient')).toMatchObject({ status: 2 });
    const none = join(folder, 'none.json');
    const shared = join(folder, 'shared');
    const cache = join(folder, 'cache');
    expect(run('--from', none, '--folder', shared, '--cache', cache)).toMatchObject({
      status: 30,
      stderr: expect.stringContaining('none.json cannot be read: ENOENT'),
    });
    expect(await readCollateralFile(shared)).toMatchObject({ items: [] });
  });

  test('the same program runs from its source', () => {
    const { status, stderr } = spawnSync(process.execPath, [refresher], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('usage:') });
  });
});
