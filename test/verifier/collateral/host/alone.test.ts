import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openStore } from '#verifier/collateral/host/store.ts';
import { scratch } from './folders.ts';
import { bundleChild } from './run-child.ts';

const fresh = scratch();
const unusable = { code: 'cache-unusable', name: 'CollateralError' };

describe('alone', () => {
  test('in one process: one at a time of a name, in order, and others beside it', async () => {
    const store = await openStore(fresh());
    const order: string[] = [];
    const work = (which: string, ms: number) => async () => {
      order.push(`${which} in`);
      await sleep(ms);
      order.push(`${which} out`);
      return which;
    };
    const slow = store.alone('a', work('first', 300));
    const next = store.alone('a', work('second', 0));
    const other = store.alone('b', work('other', 0));
    expect(await Promise.all([slow, next, other])).toEqual(['first', 'second', 'other']);
    expect(order.filter((one) => !one.startsWith('other'))).toEqual([
      'first in',
      'first out',
      'second in',
      'second out',
    ]);
    expect(order.indexOf('other out')).toBeLessThan(order.indexOf('first out'));
  });

  test('two stores of one folder in one process', async () => {
    const folder = fresh();
    let inside = 0;
    const stores = await Promise.all([openStore(folder), openStore(folder), openStore(folder)]);
    const seen = await Promise.all(
      stores.map((store) =>
        store.alone('host/vendor.test%3a8443', async () => {
          inside += 1;
          await sleep(5);
          return inside--;
        }),
      ),
    );
    expect(seen).toEqual([1, 1, 1]);
    expect(readdirSync(join(folder, 'locks'))).toEqual([]);
  });

  test('leaves what the work throws as it is, and goes on after it', async () => {
    const store = await openStore(fresh());
    const mine = Object.assign(new Error('mine'), { syscall: 'connect', code: 'ECONNREFUSED' });
    await expect(store.alone('a', () => Promise.reject(mine))).rejects.toBe(mine);
    await expect(store.alone('a', async () => 7)).resolves.toBe(7);
  });

  test('is refused after a while, naming who is at work, and for names that are none', async () => {
    const folder = fresh();
    const store = await openStore(folder, { patience: 30 });
    const lock = join(folder, 'locks', 'a_b~');
    const elsewhere = {
      token: 'x',
      pid: 7,
      started: null,
      host: 'elsewhere',
      boot: null,
      namespace: null,
    };
    writeFileSync(lock, JSON.stringify(elsewhere));
    await expect(store.alone('a/b', async () => 7)).rejects.toMatchObject({
      ...unusable,
      message: expect.stringMatching(/process 7 on elsewhere .* a\/b .* delete .*a_b~/),
    });
    await expect(store.alone('a', async () => 7)).resolves.toBe(7);
    for (const wrong of ['', 'a_b', '../a/', 'A', 'a b']) {
      await expect(
        store.alone(wrong, async () => 7),
        wrong,
      ).rejects.toThrow(RangeError);
    }
  });

  test('100 processes work once each in turn', async () => {
    const programs = fresh();
    mkdirSync(programs);
    const start = bundleChild(programs);
    const folder = fresh();
    const log = join(programs, 'log');
    const children = Array.from({ length: 100 }, () =>
      start('alone', folder, 'intel/root-crl', log),
    );
    for (const child of children) expect(await child.line()).toBe('ready');
    const begin = Date.now();
    for (const child of children) child.process.stdin?.end();
    const ends = await Promise.all(children.map(({ ended }) => ended));
    const took = Date.now() - begin;
    expect(ends).toEqual(Array(100).fill({ last: 'alone', code: 0, stderr: '' }));
    expect(new Set(readFileSync(log, 'utf8').trim().split('\n')).size).toBe(100);
    expect(readdirSync(join(folder, 'locks'))).toEqual([]);
    // Of 1 ms each; what is left is waiting for one another, on machines that may be busy.
    expect(took).toBeLessThan(30_000);
    if (process.env['AFFIDAVIT_TIMES']) console.log(`100 processes alone in turn: ${took} ms`);
  }, 120_000);
});
