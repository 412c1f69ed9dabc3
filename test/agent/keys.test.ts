/** Key files: what is refused at the start, and what happens when they change. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '#agent/cli.ts';
import { parseConfig, toServices } from '#agent/config.ts';
import { createHistory } from '#agent/history.ts';
import { followKeys, keyFileReader } from '#agent/key-files.ts';
import { parsePublicKeyFile, readServiceKeys } from '#agent/keys.ts';
import { bootState } from '#agent/state.ts';
import { parseLog } from '#verifier/abi/log.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf, recorder } from './helpers.ts';

const newKey = () => toHex(secp256k1.getPublicKey(secp256k1.keygen().secretKey, false).slice(1));
const offCurve = (key: string) => key.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
const path = (name: string) => `/nix/store/${'0'.repeat(32)}-${name}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Key = { publicKey?: string; publicKeyFile?: string };

function configOf(keys: Readonly<Record<string, Key>>) {
  const services = Object.entries(keys).map(([name, key]) => ({
    name,
    storePath: path(name),
    ...key,
  }));
  return {
    version: 1,
    listen: { host: '127.0.0.1', port: 0 },
    closure: { registration: 'registration' },
    services,
    collateral: { vek: null, ask: null, ark: null, arkCrl: null },
  };
}

const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
/** As `affidavit keygen` does: another file takes the name. */
function replace(name: string, text: string): void {
  file(`${name}.new`, text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}

async function load(keys: Readonly<Record<string, Key>>) {
  file('agent.json', JSON.stringify(configOf(keys)));
  const record = (name: string) => `${path(name)}\n${'11'.repeat(32)}\n1\n\n0\n`;
  file('registration', Object.keys(keys).map(record).join(''));
  return loadConfig(join(folder, 'agent.json'));
}

describe('at the start', () => {
  test('keys come from the configuration or from files, with or without a line feed', async () => {
    const [a, b, c] = [newKey(), newKey(), newKey()];
    file('b.pub', `${b}\n`);
    file('c.pub', c);
    const { state } = await load({
      a: { publicKey: a },
      b: { publicKeyFile: 'b.pub' },
      c: { publicKeyFile: join(folder, 'c.pub') },
    });
    expect(state.services.map(({ publicKey }) => toHex(publicKey))).toEqual([a, b, c]);
  });

  const good = newKey();
  test.each<[string, string, string]>([
    ['a point off the curve', `${offCurve(good)}\n`, 'point of secp256k1'],
    ['two line feeds', `${good}\n\n`, '128 lower-case hex digits'],
    ['upper case', good.toUpperCase(), '128 lower-case hex digits'],
    ['a compressed key', `02${good.slice(0, 64)}\n`, '128 lower-case hex digits'],
    ['nothing', '', '128 lower-case hex digits'],
    ['more than a key', `${good}\n`.padEnd(2000, 'x'), 'cannot be read'],
  ])('%s in a file is refused', async (_, text, why) => {
    file('a.pub', text);
    const call = () => load({ a: { publicKeyFile: 'a.pub' } });
    expect(await codeOf(call)).toBe('config-invalid');
    await expect(call()).rejects.toThrow('configuration.services[0].publicKeyFile');
    await expect(call()).rejects.toThrow(why);
    file('a.pub', `${good}\n`);
    expect(await codeOf(call)).toBe('accepted');
  });

  test('a missing file is refused by the name of its member', async () => {
    const call = () => load({ a: { publicKeyFile: 'nothing.pub' } });
    expect(await codeOf(call)).toBe('config-invalid');
    await expect(call()).rejects.toThrow('publicKeyFile: "nothing.pub" cannot be read');
  });

  test('a key twice is refused, wherever the two are from', async () => {
    file('a.pub', `${good}\n`);
    file('b.pub', `${good}\n`);
    const pairs: [Key, Key, string][] = [
      [{ publicKeyFile: 'a.pub' }, { publicKeyFile: 'b.pub' }, 'services[1].publicKeyFile'],
      [{ publicKeyFile: 'a.pub' }, { publicKeyFile: 'a.pub' }, 'services[1].publicKeyFile'],
      [{ publicKey: good }, { publicKeyFile: 'b.pub' }, 'services[1].publicKeyFile'],
      [{ publicKeyFile: 'a.pub' }, { publicKey: good }, 'services[1].publicKey:'],
    ];
    for (const [a, b, where] of pairs) {
      expect(await codeOf(() => load({ a, b }))).toBe('config-invalid');
      await expect(load({ a, b })).rejects.toThrow(where);
      await expect(load({ a, b })).rejects.toThrow('as in services[0]');
    }
    file('b.pub', `${newKey()}\n`);
    const twin = { a: { publicKeyFile: 'a.pub' }, b: { publicKeyFile: 'b.pub' } };
    expect(await codeOf(() => load(twin))).toBe('accepted');
  });

  test('a service has one key: not none, not two', async () => {
    const parse = (key: Key) => parseConfig(utf8(JSON.stringify(configOf({ a: key }))));
    expect(await codeOf(() => parse({ publicKey: good }))).toBe('accepted');
    expect(await codeOf(() => parse({ publicKeyFile: 'a.pub' }))).toBe('accepted');
    for (const key of [{}, { publicKey: good, publicKeyFile: 'a.pub' }]) {
      expect(await codeOf(() => parse(key))).toBe('config-invalid');
      expect(() => parse(key)).toThrow('services[0]: expected one of publicKey and publicKeyFile');
    }
  });

  test('a path outside the closure is refused, the key being in a file too', async () => {
    file('a.pub', `${good}\n`);
    const { services } = parseConfig(
      utf8(JSON.stringify(configOf({ a: { publicKeyFile: 'a.pub' } }))),
    );
    const keyed = await readServiceKeys(services, keyFileReader(folder));
    const closure = (name: string) => [{ path: path(name), narHash: new Uint8Array(32) }];
    expect(await codeOf(() => toServices(keyed, closure('b')))).toBe('config-invalid');
    expect(await codeOf(() => toServices(keyed, closure('a')))).toBe('accepted');
  });

  test('bytes that are no text are refused', async () => {
    expect(await codeOf(() => parsePublicKeyFile(Uint8Array.of(0xff)))).toBe('utf8-malformed');
  });
});

describe('while the agent runs', () => {
  async function following(keys: Readonly<Record<string, Key>>) {
    const { config, state } = await load(keys);
    const logger = recorder();
    const history = createHistory(state, { now: () => 1_800_000_000, logger });
    const follower = followKeys({ services: config.services, folder, history, logger });
    onTestFinished(() => follower.close());
    await follower.reload();
    const reasons = () =>
      parseLog(history.state().log).entries.map((entry) => 'reason' in entry && entry.reason);
    const keysNow = () => history.state().services.map(({ publicKey }) => toHex(publicKey));
    return { follower, history, logger, reasons, keysNow };
  }

  test('a file that is replaced is a new tree, by itself', async () => {
    const [a, b, second] = [newKey(), newKey(), newKey()];
    file('a.pub', `${a}\n`);
    file('b.pub', `${b}\n`);
    const { reasons, keysNow } = await following({
      a: { publicKeyFile: 'a.pub' },
      b: { publicKeyFile: 'b.pub' },
    });
    expect(reasons()).toEqual(['boot']);
    replace('b.pub', `${second}\n`);
    await expect.poll(reasons, { timeout: 10_000 }).toEqual(['boot', 'service b restarted']);
    expect(keysNow()).toEqual([a, second]);
  });

  test('one that is written in place, in two parts, is one too', async () => {
    const [first, second] = [newKey(), newKey()];
    file('a.pub', `${first}\n`);
    const { reasons, keysNow } = await following({ a: { publicKeyFile: 'a.pub' } });
    file('a.pub', second.slice(0, 50));
    file('a.pub', `${second}\n`);
    await expect.poll(reasons, { timeout: 10_000 }).toEqual(['boot', 'service a restarted']);
    expect(keysNow()).toEqual([second]);
  });

  test('SIGHUP reads all again', async () => {
    const [first, second] = [newKey(), newKey()];
    file('a.pub', `${first}\n`);
    const { follower, reasons } = await following({ a: { publicKeyFile: 'a.pub' } });
    replace('a.pub', `${second}\n`);
    process.emit('SIGHUP');
    await follower.reload();
    expect(reasons()).toEqual(['boot', 'service a restarted']);
  });

  test.each([
    ['no key', () => 'rubbish'],
    ['a key off the curve', () => `${offCurve(newKey())}\n`],
    ['the key of another service', (other: string) => `${other}\n`],
  ])('%s in a file leaves the tree, and the log says why', async (_, text) => {
    const [a, b, second] = [newKey(), newKey(), newKey()];
    file('a.pub', `${a}\n`);
    const { follower, logger, reasons, keysNow } = await following({
      a: { publicKeyFile: 'a.pub' },
      b: { publicKey: b },
    });
    replace('a.pub', text(b));
    await follower.reload();
    expect([reasons(), keysNow()]).toEqual([['boot'], [a, b]]);
    expect(logger.lines.at(-1)).toMatch(/^error the tree stays as it is: configuration\.services/);
    replace('a.pub', `${second}\n`);
    await follower.reload();
    expect([reasons(), keysNow()]).toEqual([
      ['boot', 'service a restarted'],
      [second, b],
    ]);
  });

  test('a folder that cannot be watched is for the log; SIGHUP is left', async () => {
    const { config, state } = await load({ a: { publicKey: newKey() } });
    const logger = recorder();
    const history = createHistory(state, { now: () => 0, logger });
    const services = config.services.map((service) => ({
      ...service,
      key: { file: '/nothing/here.pub' },
    }));
    const follower = followKeys({ services, folder, history, logger });
    onTestFinished(() => follower.close());
    await follower.reload();
    expect(logger.lines[0]).toMatch(/^warn \/nothing cannot be watched: send SIGHUP/);
  });

  test('after the end nothing is heard', async () => {
    file('a.pub', `${newKey()}\n`);
    const before = process.listenerCount('SIGHUP');
    const { follower, reasons } = await following({ a: { publicKeyFile: 'a.pub' } });
    expect(process.listenerCount('SIGHUP')).toBe(before + 1);
    follower.close();
    expect(process.listenerCount('SIGHUP')).toBe(before);
    replace('a.pub', `${newKey()}\n`);
    await new Promise((done) => setTimeout(done, 400));
    expect(reasons()).toEqual(['boot']);
  });
});

test('the boot’s tree and a later one of the same keys are the same', async () => {
  const [a, b] = [newKey(), newKey()];
  file('a.pub', `${a}\n`);
  const { state } = await load({ a: { publicKeyFile: 'a.pub' } });
  const history = createHistory(state, { now: () => 0, logger: recorder() });
  const hex = (key: string) => new Uint8Array(Buffer.from(key, 'hex'));
  history.setKeys([hex(b)]);
  history.setKeys([hex(a)]);
  expect(history.state().tree.root).toBe(state.tree.root);
  const closure = [{ path: path('a'), narHash: new Uint8Array(32).fill(0x11) }];
  const services = toServices([{ name: 'a', storePath: path('a'), publicKey: hex(b) }], closure);
  expect(history.state().trees[1]?.tree.root).toBe(bootState(closure, services, 0).tree.root);
});
