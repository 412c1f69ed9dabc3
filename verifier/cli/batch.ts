/** `affidavit verify --batch DIR`: every file of a folder, one line of JSON each; the worst decision is the exit code. */
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import type { Decision } from '#verifier/appraise/verdict.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckStatus } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { rememberingCrypto } from '#verifier/crypto-memory.ts';
import { AttestationError } from '#verifier/errors.ts';
import { evidenceOf, type FoundEvidence } from '#verifier/evidence-forms.ts';
import { worstOf } from '#verifier/policy-tools/compare.ts';
import type { UnixTime } from '#verifier/time.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import type { SourceOptions } from './collateral-options.ts';
import { readFileLimited } from './files.ts';
import { type Gather, gathererOf, verifyGathering } from './gather.ts';
import { type DecisionRecord, openRecord } from './log-command.ts';
import { pooledNodeCrypto } from './node-crypto.ts';
import { settingsOf, type VerdictOptions, type VerdictSettings } from './verify-command.ts';

export type BatchOptions = VerdictOptions &
  SourceOptions & {
    batch: string;
    log?: string | undefined;
  };

/** One line of the output. */
export type BatchLine = {
  /** Name in the folder. */
  file: string;
  decision: Decision;
  failed: readonly CheckId[];
  skipped: readonly CheckId[];
  expires: UnixTime | null;
  /** Why there is no verdict: the file could not be read, or is too large to be evidence. */
  error?: { code: string; message: string };
};

/** What says where else evidence is, or how one verdict is shown. */
const contradictions = [
  ...['target', 'report', 'quote', 'auxblob', 'nonce', 'watch'],
  ...['save', 'force', 'explain', 'quiet', 'earKey'],
];

/**
 * @param format as it was asked for; undefined when it was not
 * @returns the exit code @throws CliError wrong usage
 */
export async function runBatch(
  options: BatchOptions,
  format: string | undefined,
  print: (text: string) => void,
): Promise<number> {
  refuse(options, format);
  const settings = await settingsOf(options);
  const files = await filesOf(options.batch);
  const record = await openRecord(options.log);
  const crypto = rememberingCrypto(pooledNodeCrypto);
  const gather = gathererOf(options, settings.roots);
  // Enough to keep every core's queue filled while other files are read.
  const width = 4 * availableParallelism();
  let worst: Decision = 'accepted';
  try {
    const lines = inOrder(files, width, (file) =>
      lineOf(join(options.batch, file), file, { settings, crypto, gather, record }),
    );
    for await (const line of lines) {
      print(`${JSON.stringify(line)}\n`);
      worst = worstOf([worst, line.decision]);
    }
  } finally {
    await record.close();
  }
  return exitCodes[worst];
}

function refuse(options: object, format: string | undefined): void {
  const given = options as { [name: string]: unknown };
  for (const name of contradictions) {
    if (given[name] !== undefined && given[name] !== false) {
      const option = name === 'target' ? 'a target' : `--${name === 'earKey' ? 'ear-key' : name}`;
      throw usageError(
        `--batch and ${option} contradict each other`,
        'With --batch the evidence is the files of the folder, and the output one line of JSON each.',
      );
    }
  }
  if (format !== undefined && format !== 'json') {
    throw usageError(
      `--batch has no format ${format}`,
      'Its output is JSON lines: leave --format away.',
    );
  }
}

/** By name. What begins with a dot is not evidence, nor is what a folder inside holds. */
async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new CliError(
      'usage',
      'file-unreadable',
      `folder ${folder} cannot be read: ${code}`,
      'Give a folder that holds evidence.',
    );
  });
  const names = found
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  // No file, no verdict: an empty folder must not look like an acceptance.
  if (names.length === 0) throw usageError(`folder ${folder} holds no files`);
  return names.sort();
}

type Batch = {
  settings: VerdictSettings;
  crypto: CryptoPort;
  gather: Gather | null;
  record: DecisionRecord;
};

async function lineOf(
  path: string,
  file: string,
  { settings, crypto, gather, record }: Batch,
): Promise<BatchLine> {
  let bytes: Bytes;
  try {
    bytes = await readFileLimited(path, maxBundleLength, 'evidence', 'invalid');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const { code, message, exitCode } = error;
    const decision = exitCode === exitCodes.invalid ? 'invalid' : 'undecided';
    return {
      file,
      decision,
      failed: [],
      skipped: [],
      expires: null,
      error: { code, message },
    };
  }
  const found = evidenceIn(bytes);
  const { policy, references } = settings;
  const { verified } = await verifyGathering(found, settings, gather, crypto);
  const verdict = appraise(verified, policy, references);
  await record.decision(found.evidence.bytes, verdict, policy.name);
  const idsWith = (wanted: CheckStatus) =>
    verdict.checks.filter(({ status }) => status === wanted).map(({ id }) => id);
  const { decision, expires } = verdict;
  return { file, decision, failed: idsWith('fail'), skipped: idsWith('skip'), expires };
}

/**
 * A bundle, a quote or a report, in any form that `verify` reads, told by the bytes. What is none of them is taken for a
 * bundle: its verdict says what is wrong with it.
 */
export function evidenceIn(bytes: Bytes): FoundEvidence {
  try {
    return evidenceOf(bytes, null);
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { evidence: { form: 'bundle', bytes, nonce: null, connection: null }, collateral: [] };
  }
}

/** The results in the order of the items, with at most `width` in the making. */
async function* inOrder<T, R>(
  items: readonly T[],
  width: number,
  make: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  for (const item of items) {
    const result = make(item);
    // Awaited later: until then nobody must take its failure for one that nobody looks at.
    result.catch(() => {});
    pending.push(result);
    if (pending.length >= width) yield await (pending.shift() as Promise<R>);
  }
  for (const result of pending) yield await result;
}
