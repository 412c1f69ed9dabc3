import { bn254 } from '@noble/curves/bn254.js';
import { describe, expect, test } from 'vitest';
import { arePowers, ceremonyG2, firstPoints, isGenuine, pointsFor } from '#prover/ceremony.ts';
import { sharedFile } from '#test/shared.ts';
import { type Bytes, bigEndian, concat, equalBytes } from '#verifier/bytes.ts';
import { genuineG1, hasPoints, pointsMissing } from './points.ts';

/** Powers of a tau that everybody knows. */
function otherPowers(count: number, tau = 7n): Bytes {
  const { BASE, Fn } = bn254.G1.Point;
  const points = Array.from({ length: count }, (_, i) => {
    const { x, y } = BASE.multiply(Fn.pow(tau, BigInt(i))).toAffine();
    return concat(bigEndian(x, 32), bigEndian(y, 32));
  });
  return concat(...points);
}

test('2^k rows need 2^k + 1 points', () => {
  expect([pointsFor(14), pointsFor(16)]).toEqual([16_385, 65_537]);
});

describe('the ceremony', () => {
  test('the constants are the first of the file', ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    expect(equalBytes(firstPoints, genuineG1(2))).toBe(true);
    expect(equalBytes(ceremonyG2, sharedFile('crs/bn254_g2.dat'))).toBe(true);
  });

  test.for([1025, 2049, 4097, 8193, 16_385, 32_769])('%i points are genuine', (count, { skip }) => {
    skip(!hasPoints, pointsMissing);
    const g1 = genuineG1(count);
    expect(isGenuine(g1)).toBe(true);
    g1[64 * (count - 1)] = (g1[64 * (count - 1)] as number) ^ 1;
    expect(isGenuine(g1)).toBe(false);
  });

  test('powers of a known tau are not', () => {
    expect(isGenuine(otherPowers(1025))).toBe(false);
  });

  test('a number of points that is not 2^k + 1 is the caller’s mistake', () => {
    expect(() => isGenuine(new Uint8Array(64 * 1024))).toThrow(RangeError);
    expect(() => isGenuine(new Uint8Array(64 * 3))).toThrow(RangeError);
  });
});

describe('the pairing check of points that are not pinned', () => {
  test('accepts consecutive powers, wherever they begin', ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    expect(arePowers(genuineG1(40))).toBe(true);
    expect(arePowers(genuineG1(70).subarray(64 * 30))).toBe(true);
  });

  test('refuses another tau, a wrong order, and what is no point', ({ skip }) => {
    skip(!hasPoints, pointsMissing);
    const g1 = genuineG1(40);
    const swapped = concat(g1.subarray(0, 640), g1.subarray(704, 768), g1.subarray(640, 704));
    const broken = g1.slice();
    broken[100] = (broken[100] as number) ^ 1;
    expect([otherPowers(40), swapped, broken].map(arePowers)).toEqual([false, false, false]);
  });
});
