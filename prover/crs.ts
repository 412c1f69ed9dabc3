/**
 * Where the ceremony's points come from: files first, in a fixed order, then a download. Only
 * genuine ones come out.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, toHex } from '#verifier/bytes.ts';
import { readIfThere, writeAtomically } from './cache.ts';
import { ceremonyG2, isGenuine, pointLength } from './ceremony.ts';
import { ProverError } from './errors.ts';

/** Checked: the ceremony's first points, and its G2. */
export type Points = { g1: Bytes; g2: Bytes; count: number; from: string };

/** A circuit's name, and how many points it takes. */
export type Need = { circuit: string; count: number };

export type Place = {
  folder: string;
  /** How the user named it, for messages. */
  named: string;
};

export type CrsOptions = {
  /** --crs: the only place that is looked at. */
  given?: string | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  workingFolder: string;
  /** The folder of this checkout, for ../shared/crs. */
  checkout: string;
  home: string;
  /** The user's cache folder. */
  cache: string;
  /** Never use the network. */
  offline: boolean;
  /** Downloads `count` points into a folder, in Barretenberg's layout. */
  download: (count: number, folder: string) => Promise<void>;
  /** Told of what takes time. */
  note: (text: string) => void;
};

/**
 * --crs alone when it is given; else CRS_PATH, ./.crs, ../shared/crs, ~/.bb-crs, and what was
 * fetched before.
 */
export function placesOf(options: CrsOptions): Place[] {
  const { given, environment, workingFolder, checkout, home, cache } = options;
  if (given !== undefined) return [{ folder: given, named: `--crs ${given}` }];
  const fromEnvironment = environment['CRS_PATH'];
  return [
    ...(fromEnvironment
      ? [{ folder: fromEnvironment, named: `CRS_PATH (${fromEnvironment})` }]
      : []),
    { folder: join(workingFolder, '.crs'), named: './.crs' },
    { folder: join(checkout, '..', 'shared', 'crs'), named: '../shared/crs' },
    { folder: join(home, '.bb-crs'), named: '~/.bb-crs' },
    { folder: join(cache, 'crs', 'downloaded'), named: 'the user’s cache' },
  ];
}

/**
 * The first place that holds enough points, else a download.
 * @throws ProverError `points-missing`; `points-wrong` as soon as a place holds points of another
 * making
 */
export async function findPoints(need: Need, options: CrsOptions): Promise<Points> {
  const seen: string[] = [];
  for (const place of placesOf(options)) {
    const found = await readPoints(place, need.count);
    if (typeof found === 'object') return checked(found.g1, found.g2, place, need, options);
    seen.push(`${place.named} ${found}`);
  }
  if (options.given === undefined && !options.offline) return downloadPoints(need, options, seen);
  throw missing(need, seen, options.given ?? '~/.bb-crs');
}

async function readPoints(
  { folder }: Place,
  count: number,
): Promise<{ g1: Bytes; g2: Bytes } | string> {
  const g2 = await readIfThere(join(folder, 'bn254_g2.dat'));
  const file = await open(join(folder, 'bn254_g1.dat')).catch(() => null);
  if (file === null) return 'has no bn254_g1.dat';
  try {
    const { size } = await file.stat();
    const held = Math.floor(size / pointLength);
    if (held < count) return `holds ${inWords(held)} points`;
    if (g2 === null) return 'has no bn254_g2.dat';
    const g1 = new Uint8Array(count * pointLength);
    const { bytesRead } = await file.read(g1, 0, g1.length, 0);
    return bytesRead === g1.length ? { g1, g2 } : 'cannot be read to its end';
  } finally {
    await file.close();
  }
}

async function checked(
  g1: Bytes,
  g2: Bytes,
  place: Place,
  { count }: Need,
  { cache, note }: CrsOptions,
): Promise<Points> {
  const folder = join(cache, 'crs');
  const marker = `${toHex(sha256(g1))}.genuine`;
  const long = count > 32_769;
  if (!equalBytes(g2, ceremonyG2)) throw wrong(place, 'bn254_g2.dat');
  if (!long || (await readIfThere(join(folder, marker))) === null) {
    if (long) note(`checking ${inWords(count)} points of ${place.named}, once: some seconds`);
    if (!isGenuine(g1)) throw wrong(place, 'bn254_g1.dat');
    // Without a cache to write to, the check is made again the next time.
    if (long) await writeAtomically(folder, marker, '').catch(() => {});
  }
  return { g1, g2, count, from: place.named };
}

async function downloadPoints(need: Need, options: CrsOptions, seen: string[]): Promise<Points> {
  const { count } = need;
  options.note(`downloading ${inWords(count)} points of the ceremony (${size(count)})`);
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-crs-'));
  const place = { folder, named: 'the download' };
  try {
    await options.download(count, folder).catch((cause: unknown) => {
      seen.push(`the download failed (${cause instanceof Error ? cause.message : cause})`);
    });
    const found = await readPoints(place, count);
    if (typeof found === 'string') throw missing(need, seen, '~/.bb-crs');
    const points = await checked(found.g1, found.g2, place, need, options);
    const target = join(options.cache, 'crs', 'downloaded');
    await writeAtomically(target, 'bn254_g2.dat', points.g2).catch(() => {});
    await writeAtomically(target, 'bn254_g1.dat', points.g1).catch(() => {});
    return points;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A folder for the native backend, which reads only files and writes a lock beside them: so the
 * points' own folder may be read-only. `release` removes it where no cache could be written.
 */
export async function pointsFolder(
  { g1, g2 }: Pick<Points, 'g1' | 'g2'>,
  cache: string,
): Promise<{ folder: string; release: () => Promise<void> }> {
  const kept = join(cache, 'crs', String(g1.length / pointLength));
  try {
    await putPoints(kept, g1, g2);
    return { folder: kept, release: async () => {} };
  } catch {
    const folder = await mkdtemp(join(tmpdir(), 'affidavit-crs-'));
    await putPoints(folder, g1, g2);
    return { folder, release: () => rm(folder, { recursive: true, force: true }) };
  }
}

async function putPoints(folder: string, g1: Bytes, g2: Bytes): Promise<void> {
  for (const [name, content] of [
    ['bn254_g1.dat', g1],
    ['bn254_g2.dat', g2],
  ] as const) {
    const old = await readIfThere(join(folder, name));
    if (old === null || !equalBytes(old, content)) await writeAtomically(folder, name, content);
  }
  // Barretenberg must be able to write here too.
  await writeAtomically(folder, 'crs.lock', '');
}

function missing({ circuit, count }: Need, seen: string[], folder: string): ProverError {
  return new ProverError(
    'points-missing',
    `circuit ${circuit} needs ${inWords(count)} points of the ceremony (${size(count)}): ${seen.join(', ')}`,
    `Put bn254_g1.dat and bn254_g2.dat in ${folder}, or name their folder with --crs or CRS_PATH.`,
  );
}

function wrong({ folder, named }: Place, file: string): ProverError {
  return new ProverError(
    'points-wrong',
    `${join(folder, file)} (${named}) does not hold the points of the Aztec Ignition ceremony`,
    'Replace it: under other points, whoever made them can forge proofs.',
  );
}

function size(count: number): string {
  return `${((count * pointLength) / 2 ** 20).toFixed(1)} MiB`;
}

function inWords(count: number): string {
  return count.toLocaleString('en-US');
}
