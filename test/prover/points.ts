/**
 * The ceremony's points beside the repository: tests that need them skip with `pointsMissing` where
 * they are absent.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFile, sharedPath } from '#test/shared.ts';
import type { Bytes } from '#verifier/bytes.ts';

export const hasPoints: boolean = existsSync(sharedPath('crs/bn254_g1.dat'));

/** The reason to print when a test skips. */
export const pointsMissing = 'the ceremony’s points are not here (expected ../shared/crs)';

export const sharedPoints: string = sharedPath('crs');

/** The first points, or all 32,769. */
export function genuineG1(count = 32_769): Bytes {
  return sharedFile('crs/bn254_g1.dat').slice(0, 64 * count);
}

/** A folder in Barretenberg's layout. */
export function pointsIn(folder: string, g1: Bytes, g2: Bytes = sharedFile('crs/bn254_g2.dat')) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bn254_g1.dat'), g1);
  writeFileSync(join(folder, 'bn254_g2.dat'), g2);
  return folder;
}
