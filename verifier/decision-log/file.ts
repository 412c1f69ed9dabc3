/**
 * A decision log on disk. Each line is one write at the end of the file, on disk before `append` is done. What a crash
 * leaves of a line is moved to FILE.torn, and the log says so itself.
 */
import { constants } from 'node:fs';
import { appendFile, type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Held, Lock } from '../process-lock.ts';
import type { UnixTime } from '../time.ts';
import { damaged, type Known, lastKnown, readFrom } from './end-of-file.ts';
import { anEntry, type DecisionEntry, type LineContent, sealLine } from './line.ts';
import { DecisionLogError } from './log-error.ts';

export type DecisionLog = {
  /**
   * Done when the line is on disk. Entries keep their order; many at once share a wait for the disk.
   * @throws RangeError for an entry that the format cannot hold, DecisionLogError when it could not be written
   */
  append(entry: DecisionEntry): Promise<void>;
  /** After what was appended. Nothing can be appended any more. */
  close(): Promise<void>;
};

export type LogOptions = {
  now?: () => UnixTime;
  /** How long to wait for another writer, in milliseconds. */
  patience?: number;
};

const systemTime = (): UnixTime => Math.floor(Date.now() / 1000);
const defaultPatience = 10_000;
/** Lines that share one wait for the disk. */
const atOnce = 256;

/**
 * Made when there is none. Several processes may have the same log open: they take turns, line by line.
 * @throws DecisionLogError
 */
export async function openDecisionLog(
  path: string,
  options: LogOptions = {},
): Promise<DecisionLog> {
  return OpenLog.open(path, options);
}

/**
 * A new log that goes on where another ended.
 * @param after the other's last digest @throws DecisionLogError, for a file that exists too
 */
export async function startDecisionLog(
  path: string,
  after: string,
  options: LogOptions = {},
): Promise<void> {
  const log = await OpenLog.open(path, options, after);
  await log.close();
}

type Waiting = {
  entry: DecisionEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
};

class OpenLog implements DecisionLog {
  readonly #path: string;
  readonly #lock: Lock;
  readonly #now: () => UnixTime;
  readonly #patience: number;
  #file: FileHandle;
  /** Null until the end of the file was looked at. */
  #known: Known | null = null;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;
  #closed = false;

  private constructor(path: string, lock: Lock, file: FileHandle, options: LogOptions) {
    this.#path = path;
    this.#lock = lock;
    this.#file = file;
    this.#now = options.now ?? systemTime;
    this.#patience = options.patience ?? defaultPatience;
  }

  /** @param after for a file that must be new: what its first line links to */
  static async open(path: string, options: LogOptions, after?: string): Promise<OpenLog> {
    return explaining(path, async () => {
      const real = await realPath(path);
      const lock = await Lock.prepare(`${real}.lock`, locked);
      let log: OpenLog | undefined;
      try {
        log = new OpenLog(real, lock, await openToAppend(real), options);
        await log.#begin(after);
        return log;
      } catch (error) {
        await log?.close();
        await lock.forget();
        throw error;
      }
    });
  }

  #begin(after: string | undefined): Promise<void> {
    return this.#lock.hold(this.#patience, async () => {
      const isNew = (await this.#file.stat()).size === 0;
      if (after !== undefined && !isNew) {
        throw new DecisionLogError(
          'log-unwritable',
          `${this.#path} exists and is not empty`,
          'Start the new log under a name of its own.',
        );
      }
      await this.#catchUp();
      if (after === undefined) return;
      this.#known = { size: 0, tail: { seq: 0, digest: after } };
      await this.#write({ kind: 'started' });
      await this.#file.datasync();
    });
  }

  async append(entry: DecisionEntry): Promise<void> {
    if (this.#closed) throw new TypeError('the log was closed');
    // Refused alone: it must not take down those that are written with it.
    anEntry(entry);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      this.#working ??= this.#work().finally(() => {
        this.#working = null;
      });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    await this.#file.close();
    await this.#lock.forget();
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, atOnce);
      try {
        await explaining(this.#path, () =>
          this.#lock.hold(this.#patience, async () => {
            await this.#catchUp();
            for (const { entry } of batch) await this.#write({ kind: 'decision', ...entry });
            await this.#file.datasync();
          }),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // The end of the file may be anything now: it is read again before the next line.
        for (const { reject } of batch) reject(error);
      }
    }
  }

  /** One write: of a line that is cut short, the end of the file tells. */
  async #write(content: LineContent | ({ kind: 'decision' } & DecisionEntry)): Promise<void> {
    const known = this.#known as Known;
    const { line, tail } = sealLine(content, known.tail, this.#now());
    const bytes = Buffer.from(`${line}\n`);
    const { bytesWritten } = await this.#file.write(bytes);
    if (bytesWritten !== bytes.length) {
      throw new DecisionLogError(
        'log-unwritable',
        `of a line of ${bytes.length} bytes ${bytesWritten} were written to ${this.#path}`,
        'Check that the disk is not full.',
      );
    }
    this.#known = { size: known.size + bytes.length, tail };
  }

  /** Finds the end of the file, whoever wrote it, and repairs what a crash left there. */
  async #catchUp(): Promise<void> {
    await this.#follow();
    const { size } = await this.#file.stat();
    const known = this.#known ?? (await lastKnown(this.#file, size, this.#path));
    if (size < known.size) {
      throw damaged(this.#path, 'lost lines since this process wrote to it');
    }
    const { good, torn } = await readFrom(this.#file, known, size, this.#path);
    this.#known = good;
    if (torn.length > 0) await this.#recover(torn);
  }

  /** A log that was renamed is not written to any more: the new one goes on from its last line. */
  async #follow(): Promise<void> {
    const [mine, there] = await Promise.all([
      this.#file.stat(),
      stat(this.#path).catch(() => null),
    ]);
    if (there !== null && there.ino === mine.ino && there.dev === mine.dev) return;
    const next = await openToAppend(this.#path);
    await this.#file.close();
    this.#file = next;
    const isNew = (await next.stat()).size === 0;
    this.#known =
      isNew && this.#known !== null
        ? { size: 0, tail: { seq: 0, digest: this.#known.tail.digest } }
        : null;
  }

  /**
   * The line that tells of the loss is written over the torn bytes, and only then is the rest of them cut off: at no
   * moment does the file end in a whole line without telling.
   */
  async #recover(torn: Buffer): Promise<void> {
    const { size, tail } = this.#known as Known;
    await appendFile(`${this.#path}.torn`, Buffer.concat([torn, Buffer.from('\n')]), {
      flush: true,
    });
    const sealed = sealLine({ kind: 'recovered', bytes: torn.length }, tail, this.#now());
    const bytes = Buffer.from(`${sealed.line}\n`);
    // Not the handle that appends: it would write at the end whatever the place.
    const file = await open(this.#path, 'r+');
    try {
      await file.write(bytes, 0, bytes.length, size);
      await file.datasync();
      await file.truncate(size + bytes.length);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#known = { size: size + bytes.length, tail: sealed.tail };
  }
}

function locked({ lock, who }: Held): DecisionLogError {
  return new DecisionLogError(
    'log-locked',
    `the log is being written by ${who} (${lock})`,
    'Wait for it; if that process is gone, delete that lock file.',
  );
}

/** Of a file that need not exist; two names of one log must give one lock. */
async function realPath(path: string): Promise<string> {
  const found = await realpath(path).catch(() => null);
  return found ?? join(await realpath(dirname(path)), basename(path));
}

/** Made readable by nobody else: it tells what was verified. */
async function openToAppend(path: string): Promise<FileHandle> {
  const { O_APPEND, O_CREAT, O_RDWR } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_RDWR, 0o600);
  const { size } = await file.stat();
  if (size === 0) await syncFolder(dirname(path));
  return file;
}

/** So that the new file has its name after a crash; where folders cannot be opened, they need no such thing. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  try {
    await folder?.sync().catch(() => {});
  } finally {
    await folder?.close();
  }
}

const systemErrors: Record<string, string> = {
  ENOENT: 'there is no such folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

/** Turns what the system says into one error that names the log. */
async function explaining<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new DecisionLogError(
      'log-unwritable',
      `the decision log ${path} cannot be written: ${systemErrors[code] ?? code}`,
      'Check the path, its permissions and the disk.',
      { cause: error },
    );
  }
}
