import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bn254 } from '@noble/curves/bn254.js';
import { expect, onTestFinished, test } from 'vitest';
import { type Bytes, fromBigEndian, toHex } from '#verifier/bytes.ts';
import { fieldOrder } from '#verifier/field.ts';
import { writeInsecureSrs } from './dev-srs.ts';
import { insecureG2, insecurePowers, insecureTau } from './dev-srs-points.ts';

const { G1, G2 } = bn254;

function g1At(points: Bytes, index: number) {
  const x = fromBigEndian(points.subarray(64 * index, 64 * index + 32));
  const y = fromBigEndian(points.subarray(64 * index + 32, 64 * index + 64));
  return G1.Point.fromAffine({ x, y });
}

function g2Of(bytes: Bytes) {
  const [x0 = 0n, x1 = 0n, y0 = 0n, y1 = 0n] = [0, 32, 64, 96].map((at) =>
    fromBigEndian(bytes.subarray(at, at + 32)),
  );
  const { Fp2 } = bn254.fields;
  return G2.Point.fromAffine({ x: Fp2.fromBigTuple([x0, x1]), y: Fp2.fromBigTuple([y0, y1]) });
}

async function written(points: number) {
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-dev-srs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeInsecureSrs(folder, points);
  const read = async (name: string) => new Uint8Array(await readFile(join(folder, name)));
  return {
    names: (await readdir(folder)).toSorted(),
    g1: await read('bn254_g1.dat'),
    g2: await read('bn254_g2.dat'),
  };
}

test.each([1, 2, 3, 33])('%i powers equal naive multiples', (count) => {
  const points = insecurePowers(0, count);
  expect(points).toHaveLength(64 * count);
  let power = 1n;
  for (let i = 0; i < count; i++) {
    expect(g1At(points, i).equals(G1.Point.BASE.multiply(power))).toBe(true);
    power = (power * insecureTau) % fieldOrder;
  }
});

test('a later start goes on where an earlier one ends', () => {
  const all = insecurePowers(0, 50);
  expect(toHex(insecurePowers(20, 30))).toBe(toHex(all.subarray(64 * 20)));
});

test('the files hold the powers, over the edge of a batch', async () => {
  const { names, g1, g2 } = await written(4100);
  expect(names).toEqual(['bn254_g1.dat', 'bn254_g2.dat']);
  expect(g1).toHaveLength(64 * 4100);
  expect(toHex(g1.subarray(64 * 4090))).toBe(toHex(insecurePowers(4090, 10)));
  expect(toHex(g2)).toBe(toHex(insecureG2()));
});

// e(tau^(i+1)·G, H) = e(tau^i·G, tau·H)
test('consecutive powers pair with the G2 point', async () => {
  const { g1, g2 } = await written(4);
  const h = g2Of(g2);
  h.assertValidity();
  const holds = (i: number, j: number) =>
    bn254.fields.Fp12.eql(bn254.pairing(g1At(g1, j), G2.Point.BASE), bn254.pairing(g1At(g1, i), h));
  for (let i = 0; i < 3; i++) expect(holds(i, i + 1)).toBe(true);
  expect(holds(0, 2)).toBe(false);
});

test.each([0, -1, 1.5, Number.NaN])('refuses %d points', async (points) => {
  await expect(writeInsecureSrs(tmpdir(), points)).rejects.toThrow(RangeError);
});
