/** A folder of policies on disk, read whole, and watched. */
import { watch } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isPolicyFile, type PolicyFile } from '../policies.ts';

const maxPolicyLength = 1024 * 1024;
const maxPolicies = 1000;

export type FolderContent = {
  files: PolicyFile[];
  /** Names that are no policy's. */
  ignored: string[];
};

/** @throws the system's error when the folder itself cannot be read; RangeError when it holds too many files */
export async function readPolicyFolder(folder: string): Promise<FolderContent> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  if (names.length > maxPolicies)
    throw new RangeError(`${names.length} files, at most ${maxPolicies} are read`);
  const files = await Promise.all(
    names.filter(isPolicyFile).map((name) => readPolicyFile(folder, name)),
  );
  return { files, ignored: names.filter((name) => !isPolicyFile(name)) };
}

async function readPolicyFile(folder: string, file: string): Promise<PolicyFile> {
  try {
    const handle = await open(join(folder, file));
    try {
      const buffer = Buffer.alloc(maxPolicyLength + 1);
      let length = 0;
      while (length < buffer.length) {
        const { bytesRead } = await handle.read(buffer, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      if (length > maxPolicyLength) return { file, problem: 'larger than 1 MiB' };
      return { file, content: new Uint8Array(buffer.subarray(0, length)) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { file, problem: `cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}` };
  }
}

export type Watch = { close(): Promise<void> };

/**
 * Calls `look` some time after a change, never twice at once, and now and then without any, since a notice can be lost.
 * @param settle how long nothing must change before a change counts, in ms
 */
export function watchFolder(
  folder: string,
  look: () => Promise<void>,
  { settle = 200, every = 10_000 } = {},
): Watch {
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  let closed = false;
  const soon = (wait: number) => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      looking = looking.then(look).then(
        () => soon(every),
        () => soon(every),
      );
    }, wait);
  };
  // Without notices, as on some network file systems, the look now and then is what is left.
  const watcher = watchOrNull(folder, () => soon(settle));
  watcher?.on('error', () => watcher.close());
  soon(every);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      watcher?.close();
      await looking;
    },
  };
}

function watchOrNull(folder: string, onChange: () => void) {
  try {
    return watch(folder, onChange);
  } catch {
    return null;
  }
}
