import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CrsOptions, findPoints, placesOf, pointsFolder } from '#prover/crs.ts';
import { codeOf } from '#test/agent/helpers.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import { genuineG1, hasPoints, pointsIn, pointsMissing } from './points.ts';

let folder: string;
let options: CrsOptions;
let notes: string[];
let downloads: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'affidavit-crs-test-'));
  notes = [];
  downloads = 0;
  options = {
    environment: {},
    workingFolder: join(folder, 'work'),
    checkout: join(folder, 'checkout', 'main'),
    home: join(folder, 'home'),
    cache: join(folder, 'cache'),
    offline: false,
    download: async () => {
      downloads += 1;
      throw new Error('no network');
    },
    note: (text) => notes.push(text),
  };
});

afterEach(() => rmSync(folder, { recursive: true }));

const need = { circuit: 'response-open-key', count: 1025 };

/** Where each place is, in the order of the lookup. */
function folders(): Record<string, string> {
  return {
    CRS_PATH: join(folder, 'env'),
    './.crs': join(folder, 'work', '.crs'),
    '../shared/crs': join(folder, 'checkout', 'shared', 'crs'),
    '~/.bb-crs': join(folder, 'home', '.bb-crs'),
    'the user’s cache': join(folder, 'cache', 'crs', 'downloaded'),
  };
}

describe('lookup', () => {
  test('the places are those of the protocol, in its order', () => {
    const all = placesOf({ ...options, environment: { CRS_PATH: join(folder, 'env') } });
    expect(all.map((place) => place.folder)).toEqual(Object.values(folders()));
    const given = placesOf({ ...options, given: '/given', environment: { CRS_PATH: '/env' } });
    expect(given.map((place) => place.folder)).toEqual(['/given']);
  });

  test('each place serves when those before it hold nothing', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const environment = { CRS_PATH: join(folder, 'env') };
    const found: string[] = [];
    for (const path of Object.values(folders()).reverse()) {
      pointsIn(path, genuineG1(1025));
      found.push((await findPoints(need, { ...options, environment })).from);
    }
    expect(found.reverse().map((from) => from.replace(/ \(.*/, ''))).toEqual(
      Object.keys(folders()),
    );
    expect(downloads).toBe(0);
  });

  test('takes as many points as are needed, from a longer file too', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const given = pointsIn(join(folder, 'given'), genuineG1(5000));
    const points = await findPoints(need, { ...options, given });
    expect(equalBytes(points.g1, genuineG1(1025))).toBe(true);
  });

  test('goes on where there are too few', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    pointsIn(join(folder, 'work', '.crs'), genuineG1(1024));
    pointsIn(join(folder, 'home', '.bb-crs'), genuineG1(1025));
    expect((await findPoints(need, options)).from).toBe('~/.bb-crs');
  });
});

describe('what is missing', () => {
  test('names circuit, points, their size, what was found and where to put them', async ({
    skip,
  }) => {
    skip(!hasPoints, pointsMissing);
    pointsIn(join(folder, 'work', '.crs'), genuineG1(1024));
    const found = await findPoints(
      { circuit: 'response-open', count: 65_537 },
      { ...options, offline: true },
    ).catch((error: unknown) => error);
    expect(found).toMatchObject({
      code: 'points-missing',
      message: expect.stringMatching(
        /response-open needs 65,537 points of the ceremony \(4\.0 MiB\): \.\/\.crs holds 1,024 points, /,
      ),
      remedy: expect.stringMatching(/bn254_g1\.dat and bn254_g2\.dat in ~\/\.bb-crs.*--crs/),
    });
    expect(downloads).toBe(0);
  });

  test('is downloaded, unless --crs or --offline forbids it', async () => {
    const failed = await findPoints(need, options).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'points-missing' });
    expect(String(failed)).toMatch(/the download failed \(no network\)/);
    expect(downloads).toBe(1);
    await codeOf(() => findPoints(need, { ...options, offline: true }));
    await codeOf(() => findPoints(need, { ...options, given: folder }));
    expect(downloads).toBe(1);
  });

  test('a download is checked, and kept', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const download = async (count: number, target: string) => {
      downloads += 1;
      pointsIn(target, genuineG1(count));
    };
    expect((await findPoints(need, { ...options, download })).from).toBe('the download');
    expect((await findPoints(need, { ...options, download })).from).toBe('the user’s cache');
    expect(downloads).toBe(1);
    expect(notes).toEqual(['downloading 1,025 points of the ceremony (0.1 MiB)']);
  });

  test('a download of something else is refused, and not kept', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const download = async (count: number, target: string) => {
      pointsIn(target, changed(genuineG1(count), 64 * 1000));
    };
    expect(await codeOf(() => findPoints(need, { ...options, download }))).toBe('points-wrong');
    expect(existsSync(join(options.cache, 'crs', 'downloaded'))).toBe(false);
  });
});

describe('other points', () => {
  test.for([
    ['the generator', 0],
    ['tau', 64],
    ['a later one', 64 * 1024],
  ] as const)('%s: refused, wherever they lie', async ([, at], { skip }) => {
    skip(!hasPoints, pointsMissing);
    const given = pointsIn(join(folder, 'given'), changed(genuineG1(1025), at));
    expect(await codeOf(() => findPoints(need, { ...options, given }))).toBe('points-wrong');
    pointsIn(join(folder, 'work', '.crs'), changed(genuineG1(1025), at));
    pointsIn(join(folder, 'home', '.bb-crs'), genuineG1(1025));
    expect(await codeOf(() => findPoints(need, options))).toBe('points-wrong');
  });

  test('another G2 is refused', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const given = pointsIn(join(folder, 'given'), genuineG1(1025), new Uint8Array(128));
    expect(await codeOf(() => findPoints(need, { ...options, given }))).toBe('points-wrong');
  });
});

describe('a folder for the native backend', () => {
  test('is a copy: the points’ own folder may be read-only', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const given = pointsIn(join(folder, 'given'), genuineG1(1025));
    chmodSync(given, 0o555);
    const points = await findPoints(need, { ...options, given });
    const copy = await pointsFolder(points, options.cache);
    expect(copy.folder).toBe(join(options.cache, 'crs', '1025'));
    expect(new Uint8Array(readFileSync(join(copy.folder, 'bn254_g1.dat')))).toEqual(points.g1);
    expect(existsSync(join(given, 'crs.lock'))).toBe(false);
    chmodSync(given, 0o755);
  });

  test('a damaged copy is written again', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const points = { g1: genuineG1(1025), g2: new Uint8Array(128) };
    const kept = join(options.cache, 'crs', '1025');
    pointsIn(kept, changed(points.g1, 70));
    await pointsFolder(points, options.cache);
    expect(new Uint8Array(readFileSync(join(kept, 'bn254_g1.dat')))).toEqual(points.g1);
  });

  test('is a temporary one where no cache can be written', async ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const points = { g1: genuineG1(2), g2: new Uint8Array(128) };
    const copy = await pointsFolder(points, '/dev/null/cache');
    expect(existsSync(join(copy.folder, 'bn254_g1.dat'))).toBe(true);
    await copy.release();
    expect(existsSync(copy.folder)).toBe(false);
  });
});

function changed(bytes: Bytes, at: number): Bytes {
  const out = bytes.slice();
  out[at + 31] = (out[at + 31] as number) ^ 1;
  return out;
}
