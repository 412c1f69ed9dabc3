/** Whether the store holds what a list of the closure says: every NAR is hashed again. */
import { compareBytes, equalBytes, toHex, utf8 } from '#verifier/bytes.ts';
import { AgentError } from '../errors.ts';
import type { ListedPath } from './list.ts';
import { createNarPool } from './pool.ts';
import type { HashingOptions } from './scan.ts';
import { placeOf, storeFolder, storeNames } from './store.ts';
import { describePath } from './text.ts';

export type VerifyOptions = HashingOptions & {
  /** `exact`: the store holds nothing else; `listed`: other paths are not looked at. */
  extent: 'exact' | 'listed';
};

export type Difference = {
  kind: 'differs' | 'missing' | 'extra' | 'unreadable';
  /** The store path; for an extra entry, whatever it is called. */
  path: string;
  /** One line. */
  message: string;
};

export type Verification = {
  /** By path; empty when the store holds what the list says. */
  differences: Difference[];
  /** Of all NARs. */
  bytes: number;
};

/** @throws AgentError `closure-unreadable` when there is no store */
export async function verifyClosure(
  list: readonly ListedPath[],
  { root = '', threads, progress, extent }: VerifyOptions,
): Promise<Verification> {
  const names = new Set(await storeNames(root));
  const present = list.filter(({ path }) => names.has(nameOf(path)));
  const differences = list.filter(({ path }) => !names.has(nameOf(path))).map(missing);
  if (extent === 'exact') differences.push(...extras(list, names));
  const pool = createNarPool({ threads });
  let bytes = 0;
  let done = 0;

  async function check(one: ListedPath): Promise<void> {
    try {
      const { narHash, narSize } = await pool.hash(placeOf(root, one.path));
      bytes += narSize;
      if (!equalBytes(narHash, one.narHash)) differences.push(differing(one, toHex(narHash)));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      differences.push({ kind: 'unreadable', path: one.path, message: error.message });
    }
    done += 1;
    progress?.({ paths: done, bytes, total: present.length });
  }

  try {
    // The largest first, so that no core works on alone at the end.
    const bySize = present.toSorted((a, b) => b.narSize - a.narSize);
    await Promise.all(bySize.map(check));
  } finally {
    await pool.close();
  }
  differences.sort((a, b) => compareBytes(utf8(a.path), utf8(b.path)));
  return { differences, bytes };
}

/** @throws AgentError `closure-differs` naming the first path */
export function refuseDifferences(differences: readonly Difference[]): void {
  const [first] = differences;
  if (first === undefined) return;
  const others = differences.length - 1;
  const more = others === 0 ? '' : ` (and ${others} more)`;
  throw new AgentError('closure-differs', `${first.message}${more}`);
}

const nameOf = (path: string) => path.slice(storeFolder.length + 1);

function missing({ path }: ListedPath): Difference {
  return { kind: 'missing', path, message: `${path} is listed and not in the store` };
}

function differing({ path, narHash }: ListedPath, found: string): Difference {
  const message = `${path} differs: its NAR hash is ${found}, the list says ${toHex(narHash)}`;
  return { kind: 'differs', path, message };
}

/** `.links` is Nix's own: hard links to files of the store, which keep equal files once. */
function extras(list: readonly ListedPath[], names: ReadonlySet<string>): Difference[] {
  const listed = new Set(['.links', ...list.map(({ path }) => nameOf(path))]);
  return [...names]
    .filter((name) => !listed.has(name))
    .map((name) => {
      const path = `${storeFolder}/${name}`;
      return {
        kind: 'extra',
        path,
        message: `${describePath(path)} is in the store and not listed`,
      };
    });
}
