/** The store as the file system has it, below `/` or below the root of an image that is mounted elsewhere. */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { storePathPattern } from '#verifier/abi/closure.ts';
import { AgentError } from '../errors.ts';
import { hashOf } from './references.ts';
import { describePath } from './text.ts';

export const storeFolder = '/nix/store';
/** As many as Linux follows in one path. */
const maxLinks = 40;

/** Where a path of the guest is here. `root`: empty for the running system, else a folder. */
export function placeOf(root: string, path: string): string {
  return `${root.replace(/\/+$/, '')}${path}`;
}

/**
 * The store path that a path leads to: symlinks are followed inside `root` until they enter the store, as Nix follows them. A
 * store path that is itself a symlink stays what it is.
 * @throws AgentError `closure-unreadable`
 */
export async function storePathOf(root: string, path: string): Promise<string> {
  let rest = partsOf(path);
  let at = '/';
  let links = 0;
  for (;;) {
    const entered = storePathIn(at);
    if (entered !== null) {
      await mustExist(root, entered);
      return entered;
    }
    const part = rest.shift();
    if (part === undefined) throw unreadable(path, `it leads to ${at}, which is not in the store`);
    const inner = posix.join(at, part);
    const target = storePathIn(inner) === null ? await targetOf(root, inner, path) : null;
    if (target === null) at = inner;
    else {
      links += 1;
      if (links > maxLinks) throw unreadable(path, 'too many symlinks');
      rest = [...partsOf(target), ...rest];
      if (target.startsWith('/')) at = '/';
    }
  }
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

/** Null outside the store. A file inside a store path belongs to that path. */
function storePathIn(path: string): string | null {
  return storePathPattern.test(path) ? path : null;
}

async function mustExist(root: string, path: string): Promise<void> {
  try {
    await lstat(placeOf(root, path));
  } catch (cause) {
    throw unreadable(path, 'it is missing', cause);
  }
}

/** Null for what is no symlink. */
async function targetOf(root: string, path: string, asked: string): Promise<string | null> {
  try {
    const found = await lstat(placeOf(root, path));
    return found.isSymbolicLink() ? await readlink(placeOf(root, path)) : null;
  } catch (cause) {
    throw unreadable(asked, `${path} is missing or cannot be read`, cause);
  }
}

/**
 * All names in the store, which is no symlink: below the root of an image it would lead out of the image.
 * @throws AgentError `closure-unreadable`
 */
export async function storeNames(root: string): Promise<string[]> {
  for (const path of ['/nix', storeFolder]) {
    if ((await targetOf(root, path, path)) !== null) throw unreadable(path, 'it is a symlink');
  }
  try {
    return await readdir(placeOf(root, storeFolder));
  } catch (cause) {
    throw unreadable(storeFolder, 'the store cannot be read', cause);
  }
}

/**
 * Store paths by the digits of their hash: what a reference can mean.
 * @throws AgentError `closure-unreadable` when two paths have the same hash
 */
export function pathsByHash(names: readonly string[]): Map<string, string> {
  const paths = names
    .map((name) => `${storeFolder}/${name}`)
    .filter((p) => storePathPattern.test(p));
  const all = new Set(paths);
  const byHash = new Map<string, string>();
  for (const path of paths) {
    if (isBesides(path, all)) continue;
    const other = byHash.get(hashOf(path));
    if (other !== undefined) throw unreadable(path, `it has the same hash as ${other}`);
    byHash.set(hashOf(path), path);
  }
  return byHash;
}

/** What Nix leaves beside a path while it makes it: its lock, its build's root. */
function isBesides(path: string, all: ReadonlySet<string>): boolean {
  const stem = /^(.+)\.(?:lock|chroot|check)$/.exec(path)?.[1];
  return stem !== undefined && all.has(stem);
}

function unreadable(path: string, problem: string, cause?: unknown): AgentError {
  return new AgentError('closure-unreadable', `${describePath(path)}: ${problem}`, { cause });
}
