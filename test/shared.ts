/**
 * Files that stand beside the repository and are not part of it (../shared: evidence from real
 * machines). A test that needs them skips with `sharedMissing` where they are absent; it never
 * passes without them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bytes } from '#verifier/bytes.ts';

const root = new URL('../../shared/', import.meta.url);

/** Whether the corpus of real evidence is here. */
export const hasShared: boolean = existsSync(new URL('corpus/', root));

/** The reason to print when a test skips. */
export const sharedMissing =
  'the corpus of real evidence is not here (expected ../shared/corpus beside the repository)';

/** @param path below ../shared, with forward slashes: `corpus/index.json` */
export function sharedPath(path: string): string {
  return fileURLToPath(new URL(path, root));
}

/** @throws Error of node:fs when there is no such file */
export function sharedFile(path: string): Bytes {
  return new Uint8Array(readFileSync(sharedPath(path)));
}
