/** What is given twice on the command line. */
import { usageError } from './cli-error.ts';

/** A chain may come in several files, as snpguest writes it; `_` is yargs's own. */
const repeatable = new Set([
  'chain',
  'crl',
  'observe',
  'file',
  'evidence',
  'reference',
  'tpm-quote',
  'tpm-signature',
  'pcrs',
  'ak',
  'ak-chain',
  'gpu',
  'gpu-chain',
  'rim',
  'ocsp',
  '_',
]);

/**
 * yargs makes a list of an option that is given twice; which of the two was meant is not ours to guess.
 * @param also names that may be given more than once here
 */
export function refuseRepeats(found: Record<string, unknown>, also: readonly string[] = []): void {
  for (const [name, value] of Object.entries(found)) {
    if (Array.isArray(value) && !repeatable.has(name) && !also.includes(name))
      throw usageError(`--${name} was given ${value.length} times`, 'Give it once.');
  }
}
