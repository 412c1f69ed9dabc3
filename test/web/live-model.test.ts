/** What the live page makes of the service's answers. */
import { describe, expect, test } from 'vitest';
import type { DecisionRow, DecisionsAnswer } from '#verifier/serve/answers.ts';
import {
  dayAndClock,
  type Listed,
  listedOf,
  meaningOf,
  pauseAfter,
  placeInMonth,
  shownNow,
  stackedColumns,
  stepsOf,
  sumOf,
  totalOf,
  whyOf,
  withNewer,
  withOlder,
} from '#web/live/model.ts';

const now = Date.UTC(2026, 0, 2, 12, 34, 56) / 1000;
const minute = now - 56;
const tally = { accepted: 1, rejected: 2, invalid: 3, undecided: 4 };

describe('steps', () => {
  test('are all there, and end with the one that is not over', () => {
    const { step, at, tallies } = stepsOf([], 'hour', now);
    expect([step, at.length, tallies.length]).toEqual([60, 60, 60]);
    expect([at[0], at.at(-1)]).toEqual([minute - 59 * 60, minute]);
    expect(totalOf(sumOf(tallies))).toBe(0);
    expect(stepsOf([], 'day', now).at.length).toBe(72);
  });

  test('hold the minutes that are theirs, and no others', () => {
    const minutes = [minute - 3600, minute - 240, minute - 60, minute, minute + 60].map((at) => ({
      at,
      ...tally,
    }));
    const hour = stepsOf(minutes, 'hour', now);
    expect(hour.at.filter((_, i) => totalOf(hour.tallies[i] ?? tally) > 0)).toEqual([
      minute - 240,
      minute - 60,
      minute,
    ]);
    // Five minutes from 12:30 on: 12:30, 12:33, 12:34; what is to come is 12:35, and not shown.
    const quarter = stepsOf(minutes, 'quarter', now);
    expect(quarter.at.at(-1)).toBe(minute - 240);
    expect(quarter.tallies.at(-1)).toEqual({ accepted: 3, rejected: 6, invalid: 9, undecided: 12 });
  });

  test('are stacked, the highest bar first', () => {
    const steps = { step: 60, at: [minute], tallies: [tally] };
    expect(stackedColumns(steps)).toEqual([[minute], [10], [7], [5], [1]]);
  });
});

test('waits longer the longer nobody answers, and never longer than a minute', () => {
  expect([0, 1, 2, 3, 4, 100].map(pauseAfter)).toEqual([5, 10, 20, 40, 60, 60]);
});

test('places what runs out in the next 30 days', () => {
  const day = 86_400;
  expect(placeInMonth(now + 15 * day, now)).toBe(0.5);
  expect(placeInMonth(now + 31 * day, now)).toBeNull();
  expect(placeInMonth(now - day, now)).toBe(0);
});

describe('the list', () => {
  const row = (id: string): DecisionRow => ({
    id,
    at: now,
    evidence: '00',
    policy: '00',
    policyName: 'p',
    mode: null,
    decision: 'accepted',
    failed: [],
    skipped: [],
    waived: [],
    expires: null,
  });
  const answer = (ids: string, more: Partial<DecisionsAnswer> = {}): DecisionsAnswer => ({
    decisions: [...ids].map(row),
    newest: `n-${ids.length}`,
    older: null,
    reached: null,
    damaged: 0,
    ...more,
  });
  const shown = ({ rows, waiting }: Listed) =>
    [rows, waiting].map((list) => list.map(({ id }) => id).join(''));
  const start = listedOf(answer('cba', { older: 'o-1' }));

  test('takes new rows at once where nobody reads, and has them wait where somebody does', () => {
    expect(shown(withNewer(start, answer('ed'), true))).toEqual(['edcba', '']);
    const waiting = withNewer(start, answer('ed'), false);
    expect(shown(waiting)).toEqual(['cba', 'ed']);
    const more = withNewer(waiting, answer('gf'), false);
    expect(shown(more)).toEqual(['cba', 'gfed']);
    expect(shown(shownNow(more))).toEqual(['gfedcba', '']);
    expect(more.older).toBe('o-1');
  });

  test('shows no row twice', () => {
    expect(shown(withNewer(start, answer('dcb'), true))).toEqual(['dcba', '']);
    expect(shown(withOlder(start, answer('aZ')))).toEqual(['cbaZ', '']);
  });

  test('goes on from where the older rows end', () => {
    const longer = withOlder(start, answer('ZY', { older: 'o-9', reached: 5, damaged: 2 }));
    expect(longer).toMatchObject({ older: 'o-9', reached: 5, damaged: 2, newest: 'n-3' });
  });

  test('knows when some are missing between what waits and what is shown', () => {
    const next = withNewer(start, answer('zy', { older: 'o-7' }), true);
    expect(next.gap).toBe(true);
    expect(shown(next)).toEqual(['cba', 'zy']);
    expect(withNewer(next, answer(''), true).gap).toBe(true);
  });

  test('says why', () => {
    const why = { failed: ['a.b'], skipped: ['c.d'] };
    expect(whyOf({ ...row('a'), ...why, decision: 'undecided' })).toEqual(['c.d', 'a.b']);
    expect(whyOf({ ...row('a'), ...why, decision: 'invalid' })).toEqual(['a.b']);
  });
});

test('knows what its own checks mean, and says so of no other', () => {
  expect(meaningOf('policy.measurement')?.title).toMatch(/\w/);
  expect(meaningOf('policy.of-another-release')).toBeNull();
  expect(meaningOf('constructor')).toBeNull();
});

test('shows any time', () => {
  expect(dayAndClock(now)).toBe('2026-01-02 12:34:56');
  expect(dayAndClock(Number.MAX_SAFE_INTEGER)).toBe('9007199254740991');
});
