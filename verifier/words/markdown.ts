/** A verdict as Markdown, to be pasted into a ticket: the decision, what did not pass, and every check folded away. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult, CheckStatus } from '#verifier/checklist.ts';
import { type AnyCheckId, entryOf } from '#verifier/checks.ts';
import { formatTime } from '#verifier/time.ts';
import { byReason, countsOf } from './counts.ts';
import { decisionLine } from './decision-line.ts';
import { forecastSentence } from './forecast.ts';
import { harmless } from './lines.ts';

type AnyVerdict = Verdict<AnyCheckId>;
type AnyResult = CheckResult<AnyCheckId>;
type Named = Pick<Policy, 'name'>;

/** The decision's sentence is not cut for a page without columns. */
const endless = 10_000;

export function renderMarkdown(verdict: AnyVerdict, policy: Named): string {
  const { checks, warnings } = verdict;
  const blocks = [
    ['## Attestation verdict'],
    [`**${inert(decisionLine(verdict, policy, endless))}**`],
    table(['', ''], facts(verdict, policy)),
    warnings.map((warning) => `- ${inert(warning)}`),
    ...section('Failed', failures(checks)),
    ...section('Could not be made', reasons(checks, 'skip')),
    ...section('Waived', reasons(checks, 'waived')),
    [`<details><summary>All ${checks.length} checks</summary>`],
    table(['check', 'result', 'expected', 'actual', 'reason'], checks.map(row)),
    ['</details>'],
  ];
  const filled = blocks.filter((block) => block.length > 0);
  return `${filled.map((block) => block.join('\n')).join('\n\n')}\n`;
}

function facts(verdict: AnyVerdict, policy: Named): string[][] {
  const forecast = forecastSentence(verdict);
  return [
    ['Checks', countsOf(verdict.checks)],
    ['Verified for', formatTime(verdict.at)],
    ['Policy', `${inert(`"${policy.name}"`)} \`${verdict.policy}\``],
    ...(forecast === null ? [] : [['Forecast', inert(forecast)]]),
  ];
}

function failures(checks: readonly AnyResult[]): string[] {
  const failed = checks.filter(({ status }) => status === 'fail');
  const rows = failed.map(({ id, reason, expected, actual }) => [
    `\`${id}\``,
    ...[reason, expected, actual, entryOf(id).remedy].map((text) => inert(text ?? '')),
  ]);
  return table(['check', 'why', 'expected', 'actual', 'what to do'], rows);
}

function reasons(checks: readonly AnyResult[], status: CheckStatus): string[] {
  const found = checks.filter((check) => check.status === status);
  return table(
    ['checks', 'why'],
    byReason(found).map((same) => [
      same.map(({ id }) => `\`${id}\``).join(', '),
      inert(same[0]?.reason ?? ''),
    ]),
  );
}

function row({ id, status, expected, actual, reason }: AnyResult): string[] {
  const shown = status === 'fail' ? '**FAIL**' : status;
  return [`\`${id}\``, shown, ...[expected, actual, reason].map((text) => inert(text ?? ''))];
}

function section(title: string, body: string[]): string[][] {
  return body.length === 0 ? [] : [[`### ${title}`], body];
}

/** No line without a row. */
function table(head: readonly string[], rows: readonly string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Text that comes out as it is: no markup, no cell of its own, no mention, no link. */
function inert(text: string): string {
  return harmless(text)
    .replace(/[\\`*_{}[\]|~#]/g, '\\$&')
    .replace(/[<>&@]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/:\/\//g, '&#58;//')
    .replace(/www\./gi, (found) => found.replace('.', '&#46;'));
}
