import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { type Held, isGone, Lock } from '#verifier/process-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-lock-'));
afterAll(() => rmSync(folder, { recursive: true }));
let locks = 0;
const fresh = () => join(folder, `${locks++}.lock`);

type Owner = Parameters<typeof isGone>[0];

/** A process that is no more: no process id is as high. */
const owner = (more: Partial<Owner> = {}): Owner => ({
  token: 'x',
  pid: 2 ** 30,
  started: null,
  host: hostname(),
  boot: bootId(),
  namespace: null,
  ...more,
});

function bootId(): string | null {
  const file = '/proc/sys/kernel/random/boot_id';
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

const refusal = ({ lock, who }: Held) => new RangeError(`${who} has ${lock}`);

describe('a lock', () => {
  test('is held by one at a time, and leaves nothing', async () => {
    const path = fresh();
    let inside = 0;
    const once = async () => {
      const lock = await Lock.prepare(path, refusal);
      const seen = await lock.hold(20_000, async () => {
        inside += 1;
        await sleep(2);
        const now = inside;
        inside -= 1;
        return now;
      });
      await lock.forget();
      return seen;
    };
    expect(await Promise.all(Array.from({ length: 20 }, once))).toEqual(Array(20).fill(1));
    expect(readdirSync(folder).filter((name) => name.startsWith('0.lock'))).toEqual([]);
  });

  test('is given back when the work fails, with the error of the work', async () => {
    const lock = await Lock.prepare(fresh(), refusal);
    await expect(lock.hold(0, () => Promise.reject(new TypeError('mine')))).rejects.toThrow('mine');
    await expect(lock.hold(0, async () => 7)).resolves.toBe(7);
    await lock.forget();
  });

  test('that cannot be had in time is refused in the words of the caller', async () => {
    const path = fresh();
    const lock = await Lock.prepare(path, refusal);
    writeFileSync(path, JSON.stringify(owner({ pid: 1, host: 'elsewhere' })));
    await expect(lock.hold(30, async () => {})).rejects.toThrow(
      new RangeError(`process 1 on elsewhere has ${path}`),
    );
    writeFileSync(path, 'rubbish');
    await expect(lock.hold(30, async () => {})).rejects.toThrow(
      new RangeError(`an unknown process has ${path}`),
    );
    rmSync(path);
    await expect(lock.hold(30, async () => 7)).resolves.toBe(7);
    await lock.forget();
  });

  test('of a dead process is broken', async () => {
    const path = fresh();
    writeFileSync(path, JSON.stringify(owner({ namespace: ownNamespace(await hereOf(path)) })));
    const lock = await Lock.prepare(path, refusal);
    await expect(lock.hold(0, async () => 7)).resolves.toBe(7);
    await lock.forget();
    expect(existsSync(path)).toBe(false);
  });

  test('is broken only when its process is gone for certain', () => {
    const us = owner({ pid: process.pid });
    expect(isGone({ ...us, host: 'elsewhere' })).toBe(false);
    expect(isGone({ ...us, namespace: 'another' })).toBe(false);
    if (us.boot !== null) expect(isGone({ ...us, boot: 'another' })).toBe(true);
  });

  test('clears away what killed processes prepared, once it is old or its process is gone', async () => {
    const path = fresh();
    const namespace = ownNamespace(await hereOf(path));
    writeFileSync(`${path}.dead`, JSON.stringify(owner({ namespace })));
    writeFileSync(`${path}.alive`, JSON.stringify(owner({ namespace, pid: process.pid })));
    writeFileSync(`${path}.elsewhere`, JSON.stringify(owner({ host: 'elsewhere' })));
    writeFileSync(`${path}.torn-new`, '{');
    writeFileSync(`${path}.torn-old`, '{');
    const minutesAgo = Date.now() / 1000 - 120;
    utimesSync(`${path}.torn-old`, minutesAgo, minutesAgo);
    await (await Lock.prepare(path, refusal)).forget();
    const left = ['alive', 'elsewhere', 'torn-new'].map((name) => `${path}.${name}`);
    const there = readdirSync(folder).map((name) => join(folder, name));
    expect(there.filter((name) => name.startsWith(`${path}.`)).toSorted()).toEqual(left);
  });
});

/** What this process writes of itself. */
async function hereOf(path: string): Promise<string> {
  const lock = await Lock.prepare(`${path}-other`, refusal);
  const text = await lock.hold(0, async () => readFileSync(`${path}-other`, 'utf8'));
  await lock.forget();
  return text;
}

const ownNamespace = (text: string): string | null => (JSON.parse(text) as Owner).namespace;
