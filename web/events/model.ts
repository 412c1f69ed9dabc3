/**
 * An event log against the registers that were quoted: for each register what the log gives, what is held, and the event that a
 * reader should look at. What an event says is read when it is shown, for a log may have 65536 of them.
 */
import { parseBundle } from '#verifier/abi/bundle.ts';
import {
  asLogged,
  compareRegisters,
  type Quoted,
  type RegisterOutcome,
} from '#verifier/abi/event-log/compare.ts';
import { describeExplanation } from '#verifier/abi/event-log/describe.ts';
import { type Explanation, explain, newBudget } from '#verifier/abi/event-log/explain.ts';
import { parseEventLog } from '#verifier/abi/event-log/parse.ts';
import { eventsByRegister, replayRegister } from '#verifier/abi/event-log/replay.ts';
import {
  type EventLog,
  type LogEvent,
  registerKind,
  registerName,
} from '#verifier/abi/event-log/types.ts';
import type { TpmHash } from '#verifier/abi/tpm/hash.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Evidence } from '#verifier/evidence.ts';
import type { Verified } from '#verifier/verified.ts';
import { type RowProof, rowProofOf } from './proofs.ts';

/** `unquoted`: nobody vouches for what this register holds. */
export type RegisterStatus = RegisterOutcome['status'] | 'unquoted';

export type Register = {
  /** As the log numbers it. */
  readonly register: number;
  readonly name: string;
  readonly algorithm: TpmHash;
  readonly status: RegisterStatus;
  /** The log and the register contradict each other: what it says of this register counts for nothing. */
  readonly wrong: boolean;
  readonly replayed: Bytes;
  /** Null where nothing was quoted. */
  readonly held: Bytes | null;
  readonly events: readonly LogEvent[];
  /** Phases of the boot that systemd measured after the log was closed. */
  readonly phases: readonly string[];
  /** Of one that does not fit. */
  readonly explanation: Explanation | null;
  /** The same in a sentence, without its full stop. */
  readonly why: string | null;
  /** The event to look at first, and why: the one that explains it, or the first that is not what was measured. */
  readonly first: { readonly event: LogEvent; readonly mark: Mark } | null;
  /** The first for which nothing but its digest speaks; null where all prove themselves. */
  readonly firstUntold: LogEvent | null;
};

/** What is wrong with an event. */
export type Mark =
  | 'stops'
  | 'left-out'
  | 'twice'
  | 'exchanged'
  | 'another-digest'
  | 'another-register'
  | 'false-data'
  | 'only-digest';

export type LogReading = {
  readonly log: EventLog;
  readonly kind: Quoted['kind'];
  /** Null where no registers were quoted. */
  readonly quoted: Quoted | null;
  /** Banks to look at, the one of which policies speak most first. */
  readonly banks: readonly TpmHash[];
};

/** @returns null when no event log came; the error when it cannot be read */
export function readLogOf(
  evidence: Evidence,
  verified: Verified,
): LogReading | AttestationError | null {
  try {
    const bytes = logBytesOf(evidence);
    if (bytes === null) return null;
    const log = parseEventLog(bytes);
    const quoted = quotedOf(log, verified);
    const kind = quoted?.kind ?? registerKind(log);
    return { log, kind, quoted, banks: banksOf(log, quoted) };
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
}

function logBytesOf(evidence: Evidence): Bytes | null {
  switch (evidence.form) {
    case 'bundle':
      // A bundle that cannot be read says so in its own check.
      return bundleOrNull(evidence.bytes)?.eventLog ?? null;
    case 'quote':
    case 'hcl':
    case 'tpm-quote':
      return evidence.eventLog ?? null;
    default:
      return null;
  }
}

function bundleOrNull(bytes: Bytes) {
  try {
    return parseBundle(bytes);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** As `verify` chooses: a TD with a TPM beside it has registers of both kinds, and the log tells of one. */
function quotedOf(log: EventLog, { claims, tpm }: Verified): Quoted | null {
  const body = claims !== null && 'quote' in claims ? claims.quote.body : null;
  if (body?.kind === 'tdx' && (tpm === null || registerKind(log) === 'rtmr')) {
    return { kind: 'rtmr', registers: body.report.rtmr };
  }
  return tpm === null ? null : { kind: 'pcr', pcrs: tpm.pcrs };
}

const preferred: readonly TpmHash[] = ['sha256', 'sha384', 'sha512', 'sha1'];

/** Those that were quoted first: the others are nobody's word. */
function banksOf({ algorithms }: EventLog, quoted: Quoted | null): TpmHash[] {
  const held = quoted === null ? [] : [...asLogged(quoted).keys()];
  const rank = (one: TpmHash) => (held.includes(one) ? 0 : 4) + preferred.indexOf(one);
  return algorithms.toSorted((one, other) => rank(one) - rank(other));
}

/** Firmware measures into every one of these; those after them belong to the operating system, which keeps other logs. */
const firmwarePcrs = 8;

/** Registers of one bank that the log extends or that were quoted, ascending. */
export function registersOf(
  { log, kind, quoted }: LogReading,
  algorithm: TpmHash,
): readonly Register[] {
  const held = quoted === null ? undefined : asLogged(quoted).get(algorithm);
  const values = new Map(held === undefined ? [] : [[algorithm, held] as const]);
  const budget = newBudget();
  const compared = compareRegisters(log, kind, values).map((outcome): Register => {
    const { register, status, held } = outcome;
    const explanation = status === 'fits' ? null : explain(log, outcome, budget);
    return {
      ...outcome,
      held,
      name: registerName(kind, register),
      wrong:
        status === 'differs' ||
        (status === 'untold' && (kind === 'rtmr' || register < firmwarePcrs)),
      explanation,
      why:
        explanation === null ? null : describeExplanation(explanation, kind, register, algorithm),
      ...lookedAt(outcome, explanation),
    };
  });
  const seen = new Set(compared.map(({ register }) => register));
  const rest = [...eventsByRegister(log)]
    .filter(([register]) => !seen.has(register))
    .map(
      ([register, events]): Register => ({
        register,
        name: registerName(kind, register),
        algorithm,
        status: 'unquoted',
        wrong: false,
        replayed: replayRegister(log, algorithm, register, events),
        held: null,
        events,
        phases: [],
        explanation: null,
        why: null,
        ...lookedAt({ events, algorithm }, null),
      }),
    );
  return [...compared, ...rest].toSorted((one, other) => one.register - other.register);
}

function lookedAt(
  { events, algorithm }: Pick<RegisterOutcome, 'events' | 'algorithm'>,
  explanation: Explanation | null,
): Pick<Register, 'first' | 'firstUntold'> {
  const firstOf = (proof: RowProof) =>
    events.find((event) => rowProofOf(event, algorithm) === proof);
  const lie = firstOf('false');
  const firstUntold = firstOf('untold') ?? null;
  if (explanation === null) {
    const first = lie === undefined ? null : ({ event: lie, mark: 'false-data' } as const);
    return { first, firstUntold };
  }
  return { first: markOf(explanation), firstUntold };
}

/** @returns null where no event explains it */
function markOf(explanation: Explanation): Register['first'] {
  switch (explanation.kind) {
    case 'another-start':
    case 'no-events':
      return null;
    case 'unexplained':
      return explanation.event && { event: explanation.event, mark: 'only-digest' };
    default:
      return { event: explanation.event, mark: explanation.kind };
  }
}

export type LogOutcome = 'fits' | 'differs' | 'nothing';

/** Of all registers that were quoted. */
export function outcomeOf(registers: readonly Register[]): LogOutcome {
  if (registers.some(({ wrong }) => wrong)) return 'differs';
  return registers.some(({ status }) => status === 'fits') ? 'fits' : 'nothing';
}

/** By event; an event that differs in two registers has the mark of the first. */
export function marksOf(registers: readonly Register[]): ReadonlyMap<LogEvent, Mark> {
  const marks = new Map<LogEvent, Mark>();
  for (const { first } of registers) {
    if (first !== null && !marks.has(first.event)) marks.set(first.event, first.mark);
  }
  return marks;
}

/** Checks that must pass before a quoted register is anybody's word but the sender's. Whether the platform is current, the verdict says. */
const ofProcessor =
  /^(?:chain\.(?:root|issuer|vek|names|pck).*|evidence\.(?:signature|qe-report-signature|attestation-key|quote-signature))$/;
const ofTpm = /^(?:chain\.ak-.*|evidence\.(?:ak-key|tpm-signature|pcr-digest))$/;
/** Here the processor signed for the key of the TPM. */
const paravisor = 'evidence.hcl-runtime-data';

export type Vouched = 'vouched' | 'refused' | 'open';

/** Whether the quote that holds the registers is shown to be genuine. */
export function vouchedOf(checks: Verified['checks'], kind: Quoted['kind']): Vouched {
  const throughProcessor = kind === 'rtmr' || checks.some(({ id }) => id === paravisor);
  const due = checks.filter(
    ({ id }) =>
      (throughProcessor && ofProcessor.test(id)) ||
      (kind === 'pcr' && (ofTpm.test(id) || id === paravisor)),
  );
  if (due.some(({ status }) => status === 'fail')) return 'refused';
  return due.length > 0 && due.every(({ status }) => status === 'pass') ? 'vouched' : 'open';
}
