/** Reads the service's secret key, and refuses a file that others could have read. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Bytes, fromHex } from '#verifier/bytes.ts';

/** The message says what to do next. */
export class KeyFileError extends Error {}

/** Far more than a key has: a wrong path must not fill the memory. */
const maxFileLength = 1024;

/**
 * 64 lower-case hex digits, with or without a final LF: a secp256k1 secret key.
 * @param isValid whether the 32 bytes are a key
 * @param credentials the folder that systemd names in $CREDENTIALS_DIRECTORY: a file directly in it may
 * have mode 0440
 * @throws KeyFileError for a file that is missing, readable or writable by others (where the system
 * has such permissions), malformed, or holds no key. The message never shows what it holds
 */
export async function readKeyFile(
  path: string,
  isValid: (key: Bytes) => boolean,
  credentials?: string,
): Promise<Bytes> {
  const text = await readPrivate(path, credentials);
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new KeyFileError(
      `key file ${path}: expected 64 lower-case hex digits; write 32 secret bytes in hex`,
    );
  }
  const key = fromHex(text.slice(0, 64), 'key', 32);
  if (isValid(key)) return key;
  throw new KeyFileError(
    `key file ${path}: not a secp256k1 secret key (0 < key < order); make another`,
  );
}

async function readPrivate(path: string, credentials: string | undefined): Promise<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT' ? 'there is no such file' : (error.code ?? 'unknown reason');
    throw new KeyFileError(`key file ${path} cannot be read: ${why}; check path and permissions`);
  });
  try {
    await refuseShared(file, path, credentials);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxFileLength), 0, maxFileLength, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function refuseShared(
  file: FileHandle,
  path: string,
  credentials: string | undefined,
): Promise<void> {
  const found = await file.stat();
  if (!found.isFile()) throw new KeyFileError(`key file ${path}: not a file; check the path`);
  if (process.platform === 'win32' || (found.mode & 0o077) === 0) return;
  // systemd gives a credential to its one user by an access list, whose mask shows as the group's bit.
  const isCredential = (found.mode & 0o777) === 0o440 && (await isDirectlyIn(path, credentials));
  if (isCredential) return;
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  throw new KeyFileError(
    `key file ${path}: others may use it (mode ${mode}), expected 0600 or 0400; chmod 600 it`,
  );
}

/** A link that leads out of the folder is not in it. */
async function isDirectlyIn(path: string, folder: string | undefined): Promise<boolean> {
  if (folder === undefined || folder === '') return false;
  const [real, realFolder] = await Promise.all([path, folder].map((one) => realpath(one))).catch(
    () => [],
  );
  return real !== undefined && dirname(real) === realFolder;
}
