/** What `affidavit prove attestation` is told, read. */
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { blaming, CliError, usageError } from '#verifier/cli/cli-error.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { hexOption } from '#verifier/cli/verify-command.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import { AliceError } from './linked/alice-errors.ts';
import type { KeyWanted } from './linked/attestation-task.ts';
import { maxSetLength, parseSet, type SetKind, type SetOf } from './linked/sets.ts';

export type KeyOptions = {
  /** Default: `member` with `veks`, else `certified`. */
  key?: KeyWanted['kind'] | undefined;
  /** File of a set. */
  veks?: string | undefined;
};

/** @param at when its certificate is to be valid @throws CliError wrong usage */
export async function keyWanted(options: KeyOptions, at: UnixTime): Promise<KeyWanted> {
  const kind = keyKindOf(options);
  switch (kind) {
    case 'certified':
      return { kind, at };
    case 'member':
      return { kind, veks: await readSet('veks', options.veks) };
    case 'shown':
      return { kind };
  }
}

function keyKindOf({ key, veks }: KeyOptions): KeyWanted['kind'] {
  if (veks === undefined) return key ?? 'certified';
  if (key === undefined || key === 'member') return 'member';
  throw usageError(
    `--key ${key} and --veks contradict each other`,
    'Give --veks with --key member.',
  );
}

/** @throws CliError wrong usage: no such file, or a set of another kind */
export async function readSet<K extends SetKind>(
  kind: K,
  path: string | undefined,
): Promise<SetOf<K>> {
  if (path === undefined) {
    throw usageError(`--${kind} is missing`, 'Give the set that the checker handed you.');
  }
  const bytes = await readFileLimited(path, maxSetLength, 'set', 'usage');
  const set = blaming('usage', `--${kind} ${path}`, () => parseSet(bytes));
  if (set.kind !== kind)
    throw usageError(`--${kind} ${path} is a set of another kind: ${set.kind}`);
  return set as unknown as SetOf<K>;
}

/** @throws CliError wrong usage: none given, or one without its zone */
export function timeOption(name: string, text: string | undefined): UnixTime {
  const time = text === undefined ? null : parseTime(text);
  if (time !== null) return time;
  throw usageError(
    text === undefined ? `--${name} is missing` : `--${name} ${text} is no time with its zone`,
    'Write for example 2026-01-31T12:00:00Z.',
  );
}

/** @throws CliError wrong usage */
export function attestationNonceOf(text: string | undefined): Bytes | null {
  const hex = hexOption('attestation-nonce', text, 32);
  return hex === undefined ? null : fromHex(hex, 'attestation nonce');
}

/** Runs `work`; what is wrong with its input ends the command as `ending` says, or as the error itself does. */
export async function endingAs<T>(
  ending: 'usage' | 'invalid',
  input: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AliceError) {
      const text = error.ending === 'invalid' ? `refused: ${error.message}` : error.message;
      throw new CliError(error.ending, error.code, text, error.remedy);
    }
    if (!(error instanceof AttestationError)) throw error;
    throw new CliError(ending, error.code, `${input}: ${error.message}`, error.remedy);
  }
}
