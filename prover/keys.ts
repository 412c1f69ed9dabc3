/**
 * Verification keys: derived from a pinned artefact and the ceremony's points, kept in the user's
 * cache by hash.
 */
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { Artifact } from './artifact.ts';
import type { Backend } from './backend.ts';
import { namesIn, readIfThere, writeAtomically } from './cache.ts';
import { pointsFor } from './ceremony.ts';

/** Keys of another release or proof system are other files. */
export const keyFormat = 'ultra-honk-zk-poseidon2-bb-5.0.0';
const keyLength = 3680;

type Named = Pick<Artifact, 'artifactHash'>;

/**
 * The cached key of this artefact: null when there is none, more than one, or one that its name
 * does not fit.
 */
export async function cachedKey(artifact: Named, cache: string): Promise<Bytes | null> {
  const folder = join(cache, 'keys', keyFormat);
  const [name, ...others] = (await namesIn(folder)).filter((found) =>
    found.startsWith(`${artifact.artifactHash}-`),
  );
  if (name === undefined || others.length > 0) return null;
  const key = await readIfThere(join(folder, name));
  return key !== null && key.length === keyLength && nameOf(artifact, key) === name ? key : null;
}

/**
 * @param points how many the backend was opened with
 * @throws Error when the circuit needs another number of them: a fault of the program
 */
export async function deriveKey(
  artifact: Artifact,
  points: number,
  backend: Backend,
  cache: string,
): Promise<Bytes> {
  const needed = pointsFor(await backend.log2Rows(artifact));
  if (needed !== points) {
    throw new Error(`circuit ${artifact.name} needs ${needed} points where ${points} are stated`);
  }
  const key = await backend.deriveKey(artifact);
  if (key.length !== keyLength) {
    throw new Error(`a verification key has ${keyLength} bytes, got ${key.length}`);
  }
  await writeAtomically(join(cache, 'keys', keyFormat), nameOf(artifact, key), key).catch(() => {
    // Without a cache to write to, the key is derived again the next time.
  });
  return key;
}

/** <artefact hash>-<SHA-256 of the key> */
function nameOf({ artifactHash }: Named, key: Bytes): string {
  return `${artifactHash}-${toHex(sha256(key))}.key`;
}
