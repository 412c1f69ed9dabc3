import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Artifact } from '#prover/artifact.ts';
import type { Backend } from '#prover/backend.ts';
import { cacheFolder } from '#prover/cache.ts';
import { cachedKey, deriveKey, keyFormat } from '#prover/keys.ts';

const artifact = { name: 'response-open-key', artifactHash: 'ab'.repeat(32) } as Artifact;
const key = new Uint8Array(3680).fill(5);
const backend = { log2Rows: async () => 14, deriveKey: async () => key } as unknown as Backend;
let cache: string;
let folder: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'affidavit-keys-'));
  folder = join(cache, 'keys', keyFormat);
});

afterEach(() => rmSync(cache, { recursive: true }));

describe('verification keys', () => {
  test('are derived once', async () => {
    expect(await cachedKey(artifact, cache)).toBeNull();
    expect(await deriveKey(artifact, 16_385, backend, cache)).toEqual(key);
    expect(await cachedKey(artifact, cache)).toEqual(key);
    expect(await cachedKey({ artifactHash: 'cd'.repeat(32) }, cache)).toBeNull();
  });

  test('a damaged one, or two for one artefact, are not used', async () => {
    await deriveKey(artifact, 16_385, backend, cache);
    const [name] = readdirSync(folder) as [string];
    const damaged = readFileSync(join(folder, name));
    damaged[99] = 6;
    writeFileSync(join(folder, name), damaged);
    expect(await cachedKey(artifact, cache)).toBeNull();
    await deriveKey(artifact, 16_385, backend, cache);
    expect(await cachedKey(artifact, cache)).toEqual(key);
    writeFileSync(join(folder, name.replace(/-.*/, `-${'00'.repeat(32)}.key`)), key);
    expect(await cachedKey(artifact, cache)).toBeNull();
  });

  test('a cache that cannot be written costs time alone', async () => {
    expect(await deriveKey(artifact, 16_385, backend, '/dev/null/cache')).toEqual(key);
  });

  test('a circuit of another size than stated is a fault', async () => {
    await expect(deriveKey(artifact, 65_537, backend, cache)).rejects.toThrow(/needs 16385 points/);
  });

  test('another release of the backend has other keys', () => {
    const { version } = JSON.parse(
      readFileSync(
        new URL('../../node_modules/@aztec/bb.js/package.json', import.meta.url),
        'utf8',
      ),
    );
    expect(keyFormat).toBe(`ultra-honk-zk-poseidon2-bb-${version}`);
  });
});

test('the cache lies where the user’s others do', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' }, '/home/a', 'linux')).toBe('/x/affidavit');
  expect(cacheFolder({}, '/home/a', 'linux')).toBe('/home/a/.cache/affidavit');
});
