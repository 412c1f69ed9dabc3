/** What the agent makes of the folder: what evidence carries, and what is said of it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Carried,
  collateralRoom,
  collateralStatus,
  configuredCollateral,
  describeCollateral,
  type FolderView,
  withCollateral,
} from '#agent/collateral.ts';
import {
  type CollateralFile,
  collateralFileName,
  encodeCollateralFile,
} from '#agent/collateral-file.ts';
import {
  openCollateralFolder,
  readCollateralFile,
  writeCollateralFile,
} from '#agent/collateral-folder.ts';
import { parseConfig } from '#agent/config.ts';
import { createMetrics } from '#agent/metrics.ts';
import { tellCollateral } from '#agent/readiness.ts';
import type { EvidenceSource } from '#agent/source.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { codeOf } from '#test/verifier/code-of.ts';
import {
  type CollateralItem,
  type CollateralKind,
  encodeBundle,
  maxBundleLength,
} from '#verifier/abi/bundle.ts';
import { utf8 } from '#verifier/bytes.ts';
import { recorder, startAgent } from './helpers.ts';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-folder-'));
  return () => rmSync(folder, { recursive: true });
});

const item = (kind: CollateralKind, source: string, data = hierarchy.ark.der): CollateralItem => {
  return { kind, data, source, fetched: fakeNow };
};

/** Under another name first, as the refresher does: another inode. */
function put(content: string | CollateralFile): void {
  const text = typeof content === 'string' ? content : encodeCollateralFile(content);
  writeFileSync(join(folder, 'new'), text);
  renameSync(join(folder, 'new'), join(folder, collateralFileName));
}

const fileOf = (...items: CollateralItem[]): CollateralFile => {
  return { version: 1, items, checked: fakeNow, problem: null };
};

/** The folder, and a clock that the test moves. */
function open() {
  const logger = recorder();
  let time = 0;
  const view = openCollateralFolder({ folder, logger, clock: () => time });
  const later = async (milliseconds = 1000) => {
    time += milliseconds;
    await view.look();
    return view.items().map(({ kind }) => kind);
  };
  return { view, later, logger };
}

const deviceWith = (...collateral: CollateralItem[]): EvidenceSource => ({
  platform: 'sev-snp',
  name: 'device',
  report: async (evidence) => ({ evidence, collateral }),
});

describe('the folder', () => {
  test('is looked at again when its file changed, at most once a second', async () => {
    const { view, later, logger } = open();
    expect(await later()).toEqual([]);
    expect(view.report()).toEqual({ checked: null, problem: null, damaged: null });
    put(fileOf(item('ark', 'x')));
    expect(await later(999)).toEqual([]);
    expect(await later(1)).toEqual(['ark']);
    expect(view.report()).toEqual({ checked: fakeNow, problem: null, damaged: null });
    put({ ...fileOf(item('ask', 'x')), problem: 'no list' });
    expect(await later()).toEqual(['ask']);
    expect(view.report().problem).toBe('no list');
    // Each file is told of once.
    await later();
    expect(logger.lines).toHaveLength(2);
    expect(logger.lines[1]).toMatch(/^info .*ask; no list$/);
  });

  test.each<[string, () => void, RegExp]>([
    ['half a file', () => put('{"version":1,'), /is not used: .*json|expected/i],
    ['an item that is none', () => put('{"version":1,"items":[{}]}'), /is not used/],
    ['no file any more', () => rmSync(join(folder, collateralFileName)), /cannot be read: ENOENT/],
    [
      'a link to elsewhere',
      () => {
        rmSync(join(folder, collateralFileName));
        symlinkSync('/etc/passwd', join(folder, collateralFileName));
      },
      /cannot be read: ELOOP/,
    ],
    [
      'a folder',
      () => {
        rmSync(join(folder, collateralFileName));
        mkdirSync(join(folder, collateralFileName));
      },
      /expected a regular file/,
    ],
    [
      'a pipe, which nobody writes to',
      () => {
        rmSync(join(folder, collateralFileName));
        expect(spawnSync('mkfifo', [join(folder, collateralFileName)]).status).toBe(0);
      },
      /expected a regular file/,
    ],
  ])('with %s keeps what it had, and says so until it is mended', async (_, damage, reason) => {
    const { view, later, logger } = open();
    put(fileOf(item('ark', 'x')));
    await later();
    damage();
    expect(await later()).toEqual(['ark']);
    expect(view.report()).toMatchObject({
      checked: fakeNow,
      damaged: expect.stringMatching(reason),
    });
    await later();
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    rmSync(join(folder, collateralFileName), { recursive: true, force: true });
    put(fileOf(item('ask', 'x')));
    expect(await later()).toEqual(['ask']);
    expect(view.report().damaged).toBeNull();
  });

  test('is written whole, readable for all, and only with what the agent takes', async () => {
    const file = fileOf(item('ark', 'x'));
    await writeCollateralFile(join(folder, 'made', 'anew'), file);
    expect(await readCollateralFile(join(folder, 'made', 'anew'))).toEqual(file);
    const twice = fileOf(item('ark', 'x'), item('ark', 'y'));
    await expect(writeCollateralFile(folder, twice)).rejects.toMatchObject({ code: 'json-shape' });
    await expect(readCollateralFile(folder)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what evidence carries', () => {
  const sources = async (
    own: CollateralItem[],
    view: FolderView | null,
    device: EvidenceSource,
  ) => {
    const { collateral } = await withCollateral(device, own, view).report(new Uint8Array(64));
    return collateral.map(({ kind, source }) => `${kind} ${source}`);
  };

  test('is own files first, then the folder’s, then what came with the report', async () => {
    put(fileOf(item('vek', 'folder'), item('ask', 'folder'), item('tcb-info', 'folder', tcbInfo)));
    const device = deviceWith(item('vek', 'host'), item('ask', 'host'), item('ark-crl', 'host'));
    const own = [item('vek', 'own')];
    expect(await sources(own, open().view, device)).toEqual([
      'vek own',
      'ask folder',
      'ark-crl host',
    ]);
    expect(await sources(own, null, device)).toEqual(['vek own', 'ask host', 'ark-crl host']);
  });

  test('never makes a bundle too large: what has no room is left out, and said', async () => {
    const large = new Uint8Array(3 * 1024 * 1024);
    const device = deviceWith(item('ark', 'host', large), item('ark-crl', 'host'));
    const source = withCollateral(device, [item('ask', 'own', large)]);
    const { collateral } = await source.report(new Uint8Array(64));
    expect(collateral.map(({ kind }) => kind)).toEqual(['ask', 'ark-crl']);
    const carried = (await source.carried?.()) as Carried;
    const status = collateralStatus('sev-snp', carried, fakeNow);
    expect(status).toMatchObject({ leftOut: ['ark'], missing: ['vek', 'ark'] });
    expect(describeCollateral(status)).toMatchObject({ ok: false });
    // With the largest log and report that there can be, the bundle is one still.
    const most = new Uint8Array(Math.floor((collateralRoom - 200) / 4) * 3);
    const full = await withCollateral(deviceWith(item('ark', '', most)), []).report(
      new Uint8Array(64),
    );
    expect(full.collateral).toHaveLength(1);
    const bundle = encodeBundle({
      version: 1,
      platform: 'sev-snp',
      evidence: new Uint8Array(1024 * 1024),
      nonce: new Uint8Array(32),
      freshness: 'agent',
      epoch: Number.MAX_SAFE_INTEGER,
      channel: { kind: 'tls-key', hash: new Uint8Array(32).fill(1) },
      bound: {
        closureDigest: new Uint8Array(32),
        treeRoot: 0n,
        deviceDigest: new Uint8Array(32),
        logDigest: new Uint8Array(32),
      },
      devices: [],
      log: Array(4096).fill(new Uint8Array(298)),
      collateral: [...full.collateral],
    });
    expect(bundle.length).toBeLessThan(maxBundleLength);
  });

  test('is known without asking the device again', async () => {
    const source = withCollateral(deviceWith(item('vek', 'host')), []);
    expect((await source.carried?.())?.items).toEqual([]);
    await source.report(new Uint8Array(64));
    expect((await source.carried?.())?.items).toHaveLength(1);
  });
});

describe('what is said', () => {
  const view = (items: CollateralItem[], problem: string | null = null): FolderView => ({
    look: async () => {},
    items: () => items,
    report: () => ({ checked: fakeNow, problem, damaged: null }),
  });

  test('a line, and another when it changes: stale is a warning', async () => {
    const logger = recorder();
    const stop = new AbortController();
    const source = withCollateral(deviceWith(), [], view([item('ark', 'x')]));
    tellCollateral(source, { now: () => fakeNow, logger, signal: stop.signal });
    await expect.poll(() => logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toMatch(
      /^info evidence carries ark; until \S+Z; not vek, ask, ark-crl$/,
    );
    const late = recorder();
    tellCollateral(source, { now: () => fakeNow * 2, logger: late, signal: stop.signal });
    await expect.poll(() => late.lines).toHaveLength(1);
    expect(late.lines[0]).toMatch(/^warn evidence carries ark; not .*; stale since \S+Z \(ark\)$/);
    stop.abort();
  });

  test('of a host that hands out two of a kind, metrics have one series and the first end', async () => {
    const { ark, crl } = hierarchy;
    const carried: Carried = {
      items: [item('ark', 'a', ark.der), item('ark', 'b', ark.der), item('ark-crl', 'c', crl.der)],
      leftOut: [],
      folder: null,
    };
    const collateral = collateralStatus('sev-snp', carried, fakeNow);
    const text = createMetrics().render({
      ready: true,
      queued: 0,
      abandoned: 0,
      closureAge: null,
      collateral,
    });
    const present = text.split('\n').filter((line) => line.startsWith('affidavit_collateral_pres'));
    expect(present).toEqual([
      'affidavit_collateral_present{kind="ark"} 1',
      'affidavit_collateral_present{kind="ark-crl"} 1',
      'affidavit_collateral_present{kind="vek"} 0',
      'affidavit_collateral_present{kind="ask"} 0',
    ]);
    expect(text).not.toContain('stale_since');
    expect(text).toContain(
      `affidavit_collateral_expires_timestamp_seconds{kind="ark-crl"} ${collateral.expires}\n`,
    );
  });

  test('without a device, of what the configuration names', async () => {
    const found = await configuredCollateral(
      [item('ask', 'own')],
      view([item('ark', 'x')], 'no list'),
    );
    const status = collateralStatus(null, found, fakeNow);
    expect(describeCollateral(status)).toEqual({
      ok: false,
      line: expect.stringMatching(
        /^evidence carries ask, ark; until .*; the refresher says: no list$/,
      ),
    });
  });

  test('/info and /readyz say the same', async () => {
    const source = withCollateral(deviceWith(), [], view([item('ark', 'x')]));
    const { url } = await startAgent({ hierarchy, source });
    const info = await (await fetch(`${url}/info`)).json();
    expect(info).toMatchObject({
      collateral: {
        items: [{ kind: 'ark', source: 'x', fetched: fakeNow, expires: expect.any(Number) }],
        missing: ['vek', 'ask', 'ark-crl'],
        checked: fakeNow,
      },
    });
  });
});

describe('check-config and doctor', () => {
  const main = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

  test('say what the folder holds, and that a damaged file is not used', () => {
    const path = `/nix/store/${'0'.repeat(32)}-x`;
    const registration = `${path}\nsha256:${'11'.repeat(32)}\n1\n\n0\n`;
    writeFileSync(join(folder, 'registration'), registration);
    const file = join(folder, 'agent.json');
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        listen: { host: '127.0.0.1', port: 0 },
        closure: { registration: 'registration' },
        services: [],
        collateral: { vek: null, ask: null, ark: null, arkCrl: null, folder },
      }),
    );
    put(fileOf(item('ark', 'x')));
    const good = run('check-config', file);
    expect(good).toMatchObject({ status: 0, stderr: '' });
    expect(good.stdout).toMatch(/^ok: 1 paths, .*; evidence carries ark; until \S+Z\n$/);
    put('half a fi');
    const damaged = run('check-config', file);
    expect(damaged.status).toBe(0);
    expect(damaged.stdout).toMatch(/evidence carries nothing; .*collateral\.json is not used/);
    const { stdout } = run('doctor', '--config', file);
    expect(stdout).toMatch(/collateral +.*evidence carries nothing; .*is not used/);
    put(fileOf(item('ark', 'x')));
    expect(run('doctor', '--config', file).stdout).toMatch(/collateral +.*evidence carries ark/);
  });
});

describe('collateral.folder of the configuration', () => {
  const config = (folder: unknown) =>
    utf8(
      JSON.stringify({
        version: 1,
        listen: { host: '127.0.0.1', port: 0 },
        closure: { scan: '/run/current-system' },
        services: [],
        collateral: { vek: null, ask: null, ark: null, arkCrl: null, folder },
      }),
    );

  test.each([
    ['/var/lib/affidavit-collateral', null],
    [null, null],
    ['collateral', 'json-shape'],
    ['', 'json-shape'],
    [7, 'json-shape'],
  ])('%j: %s', (value, outcome) => {
    expect(codeOf(() => parseConfig(config(value)))).toBe(outcome);
  });
});

const tcbInfo = utf8(`{"tcbInfo":{},"signature":"${'0'.repeat(128)}"}`);
