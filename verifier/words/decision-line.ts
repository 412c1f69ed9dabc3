/** The decision in one line of words: what was wrong first, and how much besides. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { type AnyCheckId, entryOf } from '#verifier/checks.ts';
import { cut, defaultColumns, harmless, shortHex } from './lines.ts';

/** A reason shorter than this says nothing. */
const fewest = 16;

/** @returns one line of at most `columns` characters */
export function decisionLine(
  verdict: Verdict<AnyCheckId>,
  policy: Pick<Policy, 'name'>,
  columns: number = defaultColumns,
): string {
  return cut(lineOf(verdict, `"${harmless(policy.name)}"`, columns), columns);
}

function lineOf(verdict: Verdict<AnyCheckId>, policy: string, columns: number): string {
  const [failed, ...alsoFailed] = verdict.checks.filter(({ status }) => status === 'fail');
  const [skipped, ...alsoSkipped] = verdict.checks.filter(({ status }) => status === 'skip');
  switch (verdict.decision) {
    case 'accepted':
      return `ACCEPTED under policy ${policy}${softwareOf(verdict)}`;
    case 'rejected':
      return sentence(`REJECTED by policy ${policy}: `, failed, alsoFailed, columns);
    case 'invalid':
      return sentence('INVALID: ', failed, alsoFailed, columns);
    case 'undecided': {
      const tail = moreOf(alsoSkipped);
      const head = `UNDECIDED: ${skipped?.id} `;
      return `${head}${reasonOf(skipped, columns - head.length - tail.length)}${tail}`;
    }
  }
}

function sentence(
  head: string,
  first: CheckResult<AnyCheckId> | undefined,
  others: readonly CheckResult<AnyCheckId>[],
  columns: number,
): string {
  const tail = moreOf(others);
  const id = ` (${first?.id})`;
  const room = columns - head.length - id.length - tail.length;
  return room < fewest
    ? `${head}${first?.id}${tail}`
    : `${head}${reasonOf(first, room)}${id}${tail}`;
}

function reasonOf(check: CheckResult<AnyCheckId> | undefined, room: number): string {
  if (check === undefined) return '';
  return cut(harmless(shortHex(check.reason ?? entryOf(check.id).title)), Math.max(1, room));
}

function moreOf(others: readonly CheckResult<AnyCheckId>[]): string {
  return others.length === 0 ? '' : ` [and ${others.length} more]`;
}

const softwareChecks: readonly AnyCheckId[] = [
  'policy.measurement',
  'policy.mrtd',
  'policy.rtmr0',
  'policy.rtmr1',
  'policy.rtmr2',
  'policy.mrenclave',
];

/** An acceptance of software that nobody named must not read like one of the software that was meant. */
function softwareOf({ checks }: Verdict<AnyCheckId>): string {
  const asked = checks.filter(({ id }) => softwareChecks.includes(id));
  const open = asked.filter(({ expected }) => expected === 'any');
  if (open.length === 0) return '';
  return open.length === asked.length
    ? ', which names no software'
    : ', which does not name all of the software';
}
