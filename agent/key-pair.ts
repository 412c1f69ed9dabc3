/** Fresh secp256k1 keys, each in two files, none of which is ever seen half written. */
import { createECDH, randomBytes } from 'node:crypto';
import { link, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkPublicKey } from '#verifier/abi/service.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';

export type KeyPairFiles = {
  /** 64 hex digits and LF, mode 0600. */
  readonly outPrivate: string;
  /** x ‖ y, 128 hex digits and LF, mode 0644. */
  readonly outPublic: string;
};

export class KeyPairError extends Error {
  readonly reason: 'exists' | 'unwritable';

  constructor(reason: 'exists' | 'unwritable', message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/**
 * A pair for each. All secret keys are there before the first public one is to be seen: whoever reads the public ones finds
 * services that can sign, and finds them changed at one time.
 * @param options replace: put the new keys in place of those that are there
 * @throws KeyPairError for files that are there already, or cannot be written
 */
export async function writeKeyPairs(
  pairs: readonly KeyPairFiles[],
  { replace }: { replace: boolean },
): Promise<void> {
  for (const { outPrivate, outPublic } of replace ? [] : pairs) {
    for (const path of [outPrivate, outPublic]) await refuseExisting(path);
  }
  const made = pairs.map((files) => ({ ...files, ...freshKey() }));
  for (const { outPrivate, secretKey } of made) {
    await put(outPrivate, `${toHex(secretKey)}\n`, 0o600, replace);
  }
  for (const { outPublic, publicKey } of made) {
    await put(outPublic, `${toHex(publicKey)}\n`, 0o644, replace);
  }
}

function freshKey(): { secretKey: Bytes; publicKey: Bytes } {
  const key = createECDH('secp256k1');
  key.generateKeys();
  // OpenSSL leaves out leading zeros, and writes 04 before x and y.
  const given = key.getPrivateKey();
  const secretKey = new Uint8Array(32);
  secretKey.set(given, 32 - given.length);
  const publicKey = new Uint8Array(key.getPublicKey()).slice(1);
  checkPublicKey(publicKey);
  return { secretKey, publicKey };
}

/** Before any file is touched; `link` finds what comes later. */
async function refuseExisting(path: string): Promise<void> {
  const found = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unwritable(path, error);
  });
  if (found === null) return;
  await found.close();
  throw exists(path);
}

/**
 * The whole file at once, on the disk before it has its name. A kill leaves at most a file of another
 * name, which the next run removes.
 */
async function put(path: string, text: string, mode: number, replace: boolean): Promise<void> {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.keygen-`;
  const temporary = join(folder, `${prefix}${randomBytes(8).toString('hex')}`);
  try {
    await removeLeft(folder, prefix);
    const file = await open(temporary, 'wx', mode);
    try {
      // Whatever the mask of the process says.
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (replace) await rename(temporary, path);
    else await link(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    throw isSystemError(error, 'EEXIST') ? exists(path) : unwritable(path, error);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

/** Half-written keys of a run that was killed. */
async function removeLeft(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder);
  const left = names.filter(
    (name) => name.startsWith(prefix) && /^[0-9a-f]{16}$/.test(name.slice(prefix.length)),
  );
  for (const name of left) await rm(join(folder, name), { force: true });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function exists(path: string): KeyPairError {
  return new KeyPairError('exists', `${path} exists already`);
}

function unwritable(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return new KeyPairError('unwritable', `${path} cannot be written: ${error.code}`, {
    cause: error,
  });
}

function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  if (!(error instanceof Error && 'code' in error)) return false;
  return code === undefined || error.code === code;
}
