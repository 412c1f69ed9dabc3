/** The closure that the configuration names, computed once at boot. */
import { resolve } from 'node:path';
import type { ClosurePath } from '#verifier/abi/closure.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { ClosureConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { readAll } from '../files.ts';
import { parseRegistration } from '../registration.ts';
import { type ListedPath, parsePathInfo } from './list.ts';
import { scanClosure } from './scan.ts';
import { describeAmount } from './text.ts';
import { refuseDifferences, verifyClosure } from './verify.ts';

/** Of a registration or path info: 100,000 paths with their references. */
export const maxListLength = 256 * 1024 * 1024;

export type LoadOptions = {
  /** File names are relative to it. */
  folder: string;
  /** Empty for the running system; a test's own folder. */
  root?: string;
};

export type LoadedClosure = {
  paths: readonly ClosurePath[];
  /** For the log: how many paths and bytes, from where, in how many seconds. */
  summary: string;
};

/**
 * @throws AgentError `config-invalid`, `closure-unreadable`, `closure-differs`; AttestationError for a malformed file
 */
export async function loadClosure(
  config: ClosureConfig,
  { folder, root = '' }: LoadOptions,
): Promise<LoadedClosure> {
  const start = performance.now();
  const { paths, bytes, from } = await read(config, folder, root);
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  const summary = `closure of ${describeAmount(paths.length, bytes)} from ${from} in ${seconds} s`;
  return { paths, summary };
}

type Loaded = { paths: readonly ClosurePath[]; bytes: number; from: string };

async function read(config: ClosureConfig, folder: string, root: string): Promise<Loaded> {
  if (config.source === 'scan') {
    const { paths, bytes } = await scanClosure(config.system, { root });
    return { paths, bytes, from: `a scan of ${config.system}` };
  }
  const list = await readList(config, folder);
  const bytes = list.reduce((sum, { narSize }) => sum + narSize, 0);
  const from = config.source === 'registration' ? 'the registration file' : 'the path info';
  if (config.verify === null) return { paths: list, bytes, from };
  const { differences } = await verifyClosure(list, { root, extent: config.verify });
  refuseDifferences(differences);
  return { paths: list, bytes, from: `${from}, every NAR hashed again` };
}

async function readList(
  config: Exclude<ClosureConfig, { source: 'scan' }>,
  folder: string,
): Promise<ListedPath[]> {
  if (config.source === 'registration') {
    const what = 'the registration file (closure.registration)';
    return parseRegistration(await readInput(resolve(folder, config.file), what));
  }
  const what = 'the path info (closure.pathInfo)';
  return parsePathInfo(await readInput(resolve(folder, config.file), what));
}

async function readInput(path: string, what: string): Promise<Bytes> {
  try {
    return await readAll(path, maxListLength);
  } catch (cause) {
    if (cause instanceof AttestationError) throw cause;
    throw new AgentError('config-invalid', `${what} cannot be read`, { cause });
  }
}
