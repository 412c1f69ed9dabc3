/** The agent's file system: the one provider of file operations. */
import { access, constants, mkdir, open, readdir, rmdir, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { type Bytes, concat, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { KernelFacts } from './configfs.ts';
import type { EntryOwners, TsmFiles } from './configfs-entries.ts';

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
  list: (path) => readdir(path),
};

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export async function kernelFacts(): Promise<KernelFacts> {
  return { release: release(), sevGuestDevice: await exists('/dev/sev-guest') };
}

/** Text of a small file; null when it cannot be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return fromUtf8(await readAll(path, maxBlobLength), path);
  } catch {
    return null;
  }
}

/**
 * This process, and whether another runs: the boot, the process and when it started, so that neither
 * a later boot nor a later process under the same number is taken for it.
 */
export async function processOwners(): Promise<EntryOwners> {
  const boot = (await readText('/proc/sys/kernel/random/boot_id'))?.slice(0, 8) ?? '00000000';
  const ownerOf = async (pid: number) => {
    const start = startTimeOf((await readText(`/proc/${pid}/stat`)) ?? '');
    return start === null ? null : `${boot}-${pid}-${start}`;
  };
  const own = (await ownerOf(process.pid)) ?? `${boot}-${process.pid}-0`;
  return {
    own,
    isRunning: async (owner) => {
      const pid = Number(owner.split('-')[1]);
      return owner === own || (await ownerOf(pid)) === owner;
    },
  };
}

/** Field 22 of proc_pid_stat(5), in ticks since the boot; the name in field 2 may hold anything. */
function startTimeOf(stat: string): string | null {
  const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return /^[0-9]+$/.test(rest[19] ?? '') ? (rest[19] as string) : null;
}
