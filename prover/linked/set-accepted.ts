/** What may run, by the policies that name it or by evidence that was verified. */
import type { TdReport } from '#verifier/abi/td-report.ts';
import { type Policy, policyDigest } from '#verifier/appraise/policy.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { AcceptedEntry } from './set-entries.ts';
import { maxSetEntries } from './sets.ts';

const registers = ['rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const;

/**
 * Every combination of what the policy names. Its other members are no part of the set.
 * @throws AttestationError `json-shape` for a policy that leaves a register or the closure open, or says nothing of TDX;
 *   `too-large` for more combinations than a set holds
 */
export function acceptedByPolicy(policy: Policy): AcceptedEntry[] {
  const { tdx } = policy;
  if (tdx === undefined) throw open('tdx', 'is missing: the policy accepts no TD');
  const named = (path: string, values: 'any' | readonly string[]) => {
    if (values === 'any') throw open(path, 'is "any", and a set names every value');
    return values.map((value) => fromHex(value, path));
  };
  const mrTds = named('tdx.mrTd', tdx.mrTd);
  const rtmrs = registers.map((member) => named(`tdx.${member}`, tdx[member]));
  const closures = named('closureDigest', policy.closureDigest);
  const count = [mrTds, ...rtmrs, closures].reduce((product, { length }) => product * length, 1);
  if (count > maxSetEntries) {
    throw new AttestationError(
      'too-large',
      `policy: its values combine to ${count} references, a set holds ${maxSetEntries}`,
    );
  }
  const lists = combinations(rtmrs);
  return mrTds.flatMap((mrTd) =>
    lists.flatMap((rtmr) => closures.map((closureDigest) => ({ mrTd, rtmr, closureDigest }))),
  );
}

function open(path: string, problem: string): AttestationError {
  return new AttestationError('json-shape', `policy.${path} ${problem}`);
}

/** One value of each, in every way. */
function combinations(choices: readonly (readonly Bytes[])[]): Bytes[][] {
  return choices.reduce<Bytes[][]>(
    (made, values) => made.flatMap((start) => values.map((value) => [...start, value])),
    [[]],
  );
}

export function policySource(policy: Policy): string {
  return `policy ${toHex(policyDigest(policy)).slice(0, 16)}`;
}

/** Of a TD whose evidence was verified, closure digest included. */
export function acceptedByReport({ mrTd, rtmr }: TdReport, closureDigest: Bytes): AcceptedEntry {
  return { mrTd, rtmr, closureDigest };
}
