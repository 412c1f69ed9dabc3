/** `affidavit replay`: whether an event log tells what registers hold, and which event is the first that differs. */
import {
  compareRegisters,
  firstDifference,
  type LogDifference,
  type Quoted,
  type RegisterOutcome,
} from '#verifier/abi/event-log/compare.ts';
import { type Explanation, explain, newBudget } from '#verifier/abi/event-log/explain.ts';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { proofOf } from '#verifier/abi/event-log/preimage.ts';
import { eventsByRegister } from '#verifier/abi/event-log/replay.ts';
import {
  type EventLog,
  type LogEvent,
  maxLogLength,
  registerKind,
} from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { blaming, exitCodes } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';
import type { Said } from './print.ts';
import { type Compared, readQuoted, readRegisters, valuesOfReference } from './replay-inputs.ts';
import { renderReplay, replayJson } from './replay-text.ts';
import { settingsOf } from './verify-command.ts';

export type ReplayOptions = {
  /** A path, or what stands for standard input. */
  log: string;
  quote?: string | undefined;
  registers?: string | undefined;
  reference?: string | undefined;
  at?: string | undefined;
  insecureRoot?: string | undefined;
  format?: 'text' | 'json' | undefined;
};

export type ReplayedRegister = RegisterOutcome & {
  /** Null where the register fits. */
  explanation: Explanation | null;
  /** From the reference, where one is given and the register does not fit. */
  difference: LogDifference | null;
  /** Of those that fit: said to be what was measured, and not. */
  falseData: readonly LogEvent[];
};

export type ReplayReport = {
  file: string;
  log: EventLog;
  kind: Quoted['kind'];
  against: 'quote' | 'registers' | 'reference' | 'nothing';
  registers: readonly ReplayedRegister[];
  /** Those that the log extends and that nothing was compared with. */
  notCompared: readonly number[];
  checks: readonly CheckResult[] | null;
  insecureRoot: boolean;
  result: 'fits' | 'differs' | 'quote-false' | 'quote-undecided' | 'nothing';
};

const exitCodeOf = {
  fits: exitCodes.accepted,
  differs: exitCodes.invalid,
  'quote-false': exitCodes.invalid,
  'quote-undecided': exitCodes.undecided,
  nothing: exitCodes.undecided,
} as const satisfies Record<ReplayReport['result'], number>;

/** @throws CliError wrong usage, or invalid for a log or quote that cannot be read */
export async function runReplay(options: ReplayOptions): Promise<Said> {
  const report = await replayOf(options);
  return {
    stdout: options.format === 'json' ? replayJson(report) : renderReplay(report),
    exitCode: exitCodeOf[report.result],
  };
}

async function replayOf(options: ReplayOptions): Promise<ReplayReport> {
  const { now, roots } = await settingsOf({ at: options.at, insecureRoot: options.insecureRoot });
  const log = await readLog(options.log);
  const reference = options.reference === undefined ? null : await readLog(options.reference);
  const { against, compared } = await comparedWith(options, log, reference, () =>
    readQuoted(options.quote as string, roots, now),
  );
  const kind = compared?.kind ?? registerKind(log);
  const outcomes = compared === null ? [] : compareRegisters(log, kind, compared.values);
  // Of all registers together: more than a check of a server may spend, for here one person waits for one answer.
  const budget = newBudget(120_000);
  const registers = outcomes.map((outcome): ReplayedRegister => {
    const fits = outcome.status === 'fits';
    return {
      ...outcome,
      explanation: fits ? null : explain(log, outcome, budget),
      difference: fits || reference === null ? null : differenceOf(outcome, reference),
      falseData: fits ? falseDataOf(outcome) : [],
    };
  });
  const seen = new Set(outcomes.map(({ register }) => register));
  return {
    file: options.log === standardInput ? 'standard input' : options.log,
    log,
    kind,
    against,
    registers,
    notCompared: [...eventsByRegister(log).keys()].filter((register) => !seen.has(register)),
    checks: compared?.checks ?? null,
    insecureRoot: compared?.insecureRoot ?? false,
    result: resultOf(outcomes, compared?.checks ?? null),
  };
}

async function readLog(path: string): Promise<EventLog> {
  const stdin = path === standardInput;
  const bytes = stdin
    ? await readStdinLimited(maxLogLength, 'event log')
    : await readFileLimited(path, maxLogLength, 'event log', 'invalid');
  return blaming('invalid', stdin ? 'standard input' : path, () => parseEventLog(bytes));
}

async function comparedWith(
  { quote, registers }: ReplayOptions,
  log: EventLog,
  reference: EventLog | null,
  quoted: () => Promise<Compared>,
): Promise<{ against: ReplayReport['against']; compared: Compared | null }> {
  if (quote !== undefined) return { against: 'quote', compared: await quoted() };
  if (registers !== undefined) {
    return { against: 'registers', compared: await readRegisters(registers, log) };
  }
  if (reference === null) return { against: 'nothing', compared: null };
  return { against: 'reference', compared: valuesOfReference(log, reference) };
}

function resultOf(
  outcomes: readonly RegisterOutcome[],
  checks: readonly CheckResult[] | null,
): ReplayReport['result'] {
  if (checks?.some(({ status }) => status === 'fail')) return 'quote-false';
  if (outcomes.length === 0) return 'nothing';
  if (outcomes.some(({ status }) => status !== 'fits')) return 'differs';
  return checks?.some(({ status }) => status !== 'pass') ? 'quote-undecided' : 'fits';
}

function differenceOf(
  { register, algorithm, events }: RegisterOutcome,
  reference: EventLog,
): LogDifference | null {
  if (!reference.algorithms.includes(algorithm)) return null;
  return firstDifference(events, eventsByRegister(reference).get(register) ?? [], algorithm);
}

function falseDataOf({ events, algorithm }: { events: readonly LogEvent[]; algorithm: TpmHash }) {
  return events.filter((event) => proofOf(event, algorithm) === 'false');
}
