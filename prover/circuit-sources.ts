/** The files that a circuit is made of: its own package and every library it reaches. */
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, toHex, utf8 } from '#verifier/bytes.ts';

/** The one compiler whose output is pinned; another makes other artefacts of the same sources. */
export const compilerVersion = '1.0.0-beta.26';

export const circuitsFolder: string = fileURLToPath(new URL('../circuits/', import.meta.url));

/** Text by path from circuits/, with forward slashes, sorted. */
export type CircuitSources = ReadonlyMap<string, string>;

const dependency = /^[a-z0-9_]+ = \{ path = "([^"]+)" \}$/;

/**
 * @param folder package of a circuit below circuits/: `bin/response_open`
 * @throws Error when a file is missing, or a dependency is written in another form than
 * `name = { path = "…" }`
 */
export async function readCircuitSources(
  folder: string,
  root = circuitsFolder,
): Promise<CircuitSources> {
  const found = new Map<string, string>();
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const manifest = posix.join(at, 'Nargo.toml');
    if (found.has(manifest)) continue;
    const text = await readFile(join(root, manifest), 'utf8');
    found.set(manifest, text);
    waiting.push(...dependenciesOf(text, manifest).map((path) => posix.join(at, path)));
    const options = { recursive: true, withFileTypes: true } as const;
    for (const entry of await readdir(join(root, at, 'src'), options)) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(join(root, at).length).replaceAll('\\', '/');
      found.set(posix.join(at, path), await readFile(file, 'utf8'));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function dependenciesOf(manifest: string, what: string): string[] {
  const [, after = ''] = manifest.split('[dependencies]\n');
  return after
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const path = dependency.exec(line)?.[1];
      if (path === undefined) {
        throw new Error(`${what}: a dependency is name = { path = "…" }, got ${line}`);
      }
      return path;
    });
}

/**
 * SHA-256 of `<compiler version>\n` and, for each file in order, `<SHA-256 of its text, hex>
 * <path>\n`; in hex.
 */
export function sourceHashOf(sources: CircuitSources): string {
  const lines = [...sources].map(([path, text]) => `${toHex(sha256(utf8(text)))}  ${path}\n`);
  return toHex(sha256(concat(...[`${compilerVersion}\n`, ...lines].map(utf8))));
}
