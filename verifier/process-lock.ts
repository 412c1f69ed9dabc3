/**
 * One at a time, across processes: who holds the lock is who made its file. A process that died holding it is
 * found out and its lock broken; of one that cannot be seen from here (another machine, another container) nothing is
 * assumed. On a local disk: a network's file systems are not to be trusted with this.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

type Owner = {
  token: string;
  pid: number;
  /** When the process started, as the kernel counts: another process of the same number has another. */
  started: string | null;
  host: string;
  boot: string | null;
  /** Where process ids are counted: each container counts its own. */
  namespace: string | null;
};

/** A lock that could not be had in time. */
export type Held = {
  /** Path of its file. */
  readonly lock: string;
  /** Who holds it, for people: `process 7 on host`, or `an unknown process`. */
  readonly who: string;
};

const noFile = (error: unknown): null => {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
};

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Field 22 of /proc/PID/stat; the name before it may hold anything, parentheses too. */
function startOf(pid: number): string | null {
  return orNull(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  });
}

let known: Omit<Owner, 'token'> | undefined;

/** This process, which stays the same: waiting asks for it again and again. */
function here(): Omit<Owner, 'token'> {
  known ??= {
    pid: process.pid,
    started: startOf(process.pid),
    host: hostname(),
    boot: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    namespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
  };
  return known;
}

/** True only when the process is gone for certain. */
export function isGone(owner: Owner): boolean {
  const us = here();
  if (owner.host !== us.host) return false;
  if (owner.boot !== us.boot) return owner.boot !== null && us.boot !== null;
  if (owner.namespace !== us.namespace) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const started = startOf(owner.pid);
  return owner.started !== null && started !== null && owner.started !== started;
}

/** @returns null where there is no lock */
async function ownerOf(lock: string): Promise<Owner | 'unknown' | null> {
  const text = await readFile(lock, 'utf8').catch(noFile);
  if (text === null) return null;
  const owner = orNull(() => JSON.parse(text) as Owner);
  return typeof owner?.token === 'string' && typeof owner.pid === 'number' ? owner : 'unknown';
}

/** A name is taken in one step, by a link to a file that says whose it is. */
export class Lock {
  readonly #lock: string;
  readonly #token: string;
  /** The file that says whose lock it is. */
  readonly #mine: string;
  readonly #refusal: (held: Held) => Error;

  private constructor(lock: string, token: string, refusal: (held: Held) => Error) {
    this.#lock = lock;
    this.#token = token;
    this.#mine = `${lock}.${token}`;
    this.#refusal = refusal;
  }

  /**
   * Makes ready to take the lock `path`, and clears away what dead processes left of making ready.
   * @param refusal what `hold` throws when the lock cannot be had in time
   */
  static async prepare(path: string, refusal: (held: Held) => Error): Promise<Lock> {
    const token = randomUUID();
    await sweep(path);
    const lock = new Lock(path, token, refusal);
    const owner: Owner = { token, ...here() };
    await writeFile(lock.#mine, JSON.stringify(owner), { flag: 'wx' });
    return lock;
  }

  /**
   * Runs `work` while no other process runs its own.
   * @param patience how long to wait for the lock, in milliseconds
   * @throws the refusal that `prepare` was given, when that was not enough
   */
  async hold<T>(patience: number, work: () => Promise<T>): Promise<T> {
    await this.#seize(this.#lock, Date.now() + patience);
    try {
      return await work();
    } finally {
      await this.#release(this.#lock);
    }
  }

  async forget(): Promise<void> {
    await unlink(this.#mine).catch(noFile);
  }

  async #seize(name: string, until: number): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await link(this.#mine, name);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = await ownerOf(name);
      if (owner === null) continue;
      if (owner !== 'unknown' && isGone(owner)) await this.#break(name, owner, until);
      else if (Date.now() >= until) throw this.#refusal({ lock: name, who: named(owner) });
      else await sleep(pauseAfter(tries));
    }
  }

  /**
   * Removes a dead owner's lock, and never the one that a living process took in the meantime: only who holds the right
   * to break this very owner's lock may remove it, and looks again when he has it.
   */
  async #break(name: string, dead: Owner, until: number): Promise<void> {
    const right = `${this.#lock}.break-${dead.token}`;
    await this.#seize(right, until);
    try {
      const owner = await ownerOf(name);
      if (owner !== null && owner !== 'unknown' && owner.token === dead.token) await unlink(name);
    } finally {
      await this.#release(right);
    }
  }

  /** Only what is still ours: somebody may have deleted the lock, and somebody else taken it. */
  async #release(name: string): Promise<void> {
    const owner = await ownerOf(name);
    if (owner !== null && owner !== 'unknown' && owner.token === this.#token) await unlink(name);
  }
}

function named(owner: Owner | 'unknown'): string {
  return owner === 'unknown' ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`;
}

/**
 * Milliseconds. At random, so that those who wait do not come in step; longer and longer, so that a hundred who wait for
 * long leave the machine to the one who works.
 */
function pauseAfter(tries: number): number {
  return 1 + Math.random() * Math.min(10 + 5 * tries, 100);
}

/** Files that processes prepared to lock with and, killed, left behind. */
async function sweep(lock: string): Promise<void> {
  const folder = dirname(lock);
  const prefix = `${basename(lock)}.`;
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || name.startsWith(`${prefix}break-`)) continue;
    const path = join(folder, name);
    const owner = await ownerOf(path);
    const left = owner === 'unknown' ? await isOld(path) : owner !== null && isGone(owner);
    if (left) await unlink(path).catch(noFile);
  }
}

/** Killed between making the file and writing it. Who is only slow fails to lock, and harms nobody. */
async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(noFile);
  return found !== null && Date.now() - found.mtimeMs > 60_000;
}
