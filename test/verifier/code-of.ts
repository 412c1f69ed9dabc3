import { AttestationError, type ErrorCode } from '#verifier/errors.ts';

/**
 * The code that `run` is refused with, or null when it is accepted.
 * @throws whatever else `run` throws: only AttestationError is a refusal
 */
export function codeOf(run: () => unknown): ErrorCode | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    throw error;
  }
}
