import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collateralKinds } from '#verifier/abi/bundle.ts';
import { decodeObject, encodeObject, openStore } from '#verifier/collateral/host/store.ts';
import { sample, scratch } from './folders.ts';

const fresh = scratch();
const name = 'amd/vcek/genoa/00ff/0011';
const file = 'amd_vcek_genoa_00ff_0011.json';
const unusable = { code: 'cache-unusable', name: 'CollateralError' };
const posix = test.skipIf(process.platform === 'win32');

describe('objects', () => {
  test('are read as they were written, listed in order, and removed', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    expect(await store.read(name)).toBeNull();
    expect(await store.names()).toEqual([]);
    for (const [n, one] of [name, 'intel/root-crl', 'amd/crl/milan/vcek'].entries()) {
      await store.write(one, sample(n));
    }
    await store.write(name, sample(9));
    expect(await store.read(name)).toEqual(sample(9));
    expect(await store.names()).toEqual(['amd/crl/milan/vcek', name, 'intel/root-crl']);
    const other = await openStore(folder);
    expect(await other.read('intel/root-crl')).toEqual(sample(1));
    await other.remove(name);
    await other.remove(name);
    expect(await store.read(name)).toBeNull();
    expect(readdirSync(join(folder, 'writing'))).toEqual([]);
  });

  test('have only names that lead to one file each', async () => {
    const store = await openStore(fresh());
    for (const wrong of [
      '',
      '/',
      'a/',
      '/a',
      'a//b',
      '..',
      '../a',
      'a/../b',
      'A',
      'a_b',
      'a.b',
      'a\0',
      'ä',
    ]) {
      await expect(store.read(wrong), wrong).rejects.toThrow(RangeError);
      await expect(store.write(wrong, sample(1)), wrong).rejects.toThrow(RangeError);
      await expect(store.remove(wrong), wrong).rejects.toThrow(RangeError);
    }
    await store.write('a-b/0', sample(1));
    expect(await store.read('a-b/0')).toEqual(sample(1));
  });

  test('that could not be read again are not written', async () => {
    const store = await openStore(fresh());
    const big = new Uint8Array(3.2 * 1024 * 1024);
    const wrong = [
      { items: [] },
      { source: 'two words' },
      { fetched: -1 },
      { items: [{ kind: 'tcb-info', data: big }] },
    ] as const;
    for (const change of wrong) {
      await expect(store.write(name, { ...sample(1), ...change })).rejects.toThrow(RangeError);
    }
    expect(await store.names()).toEqual([]);
  });

  posix('are for their owner alone', async () => {
    const folder = fresh();
    await (await openStore(folder)).write(name, sample(1));
    const mode = (...path: string[]) => statSync(join(folder, ...path)).mode & 0o777;
    expect([mode(), mode('objects'), mode('locks'), mode('pauses')]).toEqual(Array(4).fill(0o700));
    expect(mode('objects', file)).toBe(0o600);
  });
});

describe('a damaged file', () => {
  const whole = encodeObject(name, { ...sample(1), items: sample(0).items });

  test('reads as none, whichever byte was changed', async () => {
    const store = await openStore(fresh());
    const bytes = Buffer.from(whole);
    const seen = new Set<number>();
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x20, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ flip;
        // As the store reads: text that is not UTF-8 has no decoding.
        const text = changed.toString('utf8');
        if (decodeObject(text, name) !== null) seen.add(at);
      }
    }
    expect([...seen]).toEqual([]);
    expect(decodeObject(whole, name)).not.toBeNull();
    expect(await store.read(name)).toBeNull();
  });

  test('on disk reads as none, and is written over', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    const path = join(folder, 'objects', file);
    const bytes = Buffer.from(whole);
    const damaged = [
      Buffer.alloc(0),
      Buffer.alloc(bytes.length),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Buffer.from('\n')]),
      Buffer.concat([bytes, bytes]),
      Buffer.from(bytes.toString().replace('"version":1', '"version":2')),
      Buffer.from(bytes.toString().replace('{', '{"more":1,')),
      Buffer.from(encodeObject('amd/vcek/genoa/00ff/0012', sample(1))),
      Buffer.alloc(5 * 1024 * 1024, ' '),
      Buffer.from([0xff, 0xfe]),
    ];
    for (const content of damaged) {
      writeFileSync(path, content);
      expect(await store.read(name)).toBeNull();
    }
    writeFileSync(path, bytes);
    expect(await store.read(name)).not.toBeNull();
    writeFileSync(path, 'rubbish');
    await store.write(name, sample(3));
    expect(await store.read(name)).toEqual(sample(3));
  });

  test('every object survives the way there and back, and random text is none', () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    const stored = fc.record({
      items: fc.array(fc.record({ kind: fc.constantFrom(...collateralKinds), data: bytes }), {
        minLength: 1,
        maxLength: 8,
      }),
      signers: fc.array(bytes, { maxLength: 8 }),
      fetched: fc.nat(),
      source: fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
    });
    fc.assert(
      fc.property(stored, (one) => {
        expect(decodeObject(encodeObject(name, one), name)).toEqual(one);
      }),
    );
    fc.assert(fc.property(fc.json(), (text) => decodeObject(text, name) === null));
    fc.assert(fc.property(fc.string(), (text) => decodeObject(text, name) === null));
  });
});

describe('a folder', () => {
  test('is swept of what killed writers left, when it is old', async () => {
    const folder = fresh();
    await openStore(folder);
    const put = (part: string, left: string, hours: number) => {
      const path = join(folder, part, left);
      writeFileSync(path, 'left');
      const time = Date.now() / 1000 - 3600 * hours;
      utimesSync(path, time, time);
    };
    put('writing', 'old', 1.1);
    put('writing', 'new', 0.9);
    put('locks', 'old~', 1.1);
    put('locks', 'new~', 0.9);
    put('objects', file, 1.1);
    await openStore(folder);
    const left = (part: string) => readdirSync(join(folder, part));
    expect([left('writing'), left('locks'), left('objects')]).toEqual([['new'], ['new~'], [file]]);
  });

  test('holds foreign files without a word', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    for (const foreign of ['.DS_Store', 'A.json', 'a__b.json', 'a.json~', 'notes']) {
      writeFileSync(join(folder, 'objects', foreign), '');
    }
    await store.write('a', sample(1));
    expect(await store.names()).toEqual(['a']);
  });

  test('that is a file, or below one, is named with the reason', async () => {
    const path = fresh();
    writeFileSync(path, '');
    await expect(openStore(path)).rejects.toMatchObject(unusable);
    await expect(openStore(join(path, 'below'))).rejects.toMatchObject({
      ...unusable,
      message: expect.stringMatching(/a part of its path is a file.*ENOTDIR/),
    });
  });

  test('that was removed, or has a folder where a file belongs, is named with the reason', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    mkdirSync(join(folder, 'objects', file));
    expect(await store.read(name)).toBeNull();
    await expect(store.write(name, sample(1))).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('EISDIR'),
    });
    expect(readdirSync(join(folder, 'writing'))).toEqual([]);
  });

  // Root may write everywhere.
  const denied = process.getuid?.() === 0 ? [] : [0o500];
  test.for(denied)('that may not be written is named with the reason: %o', async (mode) => {
    const folder = fresh();
    mkdirSync(folder, { mode });
    await expect(openStore(folder)).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('permission denied'),
    });
  });

  test('that lies below a file is named with the reason', async () => {
    const path = fresh();
    writeFileSync(path, '');
    await expect(openStore(join(path, 'cache'))).rejects.toMatchObject({
      ...unusable,
      message: expect.stringContaining('ENOTDIR'),
    });
  });
});
