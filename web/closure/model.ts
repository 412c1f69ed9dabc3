/** A closure manifest read for people: against the digest that a bundle binds, searched, sorted, counted. */
import { closureDigest, parseManifest } from '#verifier/abi/closure.ts';
import { type Bytes, equalBytes, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Verified } from '#verifier/verified.ts';
import { type StorePath, splitStorePath } from './store-path.ts';

export type Manifest = {
  readonly name: string;
  readonly bytes: Bytes;
  /** hex */
  readonly digest: string;
  /** Null when it cannot be read. */
  readonly paths: readonly StorePath[] | null;
  readonly problem: string | null;
};

export function readManifest(name: string, bytes: Bytes): Manifest {
  const digest = toHex(closureDigest(bytes));
  try {
    const paths = parseManifest(bytes).map(splitStorePath);
    return { name, bytes, digest, paths, problem: null };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { name, bytes, digest, paths: null, problem: error.message };
  }
}

/**
 * `bound`: the report binds this very manifest. `stated`: the bundle names it, but its report does not bind what the bundle says.
 * `other`: it is another system's. `nothing`: no bundle to compare with.
 */
export type Match = 'bound' | 'stated' | 'other' | 'nothing';

export function matchOf(digest: string, { bundle, checks }: Verified): Match {
  if (bundle === null) return 'nothing';
  if (toHex(bundle.bound.closureDigest) !== digest) return 'other';
  const binding = checks.find(({ id }) => id === 'binding.report-data')?.status;
  return binding === 'pass' ? 'bound' : 'stated';
}

/** The one that is the bundle's leads: what it is compared with may have been dropped first. */
export function inOrder(manifests: readonly Manifest[], verified: Verified): readonly Manifest[] {
  const isBundles = (one: Manifest) => ['bound', 'stated'].includes(matchOf(one.digest, verified));
  return [...manifests.filter(isBundles), ...manifests.filter((one) => !isBundles(one))];
}

/** Without those whose bytes came before. */
export function withoutRepeats<F extends { bytes: Bytes }>(files: readonly F[]): F[] {
  return files.filter(
    (file, i) => files.findIndex(({ bytes }) => equalBytes(bytes, file.bytes)) === i,
  );
}

export type Sizes = ReadonlyMap<string, number>;

export type SortBy = 'name' | 'path' | 'size';

/** @returns a new list; sizes that are not known come last */
export function sortPaths(
  paths: readonly StorePath[],
  by: SortBy,
  sizes: Sizes | null,
): readonly StorePath[] {
  // A manifest is in the order of its paths.
  if (by === 'path') return paths;
  if (by === 'size') {
    const size = ({ path }: StorePath) => sizes?.get(path) ?? -1;
    return paths.toSorted((one, other) => size(other) - size(one));
  }
  return paths
    .map((one) => ({ one, key: `${one.name.toLowerCase()}\n${one.version}\n${one.output}` }))
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ one }) => one);
}

/** Every word must occur in the path or in the NAR's hash. */
export function searchPaths(paths: readonly StorePath[], text: string): readonly StorePath[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return paths;
  return paths.filter(({ path, narHash }) => {
    const searched = `${path.toLowerCase()}\n${narHash}`;
    return words.every((word) => searched.includes(word));
  });
}

export type Package = {
  readonly name: string;
  readonly versions: readonly string[];
  readonly paths: number;
  /** Bytes of those whose size is known. */
  readonly size: number;
};

/** By name; of as many versions as it has paths with different ones. */
export function packagesOf(paths: readonly StorePath[], sizes: Sizes | null): readonly Package[] {
  return [...Map.groupBy(paths, ({ name }) => name)].map(([name, members]) => ({
    name,
    versions: [...new Set(members.map(({ version }) => version).filter(Boolean))],
    paths: members.length,
    size: members.reduce((sum, { path }) => sum + (sizes?.get(path) ?? 0), 0),
  }));
}

export function sortPackages(packages: readonly Package[], by: SortBy): readonly Package[] {
  if (by === 'size') return packages.toSorted((one, other) => other.size - one.size);
  return packages.toSorted((one, other) => {
    const [a, b] = [one.name.toLowerCase(), other.name.toLowerCase()];
    return a < b ? -1 : Number(a > b);
  });
}

/** The store path that a service's code lies in, by its NAR hash. */
export function pathWithHash(manifest: Manifest, narHash: string): string | null {
  return manifest.paths?.find((one) => one.narHash === narHash)?.path ?? null;
}
