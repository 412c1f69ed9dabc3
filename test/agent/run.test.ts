/** The agent as a process: what it says and with which code it ends. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '#agent/cli.ts';
import { tsmReportFolder } from '#agent/configfs-entries.ts';
import { serve } from '#agent/listen.ts';
import { collateralOf, createIntel } from '#test/fake/intel.ts';
import { type Bytes, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = `/nix/store/${'0'.repeat(32)}-echo`;
/** secp256k1's generator. */
const publicKey =
  '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798' +
  '483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-agent-'));
  await writeFile(join(folder, 'tcb.json'), createIntel().tcbInfo.bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const noCollateral = { vek: null, ask: null, ark: null, arkCrl: null };

function config(changes: Record<string, unknown> = {}) {
  return {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure: { registration: 'registration' },
    services: [{ name: 'echo', storePath: path, publicKey }],
    collateral: noCollateral,
    ...changes,
  };
}

/** Writes configuration and registration into the folder. */
async function write(json: unknown, registration = `${path}\n${'11'.repeat(32)}\n1\n\n0\n`) {
  const file = join(folder, 'agent.json');
  await writeFile(file, typeof json === 'string' ? json : JSON.stringify(json));
  await writeFile(join(folder, 'registration'), registration);
  return file;
}

type Ended = { code: number | null; stdout: string; stderr: string };

function run(args: readonly string[]): { child: ReturnType<typeof spawn>; ended: Promise<Ended> } {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    out.stderr += text;
  });
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code) => done({ code, ...out }));
  });
  return { child, ended };
}

function runAgent(file: string): Promise<Ended> {
  const script = `
    import { runAgent } from '#agent/cli.ts';
    process.exitCode = await runAgent({ config: process.argv[1] });`;
  return run(['--input-type=module', '--eval', script, file]).ended;
}

describe('runAgent', () => {
  test.skipIf(existsSync(tsmReportFolder))('ends with 30 and one line without a TEE', async () => {
    const { code, stdout, stderr } = await runAgent(await write(config()));
    expect(stderr).toMatch(/^affidavit agent: no TEE: .*Linux 6\.7.*\n$/);
    expect({ code, stdout }).toEqual({ code: 30, stdout: '' });
  });

  test.each<[string, unknown, string]>([
    ['an unknown member', config({ simulator: true }), 'unknown member "simulator"'],
    ['no JSON', '<html>', 'expected a JSON value'],
    ['another version', config({ version: 2 }), 'version 2 is not known'],
    ['a missing file', config({ closure: { registration: 'absent' } }), 'registration file'],
    [
      'a path outside the closure',
      config({ services: [{ name: 'x', storePath: path.replace('echo', 'other'), publicKey }] }),
      'is not in the closure',
    ],
    [
      'a certificate that is none',
      config({ collateral: { vek: 'registration', ask: null, ark: null, arkCrl: null } }),
      'collateral.vek',
    ],
    [
      'TCB info that is none',
      config({ collateral: { ...noCollateral, tcbInfo: 'registration' } }),
      'collateral.tcbInfo',
    ],
    [
      'TCB info in place of QE identity',
      config({ collateral: { ...noCollateral, qeIdentity: 'tcb.json' } }),
      'collateral.qeIdentity',
    ],
    [
      'an unknown kind of collateral',
      config({ collateral: { ...noCollateral, pck: 'registration' } }),
      'unknown member "pck"',
    ],
  ])('ends with 2 and one line for %s', async (_, json, message) => {
    const { code, stdout, stderr } = await runAgent(await write(json));
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^affidavit agent: [^\n]*\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('ends with 2 for a configuration that is not there', async () => {
    const { code, stderr } = await runAgent(join(folder, 'nothing.json'));
    expect(stderr).toMatch(/^affidavit agent: the configuration cannot be read.*ENOENT[^\n]*\n$/);
    expect(code).toBe(2);
  });
});

test('loadConfig reads collateral, PEM or DER, relative to the configuration', async () => {
  const der = new Uint8Array([0x30, 1, 0]);
  await writeFile(join(folder, 'vek.der'), der);
  const pem = `-----BEGIN X509 CRL-----\n${toBase64(der)}\n-----END X509 CRL-----\n`;
  await writeFile(join(folder, 'crl.pem'), pem);
  const files = { vek: 'vek.der', ask: null, ark: null, arkCrl: 'crl.pem' };
  const { collateral, state } = await loadConfig(await write(config({ collateral: files })));
  expect(collateral.map(({ kind, data }) => [kind, toHex(data)])).toEqual([
    ['vek', '300100'],
    ['ark-crl', '300100'],
  ]);
  expect(state.manifest).toEqual(utf8(`${'11'.repeat(32)} ${path}\n`));
});

test('loadConfig reads what a TDX machine serves, signed documents byte for byte', async () => {
  const intel = createIntel();
  const files = {
    tcbInfo: 'tcb.json',
    tcbSigning: 'signing.pem',
    qeIdentity: 'qe.json',
    qeIdentitySigning: 'signing.pem',
    pckCrl: 'pck-crl.der',
    intelRootCrl: 'root-crl.pem',
    intelRoot: 'root.pem',
  };
  const contents: [string, string | Bytes][] = [
    ['tcb.json', intel.tcbInfo.bytes],
    ['qe.json', intel.qeIdentity.bytes],
    ['signing.pem', intel.tcbSigning.pem],
    ['pck-crl.der', intel.pckCrl.der],
    ['root-crl.pem', intel.rootCrl.pem],
    ['root.pem', intel.root.pem],
  ];
  for (const [name, content] of contents) await writeFile(join(folder, name), content);
  const load = async (chosen: Record<string, string | null>) => {
    const collateral = { ...noCollateral, ...chosen };
    const loaded = await loadConfig(await write(config({ collateral })));
    return loaded.collateral.map(({ kind, data }) => ({ kind, data }));
  };
  expect(await load(files)).toEqual(collateralOf(intel));
  expect(await load({ tcbInfo: null, intelRoot: 'root.pem' })).toEqual(
    collateralOf(intel).slice(-1),
  );
});

describe('serve', () => {
  test('answers until it is closed, and a request under way to its end', async () => {
    let arrived = () => {};
    const waiting = new Promise<void>((done) => {
      arrived = done;
    });
    let finish = () => {};
    const app = new Koa().use(async (ctx) => {
      if (ctx.path === '/slow') {
        await new Promise<void>((done) => {
          finish = done;
          arrived();
        });
      }
      ctx.body = 'done';
    });
    const server = await serve(app, { host: '127.0.0.1', port: 0 });
    expect(await (await fetch(server.url)).text()).toBe('done');
    const slow = fetch(`${server.url}/slow`);
    await waiting;
    const closed = server.close();
    finish();
    expect(await (await slow).text()).toBe('done');
    await closed;
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test('refuses an address in use as bad configuration', async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const listen = { host: '127.0.0.1', port };
    expect(await codeOf(() => serve(new Koa(), listen))).toBe('config-invalid');
  });

  test('refuses headers of more than 8 KiB', async () => {
    const server = await serve(new Koa(), { host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    const answer = (length: number) =>
      new Promise<string>((done, fail) => {
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
          socket.write(
            `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: ${'x'.repeat(length)}\r\n\r\n`,
          );
        });
        let text = '';
        socket.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        socket.on('close', () => done(text.split('\r\n')[0] as string)).on('error', fail);
      });
    expect(await answer(4000)).toBe('HTTP/1.1 404 Not Found');
    expect(await answer(9000)).toContain('431');
  });
});
