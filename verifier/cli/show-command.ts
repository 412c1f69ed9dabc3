/**
 * `affidavit show`: prints what evidence, certificates, revocation lists, event logs and manifests say,
 * and verifies nothing.
 */
import { maxLogLength } from '#verifier/abi/event-log/types.ts';
import { describe } from '#verifier/show/describe.ts';
import { renderShow, showJson } from '#verifier/show/document.ts';
import { blaming } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';

export type ShowOptions = {
  /** A path, or what stands for standard input. */
  file: string;
  offsets?: boolean | undefined;
  format?: 'text' | 'json' | undefined;
};

/**
 * @returns what to print
 * @throws CliError wrong usage for a file that cannot be opened, invalid for bytes that cannot be
 *   read
 */
export async function runShow({ file, offsets = false, format }: ShowOptions): Promise<string> {
  const stdin = file === standardInput;
  const bytes = stdin
    ? await readStdinLimited(maxLogLength, 'evidence')
    : await readFileLimited(file, maxLogLength, 'file', 'invalid');
  const document = blaming('invalid', stdin ? 'standard input' : file, () => describe(bytes));
  return format === 'json' ? showJson(document, offsets) : renderShow(document, offsets);
}
