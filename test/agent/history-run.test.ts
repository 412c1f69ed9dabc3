/** Key files, SIGHUP, runtime events and TLS on an agent that is a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { affidavit } from '#test/verifier/cli/run.ts';
import { parseLog } from '#verifier/abi/log.ts';
import { fromBase64, toHex } from '#verifier/bytes.ts';
import { runKeygen } from '#verifier/cli/keygen-command.ts';
import { fieldToBytes } from '#verifier/field.ts';

const script = fileURLToPath(new URL('../fake/insecure-agent.ts', import.meta.url));
const storePath = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;
const names = ['a', 'b'] as const;

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-history-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const newKey = (name: string, replace: boolean) =>
  runKeygen({ outPrivate: at(`${name}.key`), outPublic: at(`${name}.pub`), replace });

async function start(...args: string[]) {
  const child = spawn(process.execPath, [
    script,
    '--port',
    '0',
    '--out-roots',
    at('roots'),
    ...args,
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = new Promise<number | null>((done) => child.on('close', done));
  await Promise.race([expect.poll(() => said, { timeout: 60_000 }).toContain('root in'), ended]);
  return { child, ended, said: () => said, url: /listening on (\S+)/.exec(said)?.[1] ?? '' };
}

// biome-ignore lint/suspicious/noExplicitAny: of the agent, and looked at right here
const json = async (url: string): Promise<any> => (await fetch(url)).json();

/** A socket, a line, and the answer to the end. */
function tell(path: string, line: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(path).setEncoding('utf8');
    let text = '';
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('close', () => done(text)).on('error', fail);
    socket.write(`${line}\n`);
  });
}

test('new keys and events become entries that evidence binds', { timeout: 120_000 }, async () => {
  for (const name of names) await newKey(name, false);
  const record = (name: string) => `${storePath(name)}\n${'11'.repeat(32)}\n1\n\n0\n`;
  writeFileSync(at('registration'), names.map(record).join(''));
  const config = {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    events: { socket: at('events') },
    closure: { registration: 'registration' },
    services: names.map((name) => ({
      name,
      storePath: storePath(name),
      publicKeyFile: `${name}.pub`,
    })),
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
  writeFileSync(at('agent.json'), JSON.stringify(config));
  const { child, ended, url } = await start('--config', at('agent.json'));

  const entries = async () => {
    const { entries: log } = await json(`${url}/history`);
    return parseLog(log.map((entry: string) => fromBase64(entry, 'entry')));
  };
  const reasons = async () =>
    (await entries()).entries.map((entry) => (entry.kind === 'tree' ? entry.reason : entry.name));
  await expect.poll(reasons).toEqual(['boot']);

  await newKey('b', true);
  const two = ['boot', 'service b restarted'];
  await expect.poll(reasons, { timeout: 10_000 }).toEqual(two);
  const answer = JSON.parse(
    await tell(at('events'), `{"version":1,"name":"disk","digest":"${'ab'.repeat(32)}"}`),
  );
  expect(answer).toEqual({ ok: true, logDigest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  child.kill('SIGHUP');
  expect(await reasons()).toEqual([...two, 'disk']);

  const { entries: all, treeRoot } = await entries();
  const root = toHex(fieldToBytes(treeRoot));
  // A root is worth nothing without the software that states it; the simulator's is 48 times 4d.
  const roots = ['--insecure-root', at('roots'), '--measurement', '4d'.repeat(48)];
  const bound = await affidavit(['verify', url, ...roots, '--tree-root', root]);
  expect(bound).toMatchObject({ code: 0 });
  const first = all[0]?.kind === 'tree' ? toHex(fieldToBytes(all[0].treeRoot)) : '';
  const old = await affidavit(['verify', url, ...roots, '--tree-root', first]);
  expect([old.code, old.stdout.includes('FAIL    policy.tree-root')]).toEqual([10, true]);
  const proof = await json(`${url}/proofs/b?root=${first}`);
  const [was, is] = [proof.service.publicKey, readFileSync(at('b.pub'), 'latin1').trim()];
  expect(was).not.toBe(is);
  expect((await json(`${url}/proofs/b`)).service.publicKey).toBe(is);

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(existsSync(at('events'))).toBe(false);
});

test('a key in two files stops the start, with the reason', { timeout: 60_000 }, async () => {
  writeFileSync(at('b.pub'), readFileSync(at('a.pub')));
  const { ended, said } = await start('--config', at('agent.json'));
  expect(await ended).toBe(2);
  expect(said()).toContain('services[1].publicKeyFile: as in services[0]');
});

test('--tls binds evidence to the session', { timeout: 60_000 }, async () => {
  const { child, ended, url } = await start('--tls');
  expect(url).toMatch(/^https:/);
  const { code, stdout } = await affidavit(['verify', url, '--insecure-root', at('roots')]);
  expect([code, /policy\.channel +tls-exporter/.test(stdout)]).toEqual([0, true]);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
