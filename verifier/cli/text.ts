/** A verdict for a terminal: grouped by stage, one line a check, 100 columns, the decision last. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { entryOf, stages } from '#verifier/checks.ts';
import { formatTime } from '#verifier/time.ts';

const columns = 100;
const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip', waived: 'waived' } as const;

export function renderVerdict(verdict: Verdict, policy: Policy): string {
  const lines: string[] = [];
  for (const stage of stages) {
    const checks = verdict.checks.filter((check) => check.stage === stage);
    if (checks.length > 0)
      lines.push(stage, ...checks.flatMap((check) => renderCheck(check, checks)), '');
  }
  lines.push(
    ...wrap(
      `verified for ${formatTime(verdict.at)} under policy "${policy.name}" ${verdict.policy}`,
      '',
      '',
    ),
  );
  if (verdict.expires !== null)
    lines.push(`collateral runs out first at ${formatTime(verdict.expires)}`);
  for (const warning of verdict.warnings) lines.push(...wrap(warning, '! ', '  '));
  lines.push('', ...wrap(decisionLine(verdict, policy), '', ''));
  return `${lines.join('\n')}\n`;
}

/** The decision in words: what was wrong first, and what to do. */
export function decisionLine({ decision, checks }: Verdict, policy: Policy): string {
  const all = (status: CheckResult['status']) => checks.filter((check) => check.status === status);
  const sentence = (check: CheckResult) =>
    `${check.reason ?? entryOf(check.id).title} (${check.id}). ${entryOf(check.id).remedy}`;
  const more = (found: CheckResult[]) =>
    found.length > 1 ? ` [and ${found.length - 1} more]` : '';
  const failed = all('fail');
  const skipped = all('skip');
  switch (decision) {
    case 'accepted':
      return policy.sevSnp?.measurement === 'any'
        ? `ACCEPTED under policy "${policy.name}", which names no software`
        : `ACCEPTED under policy "${policy.name}"`;
    case 'rejected':
      return `REJECTED by policy "${policy.name}": ${sentence(failed[0] as CheckResult)}${more(failed)}`;
    case 'invalid':
      return `INVALID: ${sentence(failed[0] as CheckResult)}${more(failed)}`;
    case 'undecided':
      return `UNDECIDED: ${(skipped[0] as CheckResult).id} ${(skipped[0] as CheckResult).reason}${more(skipped)}`;
  }
}

function renderCheck(check: CheckResult, stage: readonly CheckResult[]): string[] {
  const mark = marks[check.status].padEnd(8);
  if (check.status === 'skip' || check.status === 'waived') {
    // Checks that lack the same thing are one line: what is missing is the news, not how much hangs on it.
    const same = stage.filter(
      ({ status, reason }) => status === check.status && reason === check.reason,
    );
    if (same[0] !== check) return [];
    return wrap(
      `${same.map(({ id }) => id).join(', ')}: ${check.reason}`,
      `  ${mark}`,
      ' '.repeat(10),
    );
  }
  const statement = check.expected === 'any' ? 'any is accepted' : entryOf(check.id).title;
  const lines = wrap(`${check.id.padEnd(26)} ${statement}`, `  ${mark}`, ' '.repeat(37));
  if (check.status === 'pass') {
    if (check.stage !== 'policy' || check.actual === null) return lines;
    const beside = `${lines[0]}: ${check.actual}`;
    if (lines.length === 1 && beside.length <= columns) return [beside];
    return [...lines, ...wrap(check.actual, '    ', '    ')];
  }
  const detail = (label: string, text: string | null) =>
    text === null ? [] : wrap(text, `          ${label.padEnd(9)} `, ' '.repeat(20));
  return [
    ...lines,
    ...detail('why', check.reason),
    ...detail('expected', check.expected),
    ...detail('actual', check.actual),
    ...detail('do', entryOf(check.id).remedy),
    ...detail('spec', check.spec),
  ];
}

/** Breaks at spaces, and inside words that are longer than a line (digests). */
export function wrap(text: string, first: string, rest: string): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const push = () => {
    lines.push(line.trimEnd());
    line = rest;
    empty = true;
  };
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > columns) push();
    let left = word;
    while ((empty ? line.length : line.length + 1) + left.length > columns) {
      const room = columns - line.length;
      line += left.slice(0, room);
      left = left.slice(room);
      push();
    }
    line += empty ? left : ` ${left}`;
    empty = false;
  }
  push();
  return lines;
}
