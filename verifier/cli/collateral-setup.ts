/** Wires cache, network, clock and roots to what gathers collateral. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CollateralError } from '#verifier/collateral/collateral-error.ts';
import type { CollectTools } from '#verifier/collateral/collect.ts';
import { type Endpoints, vendorEndpoints } from '#verifier/collateral/endpoints.ts';
import { memoryStore } from '#verifier/collateral/host/memory.ts';
import type { Pauses } from '#verifier/collateral/host/pauses.ts';
import { openStore } from '#verifier/collateral/host/store.ts';
import type { Source, Store } from '#verifier/collateral/ports.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { CliError, usageError } from './cli-error.ts';
import type { SourceOptions } from './collateral-options.ts';
import { readFileLimited } from './files.ts';
import { nodeCrypto } from './node-crypto.ts';
import { userFolders } from './paths.ts';
import { revalidateLater } from './revalidate.ts';

export type Cache = Store & Pauses;
export type Setup = {
  cache: Cache;
  /** For one moment: a service that goes on asks for them anew with each request. */
  toolsAt(now: UnixTime): CollectTools;
};

const caLimit = 4 * 1024 * 1024;

export const unixNow = (): UnixTime => Math.floor(Date.now() / 1000);

/**
 * A cache that cannot be used costs time and decides nothing: it is said, and what is fetched is kept in memory.
 * @throws CliError wrong usage
 */
export async function openTools(
  options: SourceOptions,
  roots: readonly TrustedRoot[],
  warn: (problem: CollateralError) => void,
): Promise<Setup> {
  const endpoints = endpointsOf(options);
  const cache = await openCache(options).catch((error: unknown) => {
    if (!(error instanceof CollateralError)) throw error;
    warn(error);
    return memoryStore();
  });
  const source = options.offline === true ? null : lazySource(options, cache);
  // Of AMD each object is verified with its issuers: the same signatures over and over.
  const crypto = rememberingCrypto(nodeCrypto);
  const parts = { store: cache, source, endpoints, roots, crypto };
  const revalidate = revalidateLater(options, cache);
  return { cache, toolsAt: (now) => ({ ...parts, now, clock: unixNow, revalidate }) };
}

/** @throws CollateralError `cache-unusable`; CliError wrong usage */
export function openCache(options: SourceOptions): Promise<Cache> {
  return openStore(cacheFolder(options));
}

/** For commands that are about the cache itself. @throws CliError undecided */
export async function needCache<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CollateralError)) throw error;
    throw new CliError('undecided', error.code, error.message, error.remedy);
  }
}

function cacheFolder({ cache }: SourceOptions): string {
  if (cache === '') throw usageError('--cache names no folder', 'Give a path.');
  if (cache !== undefined) return resolve(cache);
  const { env: environment, platform } = process;
  return join(userFolders({ platform, environment, home: homedir() }).cache, 'collateral');
}

function endpointsOf({ kds, pcs }: SourceOptions): Endpoints {
  const own = vendorEndpoints;
  const amd = kds === undefined ? own.amd : anAddress('kds', kds);
  if (pcs === undefined) return { ...own, amd };
  const intel = anAddress('pcs', pcs);
  // A PCCS and a mirror have the root's list too; Intel has it elsewhere.
  return { amd, intel, intelRoot: intel === own.intel ? own.intelRoot : null };
}

/** Plain HTTP too: what answers counts by its signatures. */
function anAddress(option: string, text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw usageError(
      `--${option} ${text} is not the address of a service`,
      'Write for example https://pccs.example:8081.',
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** Made with the first request: who finds all in the cache does not pay for HTTP and TLS. */
function lazySource({ caFile }: SourceOptions, store: Cache): Source {
  let made: Promise<Source> | undefined;
  const make = async (): Promise<Source> => {
    const { createSource } = await import('#verifier/collateral/host/client.ts');
    const ca = caFile === undefined ? [] : [await caText(caFile)];
    try {
      return createSource({ store, now: unixNow, ca, environment: process.env });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw usageError(`--ca-file ${caFile}: ${error.message}`, 'Give certificates in PEM.');
    }
  };
  return {
    get: async (address, limit) => {
      made ??= make();
      return (await made).get(address, limit);
    },
  };
}

async function caText(path: string): Promise<string> {
  const bytes = await readFileLimited(path, caLimit, 'ca-file', 'usage');
  return new TextDecoder('latin1').decode(bytes);
}
