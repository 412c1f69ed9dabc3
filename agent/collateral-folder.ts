/** The folder that the refresher writes and the agent only reads: one file, whole at any moment. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime } from '#verifier/time.ts';
import type { FolderView } from './collateral.ts';
import {
  type CollateralFile,
  collateralFileName,
  encodeCollateralFile,
  maxCollateralFileLength,
  parseCollateralFile,
} from './collateral-file.ts';
import type { Logger } from './errors.ts';

/** Milliseconds between two looks at the file. */
const lookEveryMs = 1000;

type Options = {
  readonly folder: string;
  readonly logger: Logger;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
};

/** A file that cannot be used changes nothing: what was there stays in use, and the log, once for each such file, says why. */
export function openCollateralFolder({ folder, logger, clock }: Options): FolderView {
  const path = join(folder, collateralFileName);
  let file: CollateralFile | null = null;
  let damaged: string | null = null;
  let stamp: string | null = null;
  let nextLook = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;

  async function look(): Promise<void> {
    const found = await stampOf(path);
    if (found === stamp) return;
    stamp = found;
    // Before the refresher's first file nothing is wrong.
    if (found === missing && file === null) return;
    try {
      file = await readCollateralFile(folder);
      damaged = null;
      logger.info(describeFile(file));
    } catch (error) {
      damaged = reasonOf(error, path);
      logger.warn(`${damaged}; collateral stays as it was`);
    }
  }

  return {
    async look() {
      if (looking === null && clock() >= nextLook) {
        nextLook = clock() + lookEveryMs;
        looking = look().finally(() => {
          looking = null;
        });
      }
      await looking;
    },
    items: () => file?.items ?? [],
    report: () => ({ checked: file?.checked ?? null, problem: file?.problem ?? null, damaged }),
  };
}

/** What the file holds, one line. */
export function describeFile({ items, checked, problem }: CollateralFile): string {
  const kinds = items.map(({ kind }) => kind).join(', ') || 'nothing';
  const lacks = problem === null ? '' : `; ${problem}`;
  return `collateral of ${formatTime(checked)}: ${kinds}${lacks}`;
}

/** Of a file that is not there. */
const missing = 'none';

/** Other for another file: a name that is given anew is another inode, mtime or size. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, mtimeNs, size } = await lstat(path, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return code === 'ENOENT' ? missing : code;
  }
}

/** One line, for what is wrong with a file. */
export function reasonOf(error: unknown, path: string): string {
  if (error instanceof AttestationError) return `${path} is not used: ${error.message}`;
  const { code, message } = error as NodeJS.ErrnoException;
  return `${path} cannot be read: ${code ?? message}`;
}

/**
 * A regular file alone: another process owns the folder, and a pipe or a link in it must not lead the agent anywhere.
 * @throws AttestationError as `parseCollateralFile`; the system's error
 */
export async function readCollateralFile(folder: string): Promise<CollateralFile> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(join(folder, collateralFileName), flags);
  try {
    const found = await handle.stat();
    if (!found.isFile()) {
      throw new AttestationError('json-malformed', 'expected a regular file, found another kind');
    }
    // One byte more than fits is enough to see that it does not.
    const buffer = new Uint8Array(Math.min(found.size, maxCollateralFileLength) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return parseCollateralFile(buffer.subarray(0, length));
  } finally {
    await handle.close();
  }
}

/**
 * Whoever reads finds the old file or the new one, whole, whenever this process is killed. Everyone may read it: what is in it is
 * public, and the agent is another user.
 * @throws the system's error
 */
export async function writeCollateralFile(folder: string, file: CollateralFile): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const bytes: Bytes = new TextEncoder().encode(encodeCollateralFile(file));
  // What the agent would refuse is not written.
  parseCollateralFile(bytes);
  const temporary = join(folder, `${partPrefix}${toHex(new Uint8Array(randomBytes(8)))}`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      // Whatever the mask of the process says.
      await handle.chmod(0o644);
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(folder, collateralFileName));
    await syncFolder(folder);
  } finally {
    await rm(temporary, { force: true });
  }
  await removeParts(folder);
}

const partPrefix = `.${collateralFileName}.`;
/** Milliseconds: a part that is older than this is of a process that was killed. */
const oldPartMs = 60_000;

async function removeParts(folder: string): Promise<void> {
  const written = await lstat(join(folder, collateralFileName));
  const names = await readdir(folder);
  const parts = names.filter(
    (name) => name.startsWith(partPrefix) && /^[0-9a-f]{16}$/.test(name.slice(partPrefix.length)),
  );
  for (const part of parts) {
    const path = join(folder, part);
    const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (written.mtimeMs - mtimeMs > oldPartMs) await rm(path, { force: true });
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
