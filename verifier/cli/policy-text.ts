/** What `affidavit policy` prints for people. */
import type { CheckChange, MemberChange } from '#verifier/policy-tools/compare.ts';
import type { Finding } from '#verifier/policy-tools/lint.ts';
import type { Pinned, Remark } from '#verifier/policy-tools/pin.ts';
import { wrap } from '#verifier/words/verdict.ts';
import type { JudgedFolder, TestResult } from './policy-command.ts';

type LintedFile = { file: string; name: string; digest: string; findings: readonly Finding[] };

export function lintText(files: readonly LintedFile[]): string {
  return lines(
    files.flatMap(({ file, name, digest, findings }) => [
      ...wrap(`${file}: policy "${name}" ${digest}`, '', '  '),
      ...(findings.length === 0 ? ['  nothing found'] : findings.flatMap(findingLines)),
    ]),
  );
}

function findingLines({ id, severity, path, text, remedy }: Finding): string[] {
  const indent = ' '.repeat(10);
  return [
    ...wrap(`${id} at ${path}`, `  ${severity.padEnd(8)}`, indent),
    ...wrap(`${text}. ${remedy}`, indent, indent),
  ];
}

/** How many checks are named on one line. */
const shownChecks = 3;

export function testText(results: readonly TestResult[]): string {
  return lines(
    results.map(({ evidence, decision, checks, problem, expected }) => {
      const more = checks.length - shownChecks;
      const shown = [...checks.slice(0, shownChecks), ...(more > 0 ? [`and ${more} more`] : [])];
      const why = problem ?? shown.join(', ');
      const wanted = expected === undefined || expected === decision ? '' : `, not ${expected}`;
      return `${`${decision}${wanted}`.padEnd(10)} ${evidence}${why === '' ? '' : `: ${why}`}`;
    }),
  );
}

type DiffReport = {
  from: { name: string; digest: string };
  to: { name: string; digest: string };
  members: readonly MemberChange[];
  evidence: JudgedFolder | null;
};

export function diffText({ from, to, members, evidence }: DiffReport): string {
  return lines([
    ...wrap(`from "${from.name}" ${from.digest}`, '', '  '),
    ...wrap(`to   "${to.name}" ${to.digest}`, '', '  '),
    ...(members.length === 0 ? ['the same in every member'] : members.flatMap(memberLines)),
    '',
    ...evidenceLines(evidence),
  ]);
}

function memberLines(change: MemberChange): string[] {
  const value = (sign: string, found: unknown) =>
    found === undefined ? [] : wrap(JSON.stringify(found), `    ${sign} `, '      ');
  return [`  ${change.path}`, ...value('-', change.from), ...value('+', change.to)];
}

function evidenceLines(evidence: JudgedFolder | null): string[] {
  if (evidence === null) return ['No evidence was given, so no decision was compared.'];
  const { judged, changes, ignored } = evidence;
  const count = `${changes.length} of ${judged} decisions change`;
  return [
    ...changes.flatMap(({ evidence: file, from, to, checks }) => [
      ...wrap(`${file}: ${from} -> ${to}`, '', '  '),
      ...checks.flatMap(checkLines),
    ]),
    ...wrap(
      `${count}${ignored.length > 0 ? `; no evidence: ${ignored.join(', ')}` : ''}`,
      '',
      '  ',
    ),
  ];
}

function checkLines({ id, from, to, reason }: CheckChange): string[] {
  return wrap(
    `${id} ${from} -> ${to}${reason === null ? '' : `: ${reason}`}`,
    '    ',
    ' '.repeat(6),
  );
}

/** What a person must look at before the policy is used. */
export function pinnedText(
  { policy, believed, open }: Pinned,
  findings: readonly Finding[],
): string {
  const remark = ({ path, value, about }: Remark) => [
    ...wrap(`${path}: ${about}`, '  ', '    '),
    ...wrap(value, '    ', '    '),
  ];
  const openLine = ({ path, about }: Remark) => wrap(`${path}: ${about}`, '  ', '    ');
  return lines([
    ...wrap(`policy "${policy.name}"`, '', '  '),
    'Simply believed, since the evidence says so; nobody compared these with what they should be:',
    ...believed.flatMap(remark),
    'Left open, as "any":',
    ...open.flatMap(openLine),
    ...(findings.length === 0 ? [] : ['Lint:', ...findings.flatMap(findingLines)]),
  ]);
}

function lines(found: readonly string[]): string {
  return `${found.join('\n')}\n`;
}
