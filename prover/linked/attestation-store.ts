/** The secret file on the disk: for nobody but its owner, and never half written. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AliceError } from './alice-errors.ts';
import {
  encodeSecretFile,
  maxSecretLength,
  parseSecretFile,
  type SecretFile,
} from './secret-file.ts';

const privateMode = 0o600;
/** Bits that let group or others at it. */
const othersMode = 0o077;

/**
 * @throws AliceError `secret-unreadable`, `secret-exposed` for a file that others may read or write
 * @throws AttestationError as `parseSecretFile`
 */
export async function readSecretFile(path: string): Promise<SecretFile> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const { mode, size } = await file.stat();
    // What Windows calls the mode says nothing about who may read.
    if (process.platform !== 'win32' && (mode & othersMode) !== 0) throw exposed(path, mode);
    if (size > maxSecretLength) {
      throw new AliceError('secret-unreadable', `${path} has ${size} bytes: it is no secret file`);
    }
    return parseSecretFile(new Uint8Array(await file.readFile()));
  } catch (error) {
    throw isSystemError(error) ? unusable('secret-unreadable', path, error) : error;
  } finally {
    await file?.close();
  }
}

/** Before time is spent; `createSecretFile` finds what comes later. @throws AliceError `secret-exists` */
export async function refuseExisting(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found !== null) throw exists(path);
}

/** @throws AliceError `secret-exists`, `secret-unwritable` */
export function createSecretFile(path: string, secret: SecretFile): Promise<void> {
  return put(path, secret, link);
}

/** In place of the one that is there. @throws AliceError `secret-unwritable` */
export function replaceSecretFile(path: string, secret: SecretFile): Promise<void> {
  return put(path, secret, rename);
}

/**
 * The whole file at once, on the disk before it has its name. A kill leaves at most a file of another name, as private, which the
 * next run removes.
 */
async function put(
  path: string,
  secret: SecretFile,
  name: (temporary: string, path: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.secret-`;
  const temporary = join(folder, `${prefix}${randomBytes(8).toString('hex')}`);
  try {
    await removeLeft(folder, prefix);
    const file = await open(temporary, 'wx', privateMode);
    try {
      await file.writeFile(encodeSecretFile(secret));
      await file.sync();
    } finally {
      await file.close();
    }
    await name(temporary, path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code !== 'EEXIST') throw unusable('secret-unwritable', path, error);
    throw exists(path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

async function removeLeft(folder: string, prefix: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}

function exists(path: string, cause?: unknown): AliceError {
  return new AliceError('secret-exists', `${path} is there already`, { cause });
}

function exposed(path: string, mode: number): AliceError {
  const bits = (mode & 0o777).toString(8).padStart(4, '0');
  return new AliceError('secret-exposed', `${path} is open to others: its mode is ${bits}`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

function unusable(
  code: 'secret-unreadable' | 'secret-unwritable',
  path: string,
  error: NodeJS.ErrnoException,
): AliceError {
  const verb = code === 'secret-unreadable' ? 'read' : 'written';
  const reason = reasons[error.code ?? ''] ?? error.code ?? 'unknown reason';
  return new AliceError(code, `${path} cannot be ${verb}: ${reason}`, { cause: error });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
