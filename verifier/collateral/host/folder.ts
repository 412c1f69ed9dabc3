/**
 * Files that are whole at every moment: written beside their place, brought to disk, then renamed. Who is killed leaves
 * the old file or the new one, and perhaps one in `writing`, which nobody reads.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, fromUtf8, utf8 } from '../../bytes.ts';
import { CollateralError } from '../collateral-error.ts';

const writing = 'writing';
const hourMs = 3_600_000;

export type Folder = {
  readonly path: string;
  /** @returns null where there is none, or one of more than `most` bytes, or none that is UTF-8 */
  read(part: string, file: string, most: number): Promise<string | null>;
  write(part: string, file: string, text: string): Promise<void>;
  list(part: string): Promise<readonly string[]>;
  remove(part: string, file: string): Promise<void>;
};

/**
 * Makes the folder and its parts where they are not there, for its owner alone, and clears away what killed processes left
 * in `writing` and in `transient` more than an hour ago. All that it gives throws CollateralError `cache-unusable`.
 */
export async function openFolder(
  path: string,
  parts: readonly string[],
  transient: readonly string[],
): Promise<Folder> {
  await explaining(path, async () => {
    for (const part of [writing, ...parts, ...transient]) {
      await mkdir(join(path, part), { recursive: true, mode: 0o700 });
    }
    for (const part of [writing, ...transient]) await sweep(join(path, part));
  });
  return {
    path,
    read: (part, file, most) => explaining(path, () => readText(join(path, part, file), most)),
    write: (part, file, text) =>
      explaining(path, () =>
        replace(join(path, writing, randomUUID()), join(path, part, file), utf8(text)),
      ),
    list: (part) => explaining(path, () => readdir(join(path, part))),
    remove: (part, file) => explaining(path, () => unlinkIfThere(join(path, part, file))),
  };
}

async function replace(beside: string, place: string, bytes: Bytes): Promise<void> {
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, place);
  } catch (error) {
    // On a full disk above all, nothing of it may stay; what matters is why it failed.
    await unlink(beside).catch(() => {});
    throw error;
  }
}

async function readText(path: string, most: number): Promise<string | null> {
  const file = await open(path, 'r').catch(noFile);
  if (file === null) return null;
  let bytes: Bytes;
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > most) return null;
    bytes = await file.readFile();
  } finally {
    await file.close();
  }
  try {
    return fromUtf8(bytes, path);
  } catch {
    return null;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch(noFile);
}

async function sweep(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    const file = join(path, name);
    const found = await stat(file).catch(noFile);
    if (found !== null && Date.now() - found.mtimeMs > hourMs) await unlinkIfThere(file);
  }
}

function noFile(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it was removed, or there is no such folder',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EISDIR: 'a folder stands where a file belongs',
  EEXIST: 'a file stands where a folder belongs',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'this process has too many files open',
  ENFILE: 'the system has too many files open',
};

/** Turns what the system says into one error that names the cache. @throws CollateralError `cache-unusable` */
export async function explaining<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const { code = 'unknown reason', path: file = path } = error as NodeJS.ErrnoException;
    const reason = reasons[code] === undefined ? code : `${reasons[code]} (${code})`;
    throw new CollateralError(
      'cache-unusable',
      `the cache ${path} cannot be used: ${reason}, at ${file}`,
      {
        cause: error,
      },
    );
  }
}
