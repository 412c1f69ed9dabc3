/** What the command line loads, and only for the commands that prove and check. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type CheckOptions, check, openChecker } from './check-command.ts';
import { type CheckLinkedOptions, checkLinked } from './check-linked-command.ts';
import { ProverError } from './errors.ts';
import type { LinkedVerdict } from './linked/linked-checks.ts';
import { type ProveAttestationOptions, proveMachine } from './prove-attestation-command.ts';
import { type ProveOptions, prove } from './prove-command.ts';
import { type ProveResponseOptions, proveResponse } from './prove-response-command.ts';
import { runSet } from './set-command.ts';
import { type SolidityOptions, solidity } from './solidity.ts';

export type {
  CheckLinkedOptions,
  CheckOptions,
  ProveAttestationOptions,
  ProveOptions,
  ProveResponseOptions,
  SolidityOptions,
};
export { openChecker, runSet };

/** @throws CliError for every other ending than a proof that was written */
export function runProve(options: ProveOptions): Promise<void> {
  return undecidedWhenLacking(() => prove(options));
}

/** @throws CliError for every other ending than two proofs that were kept */
export function runProveAttestation(options: ProveAttestationOptions): Promise<void> {
  return undecidedWhenLacking(() => proveMachine(options));
}

/** @throws CliError for every other ending than a proof that was written */
export function runProveResponse(options: ProveResponseOptions): Promise<void> {
  return undecidedWhenLacking(() => proveResponse(options));
}

/** @throws CliError for everything that ends without a verdict */
export function runCheck(options: CheckOptions): Promise<{ verdict: Verdict; policy: Policy }> {
  return undecidedWhenLacking(() => check(options));
}

/** @throws CliError for everything that ends without a verdict */
export function runCheckLinked(
  options: CheckLinkedOptions,
): Promise<{ verdict: LinkedVerdict; policy: Pick<Policy, 'name'> }> {
  return undecidedWhenLacking(() => checkLinked(options));
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
