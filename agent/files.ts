/** The agent's file system: the one provider of file operations. */
import { constants, mkdir, open, rmdir, writeFile } from 'node:fs/promises';
import { type Bytes, concat } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { TsmFiles } from './configfs.ts';

/** More than the kernel's largest blob. */
const maxBlobLength = 1024 * 1024;

/**
 * The whole file, read to its end: files of the kernel state a size of 0 or one page, whatever they
 * hold.
 * @throws AttestationError `too-large` past `limit` bytes; the system's error
 */
export async function readAll(path: string, limit: number): Promise<Bytes> {
  const file = await open(path, 'r');
  try {
    const parts: Bytes[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(65536), 0, 65536, null);
      if (bytesRead === 0) return concat(...parts);
      length += bytesRead;
      if (length > limit) {
        throw new AttestationError('too-large', `${path}: more than ${limit} bytes`);
      }
      parts.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

export const tsmFiles: TsmFiles = {
  async makeFolder(path) {
    await mkdir(path);
  },
  async removeFolder(path) {
    await rmdir(path);
  },
  read: (path) => readAll(path, maxBlobLength),
  async write(path, bytes) {
    // Write-only, as the kernel's file is: it may not be opened to read, and is not ours to create.
    await writeFile(path, bytes, { flag: constants.O_WRONLY });
  },
};
