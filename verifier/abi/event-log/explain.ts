/**
 * What explains a register that the log does not replay to: the first event of the log that differs from what was extended.
 * A hash cannot be undone, so each explanation is tried; one that gives the very value of the register is certain.
 */
import { type Bytes, equalBytes } from '../../bytes.ts';
import type { RegisterOutcome } from './compare.ts';
import { measuredHashes, proofOf } from './preimage.ts';
import { digestOf, digestsOf, extend, replayFrom, startAt, startOf } from './replay.ts';
import { type EventLog, isExtended, type LogEvent } from './types.ts';

export type Explanation =
  /** It holds what it held before this event: this one and all after it were not extended. */
  | { readonly kind: 'stops'; readonly event: LogEvent; readonly after: LogEvent | null }
  | { readonly kind: 'left-out' | 'twice'; readonly event: LogEvent }
  | { readonly kind: 'exchanged'; readonly event: LogEvent; readonly next: LogEvent }
  /** Extended with the hash of what the log says, but the log has another digest. */
  | { readonly kind: 'another-digest'; readonly event: LogEvent; readonly measured: Bytes }
  /** An event that the log has in another register was extended into this one. */
  | { readonly kind: 'another-register'; readonly event: LogEvent }
  | { readonly kind: 'another-start'; readonly locality: number }
  | { readonly kind: 'no-events' }
  /** Not certain: the first event whose data is not what its digest is of, though it should be. */
  | { readonly kind: 'false-data'; readonly event: LogEvent }
  /** Nothing certain; the event is the first for which its digest alone speaks, and none where all prove themselves. */
  | {
      readonly kind: 'unexplained';
      readonly searched: boolean;
      readonly event: LogEvent | null;
    };

/** Hashes that may still be spent on one log; a log has at most 65536 events, and trying all pairs would take hours. */
export type Budget = { left: number };
export const newBudget = (hashes = 40_000): Budget => ({ left: hashes });

/** One change: up to `from` all is as logged, then come `rest`. */
type Trial = {
  readonly from: number;
  readonly rest: readonly Bytes[];
  readonly means: Explanation;
};

/** @param outcome one that does not fit */
export function explain(log: EventLog, outcome: RegisterOutcome, budget: Budget): Explanation {
  const { events, algorithm, register, held } = outcome;
  if (events.length === 0) return { kind: 'no-events' };
  const states = [startOf(log, algorithm, register)];
  for (const event of events) {
    states.push(extend(algorithm, states.at(-1) as Bytes, digestOf(event, algorithm)));
  }
  const stop = states.findIndex((state) => equalBytes(state, held));
  if (stop >= 0) {
    const event = events[stop] as LogEvent;
    return { kind: 'stops', event, after: events[stop - 1] ?? null };
  }
  const start = register === 0 ? startThatFits(outcome) : null;
  if (start !== null) return start;
  const found = search(trials(log, outcome), states, outcome, budget);
  if (found.kind !== 'unexplained') return found;
  budget.left -= 2 * events.length;
  if (budget.left < 0) return found;
  const proofs = events.map((event) => proofOf(event, algorithm));
  const lie = events[proofs.indexOf('false')];
  if (lie !== undefined) return { kind: 'false-data', event: lie };
  return { ...found, event: events[proofs.indexOf('untold')] ?? null };
}

function startThatFits({ algorithm, events, held }: RegisterOutcome): Explanation | null {
  const digests = digestsOf(events, algorithm);
  const locality = [0, 3, 4].find((one) =>
    equalBytes(replayFrom(algorithm, startAt(algorithm, one), digests), held),
  );
  return locality === undefined ? null : { kind: 'another-start', locality };
}

function search(
  all: Iterable<Trial>,
  states: readonly Bytes[],
  { algorithm, held }: RegisterOutcome,
  budget: Budget,
): Explanation {
  for (const { from, rest, means } of all) {
    budget.left -= rest.length + 1;
    if (budget.left < 0) return { kind: 'unexplained', searched: false, event: null };
    const value = replayFrom(algorithm, states[from] as Bytes, rest);
    if (equalBytes(value, held)) return means;
  }
  return { kind: 'unexplained', searched: true, event: null };
}

/** The likeliest first. */
function* trials(log: EventLog, outcome: RegisterOutcome): Generator<Trial> {
  const { events, algorithm, register } = outcome;
  const digests = digestsOf(events, algorithm);
  const from = (i: number) => digests.slice(i);
  for (const [i, event] of events.entries()) {
    yield { from: i, rest: from(i + 1), means: { kind: 'left-out', event } };
  }
  for (const [i, event] of events.entries()) {
    for (const measured of otherHashes(event, outcome)) {
      const means = { kind: 'another-digest', event, measured } as const;
      yield { from: i, rest: [measured, ...from(i + 1)], means };
    }
  }
  for (const [i, event] of events.entries()) {
    yield { from: i + 1, rest: from(i), means: { kind: 'twice', event } };
  }
  for (const [i, next] of events.slice(1).entries()) {
    const event = events[i] as LogEvent;
    const rest = [digests[i + 1] as Bytes, digests[i] as Bytes, ...from(i + 2)];
    yield { from: i, rest, means: { kind: 'exchanged', event, next } };
  }
  for (const event of log.events) {
    if (event.register === register || !isExtended(event)) continue;
    const later = events.findIndex(({ number }) => number > event.number);
    const i = later < 0 ? events.length : later;
    const rest = [digestOf(event, algorithm), ...from(i)];
    yield { from: i, rest, means: { kind: 'another-register', event } };
  }
}

/** Of what it says was measured, unless that is its digest. */
function otherHashes(event: LogEvent, { algorithm }: RegisterOutcome): Bytes[] {
  if (event.data.length === 0) return [];
  const digest = digestOf(event, algorithm);
  const hashes = measuredHashes(event, algorithm);
  return hashes.some((hash) => equalBytes(hash, digest)) ? [] : hashes;
}
