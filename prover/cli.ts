/** What the command line loads, and only for the commands that prove and check. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type CheckOptions, check, openChecker } from './check-command.ts';
import { ProverError } from './errors.ts';
import { type ProveOptions, prove } from './prove-command.ts';
import { type SolidityOptions, solidity } from './solidity.ts';

export type { CheckOptions, ProveOptions, SolidityOptions };
export { openChecker };

/** @throws CliError for every other ending than a proof that was written */
export function runProve(options: ProveOptions): Promise<void> {
  return undecidedWhenLacking(() => prove(options));
}

/** @throws CliError for everything that ends without a verdict */
export function runCheck(options: CheckOptions): Promise<{ verdict: Verdict; policy: Policy }> {
  return undecidedWhenLacking(() => check(options));
}

/** @throws CliError when points are missing or the file cannot be written */
export function runSolidity(options: SolidityOptions): Promise<void> {
  return undecidedWhenLacking(() => solidity(options));
}

async function undecidedWhenLacking<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ProverError)) throw error;
    throw new CliError('undecided', error.code, error.message, error.remedy);
  }
}
