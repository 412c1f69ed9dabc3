/**
 * Results of the checks of linked proofs. Which checks there are is fixed, so that forgetting one does not compile: a record
 * holds one finding for each.
 */
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { type LinkedCheckId, linkedChecks } from '#verifier/catalogue/linked.ts';
import {
  type CheckResult,
  type CheckStatus,
  type Comparison,
  unreadable,
} from '#verifier/checklist.ts';
import { AttestationError } from '#verifier/errors.ts';

export type LinkedResult = Omit<CheckResult, 'id'> & { id: LinkedCheckId };

/** As of `verify`; `policy` is the digest of the demands. */
export type LinkedVerdict = Omit<Verdict, 'checks'> & { checks: readonly LinkedResult[] };

export type Finding = {
  readonly status: CheckStatus;
  readonly comparison: Comparison;
};

/** Null: the check does not apply to this proof. */
export type Findings = Readonly<Record<LinkedCheckId, Finding | null>>;

export function pass(comparison: Comparison = {}): Finding {
  return { status: 'pass', comparison };
}

/** A failure always says why. */
export function fail(comparison: Comparison & { reason: string }): Finding {
  return { status: 'fail', comparison };
}

/** The check could not be made. @param lacks what it needs, as a noun phrase */
export function skip(lacks: string): Finding {
  return { status: 'skip', comparison: { reason: `lacks ${lacks}` } };
}

/** Passes when `holds`, and fails with the reason otherwise. */
export function judge(holds: boolean, comparison: Comparison & { reason: string }): Finding {
  if (!holds) return fail(comparison);
  const { reason: _, ...found } = comparison;
  return pass(found);
}

/** Runs a parser: its AttestationError is the check's failure. */
export function attempt<T>(parse: () => T, expected: string): { value: T } | { failure: Finding } {
  try {
    return { value: parse() };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { failure: fail(unreadable(error, expected)) };
  }
}

const ids = Object.keys(linkedChecks) as LinkedCheckId[];

/** Of a file that cannot be read nothing can be made. @param failure of `link.file` */
export function unread(failure: Finding): Findings {
  const rest = skip('a readable proof file');
  const findings = ids.map((id) => [id, id === 'link.file' ? failure : rest]);
  return Object.fromEntries(findings) as Findings;
}

/** In the catalogue's order. */
export function resultsOf(findings: Findings): LinkedResult[] {
  return ids.flatMap((id) => {
    const finding = findings[id];
    if (finding === null) return [];
    const { status, comparison } = finding;
    const { expected = null, actual = null, reason = null } = comparison;
    const { stage, spec } = linkedChecks[id];
    return [Object.freeze({ id, stage, status, expected, actual, reason, spec })];
  });
}

/** Whether every check of stage proof that applies was made, and passed. */
export function proofsHold(results: readonly LinkedResult[]): boolean {
  return results.every(({ stage, status }) => stage !== 'proof' || status === 'pass');
}
