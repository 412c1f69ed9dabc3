/**
 * The closure from the file system alone: from the system path to every store path whose hash stands in a NAR that was reached.
 * Each NAR is read once, hashed and searched in the same pass.
 */
import type { ClosurePath } from '#verifier/abi/closure.ts';
import { createNarPool } from './pool.ts';
import { pathsByHash, placeOf, storeNames, storePathOf } from './store.ts';

export type Progress = (done: {
  paths: number;
  bytes: number;
  /** How many there are, as far as is known. */
  total: number;
}) => void;

export type HashingOptions = {
  /** Empty for the running system, else the folder that an image is mounted at. */
  root?: string | undefined;
  /** Default: one a core. */
  threads?: number | undefined;
  progress?: Progress | undefined;
};

export type ScannedClosure = {
  systemPath: string;
  paths: ClosurePath[];
  /** Of all NARs. */
  bytes: number;
};

/**
 * A reference is what Nix takes for one, among the paths that the store holds. Where it holds others than the closure's (a
 * machine that builds), a path whose hash stands in a file without being an input of its build counts here, and not with Nix.
 * @param system leads to the system's store path: `/run/current-system`
 * @throws AgentError `closure-unreadable`
 */
export async function scanClosure(
  system: string,
  { root = '', threads, progress }: HashingOptions = {},
): Promise<ScannedClosure> {
  const systemPath = await storePathOf(root, system);
  const byHash = pathsByHash(await storeNames(root));
  const candidates = [...byHash.values()];
  const pool = createNarPool({ threads, hashes: [...byHash.keys()] });
  const paths: ClosurePath[] = [];
  const reached = new Set<string>();
  let bytes = 0;

  async function visit(path: string): Promise<void> {
    if (reached.has(path)) return;
    reached.add(path);
    const { narHash, narSize, references } = await pool.hash(placeOf(root, path));
    paths.push({ path, narHash });
    bytes += narSize;
    progress?.({ paths: paths.length, bytes, total: reached.size });
    await Promise.all(references.map((index) => visit(candidates[index] as string)));
  }

  try {
    await visit(systemPath);
  } finally {
    await pool.close();
  }
  return { systemPath, paths, bytes };
}
