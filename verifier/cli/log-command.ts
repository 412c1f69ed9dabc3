/** `affidavit log` and the option `--log`: decisions written, checked and read again. */
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { Bytes } from '#verifier/bytes.ts';
import {
  type DecisionLog,
  openDecisionLog,
  startDecisionLog,
} from '#verifier/decision-log/file.ts';
import { type LogLine, noDigest, toDecisionEntry } from '#verifier/decision-log/line.ts';
import { DecisionLogError, type LogErrorCode } from '#verifier/decision-log/log-error.ts';
import { type LogReport, readDecisionLog } from '#verifier/decision-log/read.ts';
import { type Evidence, evidenceBytes } from '#verifier/evidence.ts';
import { formatTime } from '#verifier/time.ts';
import { CliError, exitCodes } from './cli-error.ts';
import { hexOption } from './verify-command.ts';

const endings = {
  'log-unwritable': 'usage',
  'log-unreadable': 'usage',
  'log-damaged': 'usage',
  'log-locked': 'undecided',
} as const satisfies Record<LogErrorCode, keyof typeof exitCodes>;

async function ending<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DecisionLogError)) throw error;
    throw new CliError(endings[error.code], error.code, error.message, error.remedy);
  }
}

/** Where a command writes its decisions; without `--log`, nowhere. */
export type DecisionRecord = {
  /** Done when the decision is on disk: nobody is told of one that is not. @param evidence the bytes that were verified */
  decision(evidence: Bytes, verdict: Verdict, policyName: string): Promise<void>;
  close(): Promise<void>;
};

/** Opened before anything is verified, so that a wrong path is said at once. @throws CliError */
export async function openRecord(path: string | undefined): Promise<DecisionRecord> {
  const log: DecisionLog | null = path === undefined ? null : await ending(openDecisionLog(path));
  return {
    async decision(evidence, verdict, policyName) {
      if (log !== null) await ending(log.append(toDecisionEntry(evidence, verdict, policyName)));
    },
    async close() {
      await log?.close();
    },
  };
}

/** Runs one verification and records its decision. @throws CliError */
export async function recording<
  Ended extends { verdict: Verdict; policy: Policy; evidence: Evidence },
>(path: string, run: () => Promise<Ended>): Promise<Ended> {
  const record = await openRecord(path);
  try {
    const ended = await run();
    await record.decision(evidenceBytes(ended.evidence), ended.verdict, ended.policy.name);
    return ended;
  } finally {
    await record.close();
  }
}

export type LogVerifyOptions = {
  file: string;
  after?: string | undefined;
  expectLast?: string | undefined;
};

/** @throws CliError wrong usage */
export async function runLogVerify(
  options: LogVerifyOptions,
): Promise<{ text: string; exitCode: number }> {
  const after = hexOption('after', options.after, 32);
  const expectLast = hexOption('expect-last', options.expectLast, 32);
  const report = await ending(
    readDecisionLog(options.file, {
      ...(after !== undefined && { after }),
      ...(expectLast !== undefined && { expectLast }),
    }),
  );
  const text = renderReport(options.file, report, expectLast !== undefined);
  return { text, exitCode: report.broken === null ? exitCodes.accepted : exitCodes.invalid };
}

function renderReport(
  file: string,
  { broken, tail, decisions, recovered }: LogReport,
  endIsKnown: boolean,
): string {
  const lines = recovered.map(
    ({ line, bytes }) =>
      `line ${line}: a crash cut a line short; ${bytes} bytes of it are in ${file}.torn`,
  );
  const last = tail.digest === noDigest ? 'none' : tail.digest;
  if (broken !== null) {
    lines.push(`good up to line ${tail.seq}, digest ${last}`);
    lines.push('', `BROKEN: line ${broken.line} of ${file} ${broken.problem}`);
    return `${lines.join('\n')}\n`;
  }
  if (!endIsKnown) {
    lines.push(
      'lines cut off the end, and a chain written anew from some line on, are seen only against a',
      'last digest that was kept elsewhere (--expect-last)',
    );
  }
  lines.push(`last digest ${last}`, '');
  lines.push(`GOOD: ${count(tail.seq, 'line')} as written, ${count(decisions, 'decision')}`);
  return `${lines.join('\n')}\n`;
}

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

/**
 * One line a decision, up to the first that is not as it was written.
 * @throws CliError invalid, for such a line
 */
export async function runLogShow(
  options: { file: string },
  print: (text: string) => void,
): Promise<void> {
  const onLine = (line: LogLine) => print(`${renderLine(line)}\n`);
  const { broken } = await ending(readDecisionLog(options.file, { after: 'any', onLine }));
  if (broken === null) return;
  throw new CliError(
    'invalid',
    'log-damaged',
    `line ${broken.line} of ${options.file} ${broken.problem}`,
    'What follows it was not shown; affidavit log verify says more.',
  );
}

function renderLine(line: LogLine): string {
  const time = formatTime(line.time);
  if (line.kind === 'started') return `${time}  started    after ${line.previous}`;
  if (line.kind === 'recovered')
    return `${time}  recovered  ${count(line.bytes, 'byte')} of a line that a crash cut short`;
  const list = (label: string, ids: readonly string[]) =>
    ids.length === 0 ? [] : [`${label} ${ids.join(', ')}`];
  return [
    `${time}  ${line.decision.padEnd(9)}  "${line.policyName}"`,
    `evidence ${line.evidence.slice(0, 16)}`,
    ...(line.at === line.time ? [] : [`for ${formatTime(line.at)}`]),
    ...(line.mode === 'observe' ? ['only observed'] : []),
    ...list('failed', line.failed),
    ...list('skipped', line.skipped),
    ...list('waived', line.waived),
  ].join('  ');
}

/** @throws CliError wrong usage, for a file that exists too */
export async function runLogStart(options: { file: string; after: string }): Promise<void> {
  const after = hexOption('after', options.after, 32) as string;
  await ending(startDecisionLog(options.file, after));
}
