/** An event log against quoted registers: what it says counts for those registers that it replays to, and for nothing else. */
import { compareLog, type Quoted, type RegisterOutcome } from './abi/event-log/compare.ts';
import { describeExplanation, provedLine } from './abi/event-log/describe.ts';
import { explain, newBudget } from './abi/event-log/explain.ts';
import { parseEventLog } from './abi/event-log/parse.ts';
import { phaseDigest } from './abi/event-log/phases.ts';
import { digestOf } from './abi/event-log/replay.ts';
import { secureBootOf, secureBootRegister } from './abi/event-log/secure-boot.ts';
import { type EventLog, eventTypeName, registerName } from './abi/event-log/types.ts';
import type { TpmHash } from './abi/tpm/hash.ts';
import { type Bytes, toHex } from './bytes.ts';
import type { Checklist } from './checklist.ts';
import type { EventClaimOfLog, EventLogClaims } from './verified.ts';

export type { Quoted } from './abi/event-log/compare.ts';

/** Which bank's digests are claimed when several fit: policies speak of SHA-256 most. */
const preferred: readonly TpmHash[] = ['sha256', 'sha384', 'sha512', 'sha1'];

/** Firmware measures into every one of these; those after them belong to the operating system, which keeps other logs. */
const firmwarePcrs = 8;

/**
 * Makes `parse.event-log` and `evidence.event-log`.
 * @param bytes null when there is no log
 * @param quoted registers that a signature vouches for; null when there are none
 * @returns null unless the log replays to what was quoted
 */
export function verifyEventLog(
  list: Checklist,
  bytes: Bytes | null,
  quoted: Quoted | null,
): EventLogClaims | null {
  const id = 'evidence.event-log';
  if (bytes === null) {
    list.skip('parse.event-log', 'an event log');
    list.skip(id, 'an event log');
    return null;
  }
  const log = list.attempt(
    'parse.event-log',
    () => parseEventLog(bytes),
    ({ format, algorithms, events }) => ({
      actual: `${events.length} events, ${format}, ${algorithms.join(', ')}`,
    }),
    'a log of the TCG’s formats, or dstack’s',
  );
  if (log === null || quoted === null) {
    list.skip(id, log === null ? 'a readable event log' : 'quoted registers');
    return null;
  }
  const outcomes = compareLog(log, quoted);
  if (outcomes.length === 0) {
    list.skip(id, `an event log with digests of ${banksOf(quoted)}`);
    return null;
  }
  if (outcomes.every(({ status }) => status === 'untold') && quoted.kind === 'pcr') {
    list.skip(id, 'quoted PCRs that the log has events of');
    return null;
  }
  const wrong = outcomes.filter((outcome) => isWrong(outcome, quoted.kind));
  if (wrong.length > 0) {
    failReplay(list, log, wrong, quoted.kind);
    return null;
  }
  list.pass(id, describeFit(outcomes, quoted.kind));
  return toClaims(outcomes, quoted.kind);
}

function banksOf(quoted: Quoted): string {
  if (quoted.kind === 'rtmr') return 'sha384';
  return quoted.pcrs.size === 0 ? 'the quoted PCRs' : [...quoted.pcrs.keys()].join(' or ');
}

/** Whether the log and the register contradict each other. */
function isWrong({ status, register }: RegisterOutcome, kind: Quoted['kind']): boolean {
  if (status === 'untold') return kind === 'rtmr' || register < firmwarePcrs;
  return status === 'differs';
}

function failReplay(
  list: Checklist,
  log: EventLog,
  wrong: readonly RegisterOutcome[],
  kind: Quoted['kind'],
): void {
  const name = (outcome: RegisterOutcome) =>
    `${kind === 'pcr' ? `${outcome.algorithm} ` : ''}${registerName(kind, outcome.register)}`;
  const listed = (value: (outcome: RegisterOutcome) => Bytes) =>
    wrong.map((outcome) => `${name(outcome)} ${toHex(value(outcome))}`).join(', ');
  const [first] = wrong as [RegisterOutcome];
  const explanation = explain(log, first, newBudget());
  list.fail('evidence.event-log', {
    expected: listed(({ held }) => held),
    actual: listed(({ replayed }) => replayed),
    reason: describeExplanation(explanation, kind, first.register, first.algorithm),
  });
}

function describeFit(outcomes: readonly RegisterOutcome[], kind: Quoted['kind']) {
  const named = (status: RegisterOutcome['status']) =>
    outcomes
      .filter((outcome) => outcome.status === status)
      .map(({ register, algorithm }) =>
        kind === 'pcr' ? `${algorithm} ${register}` : registerName(kind, register),
      )
      .join(', ');
  const untold = named('untold');
  return {
    actual: `replayed: ${named('fits')}${untold === '' ? '' : `; not in the log: ${untold}`}`,
  };
}

function toClaims(outcomes: readonly RegisterOutcome[], kind: Quoted['kind']): EventLogClaims {
  const algorithm = preferred.find((one) =>
    outcomes.some((each) => each.algorithm === one),
  ) as TpmHash;
  const told = outcomes.filter(
    (outcome) => outcome.algorithm === algorithm && outcome.status === 'fits',
  );
  const events = told
    .flatMap((outcome) => outcome.events)
    .toSorted((one, other) => one.number - other.number)
    .map((event) =>
      Object.freeze({
        register: claimed(event.register, kind),
        type: eventTypeName(event.type),
        digest: toHex(digestOf(event, algorithm)),
        what: provedLine(event, algorithm),
      }),
    );
  const boot = told.find(({ register }) => register === secureBootRegister[kind]);
  return {
    kind,
    algorithm,
    events: Object.freeze([...events, ...told.flatMap((outcome) => phaseClaims(outcome, kind))]),
    secureBoot: boot === undefined ? null : secureBootOf(boot.events, algorithm),
  };
}

function phaseClaims(
  { register, phases, algorithm }: RegisterOutcome,
  kind: Quoted['kind'],
): EventClaimOfLog[] {
  return phases.map((phase) =>
    Object.freeze({
      register: claimed(register, kind),
      type: 'systemd-pcrphase',
      digest: toHex(phaseDigest(algorithm, phase)),
      what: `phase of the boot: ${phase}`,
    }),
  );
}

/** RTMRs are counted from 0 in claims and policies, from 1 in a log. */
function claimed(register: number, kind: Quoted['kind']): number {
  return kind === 'rtmr' ? register - 1 : register;
}
