/** A verdict for a terminal: one line a check by stage, then what did not pass in full, the decision last. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult, CheckStatus } from '#verifier/checklist.ts';
import { type AnyCheckId, entryOf, stages } from '#verifier/checks.ts';
import { formatTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { byReason, countsOf } from './counts.ts';
import { decisionLine } from './decision-line.ts';
import { forecastSentence } from './forecast.ts';
import { treeLines } from './history-lines.ts';
import { cut, defaultColumns, harmless, shortHex, wrap } from './lines.ts';
import { type Paint, plain, type Style } from './paint.ts';

export { wrap } from './lines.ts';

/** Of evidence, or of linked proofs. */
type AnyVerdict = Verdict<AnyCheckId>;
type AnyResult = CheckResult<AnyCheckId>;
type Named = Pick<Policy, 'name'>;

export type Page = {
  columns?: number;
  paint?: Paint;
  /** Of the bundle that was verified: its trees and events are shown. */
  bundle?: Verified['bundle'];
};

const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip', waived: 'waived' } as const;
const markStyle = { pass: 'good', fail: 'bad', skip: 'open', waived: 'open' } as const;
const markWidth = 8;
const indent = '  ';

/** @param page default: 100 columns without colour */
export function renderVerdict(verdict: AnyVerdict, policy: Named, page: Page = {}): string {
  const at: Required<Page> = { columns: defaultColumns, paint: plain, bundle: null, ...page };
  const blocks = [
    ...stages.map((stage) => stageBlock(stage, verdict.checks, at)),
    ...problemBlocks(verdict.checks, at),
    [...treeLines(at.bundle, at.columns), ...factsBlock(verdict, policy, at)],
    warningsBlock(verdict, at),
    [decisionText(verdict, policy, at)],
  ];
  const filled = blocks.filter((block) => block.length > 0);
  return `${filled.map((block) => block.join('\n')).join('\n\n')}\n`;
}

/** The last line, without its line feed. */
export function decisionText(verdict: AnyVerdict, policy: Named, page: Page = {}): string {
  const { columns = defaultColumns, paint = plain } = page;
  return paint(decisionStyle[verdict.decision], decisionLine(verdict, policy, columns));
}

const decisionStyle = {
  accepted: 'good',
  rejected: 'bad',
  invalid: 'bad',
  undecided: 'open',
} as const satisfies Record<Verdict['decision'], Style>;

function stageBlock(stage: string, all: readonly AnyResult[], page: Required<Page>): string[] {
  const checks = all.filter((check) => check.stage === stage);
  if (checks.length === 0) return [];
  const width = Math.max(...checks.map(({ id }) => id.length));
  return [page.paint('strong', stage), ...checks.map((check) => checkLine(check, width, page))];
}

function checkLine(check: AnyResult, width: number, { columns, paint }: Required<Page>): string {
  const mark = marks[check.status].padEnd(markWidth);
  const start = `${check.id.padEnd(width)}  `;
  const room = columns - indent.length - mark.length - start.length;
  const words = cut(harmless(wordsOf(check, room)), room);
  const style = markStyle[check.status];
  return `${indent}${paint(style, mark)}${start}${words}`.trimEnd();
}

/** What was found, where a policy looked at a value; else the statement that holds, or why it does not. */
function wordsOf(check: AnyResult, room: number): string {
  const { title } = entryOf(check.id);
  if (check.status !== 'pass') return shortHex(check.reason ?? title);
  if (check.stage !== 'policy') return title;
  if (check.actual === null) return check.expected === 'any' ? 'any is accepted' : title;
  const actual = shortHex(check.actual);
  if (check.expected === 'any') return `${actual} (any)`;
  const both = `${title}: ${actual}`;
  return [...both].length <= room ? both : actual;
}

const problemTitles = [
  ['fail', 'failed'],
  ['skip', 'could not be made'],
  ['waived', 'waived'],
] as const satisfies [CheckStatus, string][];

function problemBlocks(checks: readonly AnyResult[], page: Required<Page>): string[][] {
  return problemTitles.map(([status, title]) => {
    const found = checks.filter((check) => check.status === status);
    if (found.length === 0) return [];
    const lines =
      status === 'fail'
        ? found.flatMap((check) => failureLines(check, page))
        : byReason(found).flatMap((same) => sameReasonLines(same, page));
    return [page.paint('strong', title), ...lines];
  });
}

function failureLines(check: AnyResult, { columns, paint }: Required<Page>): string[] {
  const detail = (label: string, text: string | null) => {
    if (text === null) return [];
    const [first = '', ...rest] = wrap(harmless(text), ' '.repeat(14), ' '.repeat(14), columns);
    return [`    ${paint('quiet', label.padEnd(10))}${first.slice(14)}`, ...rest];
  };
  return [
    `${indent}${paint('bad', check.id)}`,
    ...detail('why', check.reason),
    ...detail('expected', check.expected),
    ...detail('actual', check.actual),
    ...detail('do', entryOf(check.id).remedy),
    ...detail('spec', check.spec),
  ];
}

function sameReasonLines(same: readonly AnyResult[], { columns }: Required<Page>): string[] {
  const [{ reason } = { reason: null }] = same;
  return [
    ...wrap(same.map(({ id }) => id).join(', '), indent, indent, columns),
    ...wrap(harmless(reason ?? ''), '    ', '    ', columns),
  ];
}

function factsBlock(
  verdict: AnyVerdict,
  policy: Named,
  { columns, paint }: Required<Page>,
): string[] {
  const fact = (label: string, text: string | null) => {
    if (text === null) return [];
    const [first = '', ...rest] = wrap(harmless(text), ' '.repeat(10), ' '.repeat(10), columns);
    return [`${paint('quiet', label.padEnd(10))}${first.slice(10)}`, ...rest];
  };
  return [
    ...fact('checks', countsOf(verdict.checks)),
    ...fact('time', formatTime(verdict.at)),
    ...fact('policy', `"${policy.name}" ${verdict.policy}`),
    ...fact('forecast', forecastSentence(verdict)),
  ];
}

function warningsBlock({ warnings }: AnyVerdict, { columns, paint }: Required<Page>): string[] {
  return warnings.flatMap((warning) => {
    const [first = '', ...rest] = wrap(harmless(warning), '! ', '  ', columns);
    return [`${paint('open', '!')}${first.slice(1)}`, ...rest];
  });
}
