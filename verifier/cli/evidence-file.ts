/** Evidence from a file that somebody names. */
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { evidenceOf, type FoundEvidence } from '#verifier/evidence-forms.ts';
import { blaming, usageError } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';

/**
 * @param nonce the one that the verifier sent, for bundles
 * @throws CliError wrong usage for a file that cannot be read, invalid for bytes that are no evidence
 */
export async function readEvidence(path: string, nonce: Bytes | null): Promise<FoundEvidence> {
  if (/^https?:\/\//i.test(path)) {
    throw usageError(
      `${path} is an agent, evidence of which is wanted as a file`,
      'Save it first: affidavit verify URL --save bundle.json',
    );
  }
  const stdin = path === standardInput;
  const bytes = stdin
    ? await readStdinLimited(maxBundleLength, 'evidence')
    : await readFileLimited(path, maxBundleLength, 'evidence', 'invalid');
  return blaming('invalid', stdin ? 'standard input' : path, () => evidenceOf(bytes, nonce));
}
