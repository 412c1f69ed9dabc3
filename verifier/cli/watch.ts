/** `affidavit verify URL --watch 60s`: asks again and again, each time with a new nonce, and says what changed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { appraise } from '#verifier/appraise/appraise.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { type Evidence, evidenceBytes } from '#verifier/evidence.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { harmless, wrap } from '#verifier/words/lines.ts';
import { CliError, exitCodes, usageError } from './cli-error.ts';
import { attestationUrl } from './fetch-bundle.ts';
import { gathererOf, verifyGathering } from './gather.ts';
import { openRecord } from './log-command.ts';
import { nodeCrypto } from './node-crypto.ts';
import { fetchEvidence, settingsOf, type VerifyOptions } from './verify-command.ts';

export type WatchOptions = VerifyOptions & {
  watch: string;
  log?: string | undefined;
};

export type WatchOutput = {
  print(text: string): void;
  /** Shows the first verdict, whole. */
  first(ended: { verdict: Verdict; policy: Policy; evidence: Evidence }): Promise<unknown>;
};

const longest = 24 * 3600;
const secondsOf = { s: 1, m: 60, h: 3600 } as const;

/** `60s`, `5m`, `1h`; 1 second to 24 hours. @param option its name @returns seconds @throws CliError wrong usage */
export function parseInterval(text: string, option = 'watch'): number {
  const [, count, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? [];
  const seconds = Number(count) * secondsOf[unit as keyof typeof secondsOf];
  if (!(seconds >= 1 && seconds <= longest)) {
    throw usageError(
      `--${option} ${text} is no interval from 1s to 24h`,
      'Write for example 60s, 5m or 1h.',
    );
  }
  return seconds;
}

/**
 * Until it is interrupted, or `signal` says so.
 * @returns the exit code of the last verdict; without one, undecided @throws CliError wrong usage
 */
export async function runWatch(
  options: WatchOptions,
  format: string | undefined,
  output: WatchOutput,
  signal: AbortSignal = interruption(),
): Promise<number> {
  const target = targetOf(options, format);
  const seconds = parseInterval(options.watch);
  const settings = await settingsOf(options);
  const { policy, references } = settings;
  const gather = gathererOf(options, settings.roots);
  const record = await openRecord(options.log);
  const report = new Report(output, options.watch);
  let last: Verdict | null = null;
  try {
    while (!signal.aborted) {
      const next = Date.now() + 1000 * seconds;
      const evidence = await fetched(target, signal);
      const now = unixNow();
      if (signal.aborted) break;
      if (evidence instanceof CliError) report.missing(evidence, now);
      else {
        const found = { evidence, collateral: [] };
        const { verified } = await verifyGathering(found, { ...settings, now }, gather, nodeCrypto);
        const verdict = appraise(verified, policy, references);
        await record.decision(evidenceBytes(evidence), verdict, policy.name);
        report.answered(now);
        if (last === null) await output.first({ verdict, policy, evidence });
        else report.changes(last, verdict);
        last = verdict;
      }
      await sleep(Math.max(0, next - Date.now()), undefined, { signal }).catch(() => {});
    }
  } finally {
    await record.close();
  }
  return last === null ? exitCodes.undecided : exitCodes[last.decision];
}

/** The first stops the watch; the second, which nobody waits for any more, the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}

function unixNow(): UnixTime {
  return Math.floor(Date.now() / 1000);
}

const contradictions = [
  ['nonce', 'each round draws a nonce of its own'],
  ['at', 'each round is verified for its own time'],
  ['offline', 'an agent is asked over the network'],
  ['report', 'only an agent can be asked again'],
  ['quote', 'only an agent can be asked again'],
  ['save', 'each round has a bundle of its own'],
  ['explain', 'it shows what changes'],
  ['quiet', 'it shows what changes'],
  ['earKey', 'it shows what changes'],
] as const;

function targetOf(options: WatchOptions, format: string | undefined): string {
  const given = options as { [name: string]: unknown };
  for (const [name, why] of contradictions) {
    if (given[name] !== undefined && given[name] !== false) {
      const option = name === 'earKey' ? 'ear-key' : name;
      throw usageError(`--watch and --${option} contradict each other: ${why}`);
    }
  }
  if (format !== undefined && format !== 'text') {
    throw usageError(`--watch has no format ${format}`, 'Its output is text.');
  }
  const { target } = options;
  if (target === undefined || !/^https?:\/\//i.test(target)) {
    throw usageError(
      '--watch needs the URL of an agent',
      'Write http://host:port or https://host.',
    );
  }
  // Refused now if it is none, and not round after round.
  attestationUrl(target);
  return target;
}

/** An agent that does not answer, or not with evidence, is asked again in the next round. */
async function fetched(target: string, signal: AbortSignal): Promise<Evidence | CliError> {
  try {
    return await fetchEvidence(target, null, false, signal);
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== exitCodes.usage) return error;
    throw error;
  }
}

/** Says each thing when it changes, and not again. */
class Report {
  readonly #output: WatchOutput;
  readonly #interval: string;
  #trouble: { message: string; rounds: number } | null = null;

  constructor(output: WatchOutput, interval: string) {
    this.#output = output;
    this.#interval = interval;
  }

  #say(at: UnixTime, text: string, details: readonly string[] = []): void {
    const lines = [...wrap(harmless(text), `${formatTime(at)}  `, '  '), ...details];
    this.#output.print(`${lines.join('\n')}\n`);
  }

  missing({ message }: CliError, at: UnixTime): void {
    if (this.#trouble?.message !== message) {
      this.#say(at, `${message}. It is asked again every ${this.#interval}.`);
    }
    this.#trouble = { message, rounds: (this.#trouble?.rounds ?? 0) + 1 };
  }

  answered(at: UnixTime): void {
    if (this.#trouble === null) return;
    const { rounds } = this.#trouble;
    this.#trouble = null;
    this.#say(
      at,
      `the agent answers, after ${rounds} ${rounds === 1 ? 'round' : 'rounds'} without`,
    );
  }

  changes(before: Verdict, after: Verdict): void {
    const details = changesBetween(before, after);
    if (details.length === 0 && before.decision === after.decision) return;
    const decision =
      before.decision === after.decision
        ? `still ${after.decision}`
        : `${after.decision.toUpperCase()}, was ${before.decision}`;
    this.#say(after.at, decision, details);
  }
}

/** What they compare is new in every round: only whether they pass is news. */
const ofTheRound: readonly CheckId[] = ['binding.nonce', 'binding.freshness', 'policy.report-data'];

const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip', waived: 'waived' } as const;

/** Checks whose status or actual value differ, and what runs out first; as lines of text. */
export function changesBetween(before: Verdict, after: Verdict): string[] {
  const earlier = new Map(before.checks.map((check) => [check.id, check]));
  const lines = after.checks.flatMap((check) => {
    const old = earlier.get(check.id);
    earlier.delete(check.id);
    return old !== undefined && sameResult(old, before.at, check, after.at)
      ? []
      : renderChange(old, check);
  });
  const gone = [...earlier.keys()].map((id) => `  gone    ${id}: not asked of this evidence`);
  return [...lines, ...gone, ...forecastChange(before, after)];
}

function sameResult(a: CheckResult, atA: UnixTime, b: CheckResult, atB: UnixTime): boolean {
  if (a.status !== b.status) return false;
  return ofTheRound.includes(a.id) || timeless(a.actual, atA) === timeless(b.actual, atB);
}

/** That it is later now is no news. */
function timeless(text: string | null, at: UnixTime): string | null {
  return text?.replaceAll(formatTime(at), 'now') ?? null;
}

function renderChange(before: CheckResult | undefined, after: CheckResult): string[] {
  const was =
    before === undefined
      ? 'not asked before'
      : before.status === after.status
        ? 'another value'
        : `was ${marks[before.status]}`;
  const detail = (label: string, text: string | null | undefined) =>
    text == null ? [] : wrap(harmless(text), `          ${label.padEnd(9)} `, ' '.repeat(20));
  return [
    ...wrap(`${after.id.padEnd(26)} ${was}`, `  ${marks[after.status].padEnd(8)}`, ' '.repeat(10)),
    ...(after.status === 'pass' ? [] : detail('why', after.reason)),
    ...(after.status === 'fail' ? detail('expected', after.expected) : []),
    ...detail('now', after.actual),
    ...(before?.actual === after.actual ? [] : detail('before', before?.actual)),
  ];
}

/** Seconds before the end at which it is said again: a week, a day, an hour. */
const reminders = [7 * 86_400, 86_400, 3600] as const;

function forecastChange(before: Verdict, after: Verdict): string[] {
  const [first] = after.forecast;
  if (first === undefined)
    return before.forecast.length === 0 ? [] : ['  forecast nothing runs out'];
  const [old] = before.forecast;
  const passed = (verdict: Verdict) =>
    reminders.filter((seconds) => first.at - verdict.at <= seconds).length;
  const same = old?.what === first.what && old.at === first.at;
  if (same && (passed(before) === passed(after) || first.at <= before.at)) return [];
  return wrap(
    `${first.what} runs out first, at ${formatTime(first.at)} (in ${span(first.at - after.at)})`,
    '  forecast ',
    ' '.repeat(11),
  );
}

function span(seconds: number): string {
  if (seconds <= 0) return 'the past';
  const [size, unit] =
    seconds >= 172_800 ? [86_400, 'days'] : seconds >= 7200 ? [3600, 'hours'] : [60, 'minutes'];
  return `${Math.floor(seconds / (size as number))} ${unit}`;
}
