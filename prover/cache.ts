/**
 * The user's cache folder. Losing it costs time and nothing else; what is read from it is checked
 * by who reads it.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '#verifier/bytes.ts';
import { toHex } from '#verifier/bytes.ts';
import { userFolders } from '#verifier/cli/paths.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where this platform keeps what can be made again. */
export function cacheFolder(
  environment: Environment,
  home: string,
  platform: string = process.platform,
): string {
  return userFolders({ platform, environment, home }).cache;
}

/** Null when there is no such file, or it cannot be read. */
export async function readIfThere(path: string): Promise<Bytes | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    return null;
  }
}

/** Names of a folder's files, none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Whoever reads `path` finds the old content or the new, never a part. Makes the folder. */
export async function writeAtomically(
  folder: string,
  name: string,
  content: Bytes | string,
): Promise<void> {
  const temporary = join(folder, `.${name}.${toHex(new Uint8Array(randomBytes(8)))}`);
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
