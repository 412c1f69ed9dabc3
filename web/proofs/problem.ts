/** Why nothing came of it, in the words of whoever refused. */
import { ProverError } from '#prover/errors.ts';
import { AliceError } from '#prover/linked/alice-errors.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Problem } from './messages.ts';

export function problemOf(error: unknown): Problem {
  if (error instanceof AliceError || error instanceof ProverError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  if (error instanceof AttestationError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'fault', message, remedy: null };
}
