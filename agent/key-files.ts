/** Reads key files, and reads them all again when one changes. */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { ServiceConfig } from './config.ts';
import { AgentError, type Logger } from './errors.ts';
import { readAll } from './files.ts';
import type { History } from './history.ts';
import { maxKeyFileLength, readServiceKeys } from './keys.ts';

/** @param folder that file names are relative to */
export function keyFileReader(folder: string): (file: string) => Promise<Bytes> {
  return (file) => readAll(resolve(folder, file), maxKeyFileLength);
}

export type KeyFollower = {
  /** Reads all again. Resolves when that is done, whatever came of it. */
  reload(): Promise<void>;
  close(): void;
};

export type FollowOptions = {
  readonly services: readonly ServiceConfig[];
  /** That file names are relative to. */
  readonly folder: string;
  readonly history: Pick<History, 'setKeys'>;
  readonly logger: Logger;
};

/** Several files are written together, and one in several steps. */
const debounceMs = 200;

/**
 * Hears SIGHUP and every change of a key file; then all are read anew, and together they are a tree
 * or are refused: after a refusal the tree stays as it is, and the log says why. The first reading is
 * at once, for what changed since the boot's.
 */
export function followKeys({ services, folder, history, logger }: FollowOptions): KeyFollower {
  const read = keyFileReader(folder);
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();
  let waiting: Promise<void> | null = null;

  async function load(): Promise<void> {
    try {
      const keyed = await readServiceKeys(services, read);
      history.setKeys(keyed.map(({ publicKey }) => publicKey));
    } catch (error) {
      // The history has said that its log is full.
      if (error instanceof AgentError && error.code === 'log-full') return;
      if (!(error instanceof AgentError || error instanceof AttestationError)) throw error;
      logger.error(`the tree stays as it is: ${error.message}. ${error.remedy}`, error.cause);
    }
  }

  /** One after the other; who asks while one waits gets that one. */
  function reload(): Promise<void> {
    waiting ??= last.then(() => {
      waiting = null;
      return load();
    });
    last = waiting.catch((cause: unknown) => logger.error('the keys cannot be read again', cause));
    return last;
  }

  const onChange = () => {
    clearTimeout(timer);
    timer = setTimeout(reload, debounceMs);
  };
  const onHangup = () => void reload();
  process.on('SIGHUP', onHangup);
  const watchers = foldersOf(services, folder).map((found) => watchFolder(found, onChange, logger));
  void reload();
  return {
    reload,
    close() {
      clearTimeout(timer);
      process.off('SIGHUP', onHangup);
      for (const watcher of watchers) watcher?.close();
    },
  };
}

type Watched = { path: string; names: ReadonlySet<string> };

/** A file that is replaced is another file: its folder is what stays. */
function foldersOf(services: readonly ServiceConfig[], folder: string): Watched[] {
  const names = new Map<string, Set<string>>();
  for (const { key } of services) {
    if (!('file' in key)) continue;
    const path = resolve(folder, key.file);
    const known = names.get(dirname(path)) ?? new Set();
    names.set(dirname(path), known.add(basename(path)));
  }
  return [...names].map(([path, found]) => ({ path, names: found }));
}

/** null where the system cannot watch: SIGHUP is left. */
function watchFolder({ path, names }: Watched, tell: () => void, logger: Logger): FSWatcher | null {
  const complain = (cause: unknown) =>
    logger.warn(`${path} cannot be watched: send SIGHUP when a key changes`, cause);
  try {
    const watcher = watch(path, { persistent: false }, (_, name) => {
      if (name === null || names.has(name)) tell();
    });
    return watcher.on('error', complain);
  } catch (cause) {
    complain(cause);
    return null;
  }
}
