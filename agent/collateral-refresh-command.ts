/**
 * `affidavit agent refresh-collateral`: beside the agent, a process of its own. It has a network and nothing else: it asks the
 * agent as anybody may, and writes one file.
 */
import { randomInt } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { blaming, CliError, exitCodes, usageError } from '#verifier/cli/cli-error.ts';
import type { SourceOptions } from '#verifier/cli/collateral-options.ts';
import { openTools, unixNow } from '#verifier/cli/collateral-setup.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { formatTime } from '#verifier/time.ts';
import { type CollateralFile, collateralFileName } from './collateral-file.ts';
import {
  describeFile,
  readCollateralFile,
  reasonOf,
  writeCollateralFile,
} from './collateral-folder.ts';
import { nextLook, type Refreshed, refreshCollateral } from './collateral-refresh.ts';
import { askAgent } from './collateral-refresh-source.ts';

export type RefreshOptions = Omit<SourceOptions, 'offline'> & {
  from: string;
  folder: string;
  every?: string | undefined;
};

export type RefreshOutput = { stdout: string; stderr?: string; exitCode: number };

/** With `every` it ends when `stop` says so, and writes lines as they come. @throws CliError wrong usage */
export async function runRefreshCollateral(
  options: RefreshOptions,
  stop: AbortSignal = stopSignal(options),
): Promise<RefreshOutput> {
  const longest = options.every === undefined ? null : everyOf(options.every);
  const look = await openLook(options);
  let last = await look(stop);
  if (longest === null) return ending(last);
  while (!stop.aborted) {
    const { stdout, stderr } = ending(last);
    process.stdout.write(stdout);
    process.stderr.write(stderr ?? '');
    const now = unixNow();
    const next = nextLook(last, { now, longest, random: randomInt(2 ** 32) / 2 ** 32 });
    process.stdout.write(`affidavit agent: collateral is looked at again ${formatTime(next)}\n`);
    await sleep((next - now) * 1000, undefined, { signal: stop }).catch(() => {});
    if (!stop.aborted) last = await look(stop);
  }
  return { stdout: '', exitCode: exitCodes.accepted };
}

/** A single look ends by itself; and one that the system ends leaves a whole file too. */
function stopSignal({ every }: RefreshOptions): AbortSignal {
  const stop = new AbortController();
  if (every === undefined) return stop.signal;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** @throws CliError wrong usage: all that the command line names is read here */
async function openLook(
  options: RefreshOptions,
): Promise<(stop: AbortSignal) => Promise<Refreshed>> {
  if (options.folder === '') throw usageError('--folder names no folder', 'Give a path.');
  const folder = resolve(options.folder);
  const ask = askAgent(options.from);
  const roots = await rootsOf(options.insecureRoot);
  const { toolsAt } = await openTools(options, roots, ({ message, remedy }) => {
    process.stderr.write(`affidavit agent: warning: ${message}. ${remedy}\n`);
  });
  return async (stop) => {
    const previous = await previousOf(folder);
    const answer = await ask(stop);
    const refreshed = await refreshCollateral(answer, previous, {
      ...toolsAt(unixNow()),
      update: options.early === true ? 'early' : 'standard',
      ...(options.product && { product: options.product }),
    });
    await write(folder, refreshed.file);
    return refreshed;
  };
}

/** A file that cannot be used is written over. */
async function previousOf(folder: string): Promise<CollateralFile | null> {
  try {
    return await readCollateralFile(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') {
      const reason = reasonOf(error, join(folder, collateralFileName));
      process.stderr.write(`affidavit agent: warning: ${reason}; it is written anew\n`);
    }
    return null;
  }
}

async function write(folder: string, file: CollateralFile): Promise<void> {
  try {
    await writeCollateralFile(folder, file);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw usageError(
      `${join(folder, collateralFileName)} cannot be written: ${code}`,
      'Check the folder and its permissions.',
    );
  }
}

/** As the other commands have it. */
async function rootsOf(path: string | undefined): Promise<readonly TrustedRoot[]> {
  if (path === undefined) return vendorRoots;
  const bytes = await readFileLimited(path, 1024 * 1024, 'root', 'usage');
  return blaming('usage', `--insecure-root ${path}`, () =>
    readDerObjects(bytes, 'CERTIFICATE', 'root').map((der) =>
      insecureRoot(parseCertificate(der, 'root')),
    ),
  );
}

function ending({ file, complete }: Refreshed): RefreshOutput {
  const line = `affidavit agent: ${describeFile(file)}\n`;
  if (complete) return { stdout: line, exitCode: exitCodes.accepted };
  return { stdout: '', stderr: line, exitCode: exitCodes.undecided };
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const shortest = units.h;
/** What setTimeout can wait for, and longer than any list of a vendor is good for. */
const longestWait = 20 * units.d;

/** @returns seconds @throws CliError wrong usage */
function everyOf(every: string): number {
  const [, digits, unit] = /^([0-9]{1,9})([smhd])$/.exec(every) ?? [];
  const seconds = Number(digits) * (units[unit as keyof typeof units] ?? Number.NaN);
  if (seconds >= shortest && seconds <= longestWait) return seconds;
  throw new CliError(
    'usage',
    'usage',
    `--every ${every} is not a time from 1h to 20d`,
    'Write for example 6h or 1d: vendors are not asked more often than hourly.',
  );
}
