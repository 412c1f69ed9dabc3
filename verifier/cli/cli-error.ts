/** How a command ends when it does not end in a verdict: one line, and an exit code (protocol, "CLI exit codes"). */
import type { Decision } from '#verifier/appraise/verdict.ts';
import { AttestationError } from '#verifier/errors.ts';

export const exitCodes = {
  accepted: 0,
  /** A fault of the program. */
  fault: 1,
  usage: 2,
  rejected: 10,
  invalid: 20,
  undecided: 30,
} as const satisfies Record<Decision | 'fault' | 'usage', number>;

export class CliError extends Error {
  readonly exitCode: number;
  readonly code: string;
  readonly remedy: string;

  /** @param message what happened and what was expected; @param remedy what to do next, as a sentence */
  constructor(ending: keyof typeof exitCodes, code: string, message: string, remedy: string) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCodes[ending];
    this.code = code;
    this.remedy = remedy;
  }
}

export function usageError(message: string, remedy = 'See affidavit --help.'): CliError {
  return new CliError('usage', 'usage', message, remedy);
}

/** Runs `read`; what is wrong with its input ends the command as `ending` says, naming the input. */
export function blaming<T>(ending: 'usage' | 'invalid', input: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    throw new CliError(ending, error.code, `${input}: ${error.message}`, error.remedy);
  }
}
