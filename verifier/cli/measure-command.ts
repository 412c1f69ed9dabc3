/** `affidavit measure closure`: the digest that the agent of a guest will state, computed on the machine that builds it. */
import { lstat, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { storePathPattern } from '#verifier/abi/closure.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';

export type MeasureOptions = {
  /** Store path, symlink to one, flake output, list of a closure, or what stands for standard input. */
  target: string;
  manifest?: boolean | undefined;
  scan?: boolean | undefined;
  verify?: boolean | undefined;
  allowExtra?: boolean | undefined;
  root?: string | undefined;
  format?: 'text' | 'json' | undefined;
};

export type MeasureOutput = { stdout: string; stderr: string; exitCode: number };

/** 100,000 paths with their references. */
const maxListLength = 256 * 1024 * 1024;

const load = () => import('#agent/closure/measure.ts');
type Tools = Awaited<ReturnType<typeof load>>;
type Measured = ReturnType<Tools['measureList']>;
type Progress = (done: { paths: number; bytes: number; total: number }) => void;

/** @throws CliError */
export async function runMeasure(options: MeasureOptions): Promise<MeasureOutput> {
  refuseContradictions(options);
  const tools = await load();
  const { show, clear } = progressLine(tools);
  try {
    const measured = await measure(tools, options, show);
    const verified = await verify(tools, measured, options, show);
    return { ...render(tools, measured, options, verified), exitCode: exitCodes.accepted };
  } catch (error) {
    throw toCliError(tools, error, options.target);
  } finally {
    clear();
  }
}

function refuseContradictions({ verify, allowExtra, scan, root, target }: MeasureOptions): void {
  if (allowExtra && !verify) throw usageError('--allow-extra says nothing without --verify');
  if (scan && verify) {
    throw usageError('--scan hashes every NAR by itself', 'Leave out --verify.');
  }
  if (scan && target === standardInput) throw usageError('--scan needs a path to begin with');
  if (root === '') throw usageError('--root needs a folder');
}

async function measure(
  tools: Tools,
  { target, root, scan }: MeasureOptions,
  progress: Progress,
): Promise<Measured> {
  if (target === standardInput) {
    return tools.measureList(await readStdinLimited(maxListLength, 'the list'));
  }
  if (!target.startsWith('/nix/store/') && (await isListFile(target))) {
    if (scan) throw usageError(`${target} is a file; --scan needs a path to begin with`);
    return tools.measureList(await readFileLimited(target, maxListLength, 'list', 'invalid'));
  }
  if (root !== undefined) return tools.measureScan(target, { root: resolve(root), progress });
  if (await isHere(target)) {
    const path = resolve(target);
    if (scan) return tools.measureScan(path, { progress });
    const named = storePathPattern.test(path) ? path : await tools.findStorePath('', path);
    return askNixOrScan(tools, named, progress);
  }
  if (!/[#:]/.test(target)) {
    throw usageError(`${target} is no file, store path or flake output`, 'Check the path.');
  }
  if (scan) throw usageError('--scan needs a path, not a flake output', 'Build it first.');
  return tools.measureFlake(target);
}

/** Without the nix command, the file system says what there is. */
async function askNixOrScan(tools: Tools, path: string, progress: Progress): Promise<Measured> {
  try {
    return await tools.measureNix(path);
  } catch (error) {
    if (!(error instanceof tools.NixError) || !error.absent) throw error;
    return tools.measureScan(path, { progress });
  }
}

/** A file that is not itself a store path. */
async function isListFile(target: string): Promise<boolean> {
  try {
    return (await stat(target)).isFile() && !storePathPattern.test(await realpath(target));
  } catch {
    return false;
  }
}

/** A store path is asked of nix even where the file system does not show it. */
async function isHere(target: string): Promise<boolean> {
  if (storePathPattern.test(target)) return true;
  return lstat(target).then(
    () => true,
    () => false,
  );
}

/** @returns the bytes that were hashed again; null when that was not asked for */
async function verify(
  tools: Tools,
  { list }: Measured,
  { verify, allowExtra, root }: MeasureOptions,
  progress: Progress,
): Promise<number | null> {
  if (!verify) return null;
  if (list === null) {
    throw usageError('a scan has hashed every NAR by itself', 'Leave out --verify.');
  }
  const { differences, bytes } = await tools.verifyClosure(list, {
    root: root === undefined ? '' : resolve(root),
    extent: allowExtra ? 'listed' : 'exact',
    progress,
  });
  const [first] = differences;
  if (first === undefined) return bytes;
  const more = differences.length === 1 ? '' : ` (and ${differences.length - 1} more)`;
  const remedy =
    first.kind === 'extra'
      ? 'Where a store holds more than one system on purpose, pass --allow-extra.'
      : 'Make the list again from this very store; if it was made from it, the store was changed.';
  throw new CliError('invalid', 'closure-differs', `${first.message}${more}`, remedy);
}

const sources = {
  scan: 'by a scan of the store',
  nix: 'by nix',
  registration: 'from a registration file',
  'path-info': 'from path info',
} as const;

function render(
  tools: Tools,
  measured: Measured,
  { manifest, format }: MeasureOptions,
  verified: number | null,
): { stdout: string; stderr: string } {
  const digest = toHex(measured.digest);
  const text = (bytes: Bytes) => fromUtf8(bytes, 'manifest');
  if (format === 'json') {
    const { paths, bytes, source, systemPath } = measured;
    const json = {
      version: 1,
      closureDigest: digest,
      systemPath,
      paths,
      bytes,
      source,
      verified: verified !== null,
      ...(manifest && { manifest: text(measured.manifest) }),
    };
    return { stdout: `${JSON.stringify(json, null, 2)}\n`, stderr: '' };
  }
  const amount = tools.describeAmount(measured.paths, measured.bytes);
  const again = verified === null ? '' : '; every NAR was hashed again and is as listed';
  const summary = `${measured.systemPath ?? 'closure'}: ${amount}, ${sources[measured.source]}${again}\n`;
  return manifest
    ? { stdout: text(measured.manifest), stderr: `${digest}\n${summary}` }
    : { stdout: `${digest}\n`, stderr: summary };
}

function toCliError(tools: Tools, error: unknown, target: string): unknown {
  const input = target === standardInput ? 'standard input' : target;
  if (error instanceof AttestationError) {
    return new CliError('invalid', error.code, `${input}: ${error.message}`, error.remedy);
  }
  if (error instanceof tools.AgentError) {
    return new CliError('usage', error.code, error.message, error.remedy);
  }
  if (error instanceof tools.NixError) {
    return error.absent
      ? new CliError(
          'undecided',
          'nix-missing',
          `${input} cannot be measured: ${error.message}`,
          'Install nix, or pass a store path, or the output of nix path-info --json -r.',
        )
      : new CliError(
          'undecided',
          'nix-failed',
          `${input} cannot be measured: ${error.message}`,
          'Where the store has no database (an image), pass --scan.',
        );
  }
  return error;
}

/** One line on a terminal, ten times a second at most. */
function progressLine(tools: Tools): { show: Progress; clear(): void } {
  const { stderr } = process;
  let last = 0;
  return {
    show({ paths, bytes, total }) {
      const now = performance.now();
      if (!stderr.isTTY || now - last < 100) return;
      last = now;
      stderr.write(`\r\u001b[K${paths} of ${total} paths, ${tools.describeBytes(bytes)}`);
    },
    clear() {
      if (last > 0) stderr.write('\r\u001b[K');
    },
  };
}
