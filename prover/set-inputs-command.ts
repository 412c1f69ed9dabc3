/** What the makers of sets were given: options, files, and what ends the command. */
import { readDerObjects } from '#verifier/abi/pem.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf } from '#verifier/checks.ts';
import { blaming, CliError, type exitCodes, usageError } from '#verifier/cli/cli-error.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import type { Gathered } from './linked/set-intel.ts';

/** What yargs found; names are in camel case. */
export type Found = Readonly<Record<string, unknown>>;

/** What makes a set: entries, and where they are from. */
export type Material<T> = { readonly entries: readonly T[]; readonly sources: readonly string[] };

/** Of a certificate, a list or a document. */
export const fileLimit: number = 1024 * 1024;

export function certificatesIn(path: string, bytes: Bytes): Bytes[] {
  return blaming('invalid', path, () => readDerObjects(bytes, 'CERTIFICATE', 'certificates'));
}

/** @returns what was gathered and believed @throws CliError for anything else */
export async function verifying<R extends Gathered<unknown> | { kind: 'believed' }>(
  input: string,
  gather: () => Promise<R>,
): Promise<Extract<R, { kind: 'gathered' | 'believed' }>> {
  const found = await gather().catch((error: unknown) =>
    blaming('invalid', input, () => {
      throw error;
    }),
  );
  if (found.kind === 'refused') {
    const { check } = found;
    throw refusedBy(input, check, check.status === 'skip' ? 'undecided' : 'invalid');
  }
  if (found.kind === 'no-floor') {
    const remedy = 'Add the status of the level that is not accepted, or leave out the other.';
    throw new CliError('usage', 'no-floor', `${input}: ${found.problem}`, remedy);
  }
  return found as Extract<R, { kind: 'gathered' | 'believed' }>;
}

export function refusedBy(
  input: string,
  check: CheckResult,
  ending: Exclude<keyof typeof exitCodes, 'accepted'>,
): CliError {
  const { remedy } = entryOf(check.id);
  return new CliError(ending, check.id, `${input}: ${check.reason}`, remedy);
}

export async function readAll(
  found: Found,
  name: string,
  limit: number,
): Promise<{ path: string; bytes: Bytes }[]> {
  const read: { path: string; bytes: Bytes }[] = [];
  for (const path of several(found, name)) {
    read.push({ path, bytes: await readFileLimited(path, limit, 'file', 'invalid') });
  }
  return read;
}

export function text(found: Found, name: string): string | undefined {
  const value = found[name];
  return typeof value === 'string' ? value : undefined;
}

export function one(found: Found, name: string): string {
  const value = text(found, name);
  if (value === undefined) throw usageError(`--${name} is missing`);
  return value;
}

export function several(found: Found, name: string): string[] {
  return [found[name] ?? []].flat().map(String);
}
