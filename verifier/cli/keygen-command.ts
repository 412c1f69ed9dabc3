/** `affidavit keygen`: a fresh secp256k1 key in two files. */
import { resolve } from 'node:path';
import { KeyPairError, writeKeyPairs } from '#agent/key-pair.ts';
import { CliError, usageError } from './cli-error.ts';

export type KeygenOptions = {
  outPrivate: string;
  outPublic: string;
  replace?: boolean | undefined;
};

/** @returns one line that says what was written @throws CliError wrong usage */
export async function runKeygen(options: KeygenOptions): Promise<string> {
  const { outPrivate, outPublic, replace = false } = options;
  if (resolve(outPrivate) === resolve(outPublic)) {
    throw usageError('--out-private and --out-public name the same file', 'Give two files.');
  }
  try {
    await writeKeyPairs([{ outPrivate, outPublic }], { replace });
  } catch (error) {
    throw explained(error);
  }
  return `wrote ${outPrivate} and ${outPublic}\n`;
}

function explained(error: unknown): unknown {
  if (!(error instanceof KeyPairError)) return error;
  if (error.reason === 'exists') {
    return usageError(error.message, 'Give another name, or --replace for a new key.');
  }
  const remedy = 'Check the path and its permissions.';
  return new CliError('usage', 'file-unwritable', error.message, remedy);
}
