/**
 * The closure as a machine that builds computes it, so that a policy can name its digest: the face of this folder for
 * `affidavit measure closure`.
 */
import type { ClosurePath } from '#verifier/abi/closure.ts';
import { closureDigest, encodeManifest } from '#verifier/abi/closure.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { parseRegistration } from '../registration.ts';
import { type ListedPath, parsePathInfo } from './list.ts';
import { type NixOptions, nixBuild, nixPathInfo } from './nix.ts';
import { type HashingOptions, scanClosure } from './scan.ts';
import { storePathOf } from './store.ts';

export { AgentError } from '../errors.ts';
export { NixError } from './nix.ts';
export { describeAmount, describeBytes } from './text.ts';
export { verifyClosure } from './verify.ts';

export type Measured = {
  digest: Bytes;
  manifest: Bytes;
  paths: number;
  /** Of all NARs, as the list says or as they were read. */
  bytes: number;
  source: 'scan' | 'nix' | 'registration' | 'path-info';
  /** Null for a list, which does not say. */
  systemPath: string | null;
  /** To verify against the store; null for a scan. */
  list: readonly ListedPath[] | null;
};

/**
 * A registration file, or path info: what begins with `[` or `{` is JSON.
 * @throws AttestationError as `parseRegistration` and `parsePathInfo`
 */
export function measureList(bytes: Bytes): Measured {
  const first = bytes.find((byte) => byte > 0x20);
  const json = first === 0x5b || first === 0x7b;
  const list = json ? parsePathInfo(bytes) : parseRegistration(bytes);
  return measured(list, sizeOf(list), json ? 'path-info' : 'registration', null, list);
}

/**
 * From the file system alone.
 * @throws AgentError `closure-unreadable`
 */
export async function measureScan(path: string, options: HashingOptions): Promise<Measured> {
  const { systemPath, paths, bytes } = await scanClosure(path, options);
  return measured(paths, bytes, 'scan', systemPath, null);
}

/** The store path that a path leads to. @throws AgentError `closure-unreadable` */
export const findStorePath = storePathOf;

/**
 * What Nix has on record of a store path.
 * @throws NixError
 */
export async function measureNix(storePath: string, nix?: NixOptions): Promise<Measured> {
  const list = await nixPathInfo(storePath, nix);
  return measured(list, sizeOf(list), 'nix', storePath, list);
}

/**
 * A flake's output, built where it is not yet.
 * @throws NixError
 */
export async function measureFlake(reference: string, nix?: NixOptions): Promise<Measured> {
  return measureNix(await nixBuild(reference, nix), nix);
}

function sizeOf(list: readonly ListedPath[]): number {
  return list.reduce((sum, { narSize }) => sum + narSize, 0);
}

function measured(
  paths: readonly ClosurePath[],
  bytes: number,
  source: Measured['source'],
  systemPath: string | null,
  list: readonly ListedPath[] | null,
): Measured {
  const manifest = encodeManifest(paths);
  return {
    digest: closureDigest(manifest),
    manifest,
    paths: paths.length,
    bytes,
    source,
    systemPath,
    list,
  };
}
