/** What the live page makes of the service's answers. No document, no network: pure. */
import { type AnyCheckId, entryOf } from '#verifier/checks.ts';
import type { Activity, DecisionRow, DecisionsAnswer, Tally } from '#verifier/serve/answers.ts';
import type { UnixTime } from '#verifier/time.ts';

export const decisions = ['accepted', 'rejected', 'invalid', 'undecided'] as const;

export const spans = {
  hour: { minutes: 60, step: 1 },
  quarter: { minutes: 360, step: 5 },
  day: { minutes: 1440, step: 20 },
} as const;
export type Span = keyof typeof spans;

/** Steps of equal length, the last one not over yet. */
export type Steps = { step: number; at: number[]; tallies: Tally[] };

const nothing = (): Tally => ({ accepted: 0, rejected: 0, invalid: 0, undecided: 0 });

/** Every step of the span, those without a verification too. Steps begin at whole multiples of their length. */
export function stepsOf(minutes: Activity['minutes'], span: Span, now: UnixTime): Steps {
  const { minutes: length, step: inMinutes } = spans[span];
  const step = 60 * inMinutes;
  const last = now - (now % step);
  const count = length / inMinutes;
  const at = Array.from({ length: count }, (_, i) => last - (count - 1 - i) * step);
  const tallies = at.map(nothing);
  for (const minute of minutes) {
    const tally = tallies[Math.floor((minute.at - (at[0] ?? 0)) / step)];
    if (tally === undefined) continue;
    for (const decision of decisions) tally[decision] += minute[decision];
  }
  return { step, at, tallies };
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = nothing();
  for (const tally of tallies) for (const one of decisions) sum[one] += tally[one];
  return sum;
}

export function totalOf(tally: Tally): number {
  return decisions.reduce((sum, decision) => sum + tally[decision], 0);
}

/** From the bottom of a bar to its top. What is to be seen even when it is rare is on top. */
export const stackOrder = ['accepted', 'undecided', 'rejected', 'invalid'] as const;

/** One column of times, then one for each decision with all below it: the highest bar first, so that the others are drawn over it. */
export function stackedColumns({ at, tallies }: Steps): number[][] {
  const upTo = (place: number) =>
    tallies.map((tally) =>
      stackOrder.slice(0, place + 1).reduce((sum, decision) => sum + tally[decision], 0),
    );
  return [at, ...stackOrder.map((_, place) => upTo(place)).toReversed()];
}

/** Seconds until the service is asked again, after so many times in vain. */
export function pauseAfter(failures: number): number {
  return Math.min(60, 5 * 2 ** Math.min(failures, 10));
}

/** Between now and 30 days from now, as a share; null beyond. What is over stands at the beginning. */
export function placeInMonth(at: number, now: UnixTime): number | null {
  const share = (at - now) / (30 * 86_400);
  return share > 1 ? null : Math.max(0, share);
}

/** The decisions that a reader sees, and those that came since and wait to be shown. */
export type Listed = {
  rows: readonly DecisionRow[];
  waiting: readonly DecisionRow[];
  /** Between what waits and what is shown, or within what waits, some are missing. */
  gap: boolean;
  newest: string;
  older: string | null;
  reached: UnixTime | null;
  damaged: number;
};

export function listedOf(answer: DecisionsAnswer): Listed {
  const { decisions: rows, newest, older, reached, damaged } = answer;
  return { rows, waiting: [], gap: false, newest, older, reached, damaged };
}

/** A list that grew longer than this at its top is read anew rather than kept. */
export const longest = 300;

/** @param push whether they may appear at once, for nobody is reading there */
export function withNewer(listed: Listed, answer: DecisionsAnswer, push: boolean): Listed {
  const known = new Set([...listed.rows, ...listed.waiting].map(({ id }) => id));
  const fresh = answer.decisions.filter(({ id }) => !known.has(id));
  const next = {
    ...listed,
    waiting: [...fresh, ...listed.waiting].slice(0, 1000),
    gap: listed.gap || answer.older !== null,
    newest: answer.newest,
    damaged: listed.damaged + answer.damaged,
  };
  return push && !next.gap ? shownNow(next) : next;
}

/** What waits is shown. Not for a list with a gap: that one is read anew. */
export function shownNow(listed: Listed): Listed {
  return { ...listed, rows: [...listed.waiting, ...listed.rows], waiting: [] };
}

export function withOlder(listed: Listed, answer: DecisionsAnswer): Listed {
  const known = new Set(listed.rows.map(({ id }) => id));
  const { decisions: found, older, reached, damaged } = answer;
  return {
    ...listed,
    rows: [...listed.rows, ...found.filter(({ id }) => !known.has(id))],
    older,
    reached,
    damaged: listed.damaged + damaged,
  };
}

export type CheckMeaning = { title: string; protects: string; remedy: string; spec: string };

/** Null for a check of another release. */
export function meaningOf(id: string): CheckMeaning | null {
  const entry = entryOf(id as AnyCheckId) as CheckMeaning | undefined;
  return typeof entry?.title === 'string' ? entry : null;
}

/** `12:05`, of a time in UTC. */
export function clockText(at: UnixTime): string {
  return new Date(at * 1000).toISOString().slice(11, 16);
}

/** `2026-01-01 12:05:09` */
export function dayAndClock(at: UnixTime): string {
  const date = new Date(at * 1000);
  return Number.isNaN(date.getTime())
    ? String(at)
    : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** Checks that say why a decision is no acceptance, those of the decision itself first. */
export function whyOf({ decision, failed, skipped }: DecisionRow): readonly string[] {
  return decision === 'undecided' ? [...skipped, ...failed] : failed;
}
