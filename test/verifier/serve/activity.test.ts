/** What the live page is told: counts that do not grow without end, and agents that come and go. */
import { describe, expect, test, vi } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { entry } from '#test/verifier/serve/ui-samples.ts';
import { toHex } from '#verifier/bytes.ts';
import type { CpuEvidence } from '#verifier/evidence.ts';
import { ActivityCounts } from '#verifier/serve/activity.ts';
import { activityAnswer, maxMinutes, maxPolicyRows } from '#verifier/serve/answers.ts';
import { RecentDecisions } from '#verifier/serve/decisions.ts';
import { ServeError, toProblem } from '#verifier/serve/errors.ts';
import { Histogram } from '#verifier/serve/metrics.ts';
import type { Decided } from '#verifier/serve/service.ts';
import { type Watched, Watcher, type WatchPorts } from '#verifier/serve/watcher.ts';

const minute = fakeNow - (fakeNow % 60);
const nobody = new Map<string, never>();

describe('ActivityCounts', () => {
  test('counts decisions by minute and by policy, and refusals by check', () => {
    const counts = new ActivityCounts(minute);
    counts.add(entry('accepted'), minute + 1);
    counts.add(entry('rejected', { failed: ['policy.measurement'] }), minute + 59);
    counts.add(
      entry('invalid', { failed: ['parse.bundle'], skipped: ['policy.freshness'] }),
      minute + 60,
    );
    counts.add(
      entry('undecided', { skipped: ['policy.freshness'], policyName: 'fresh' }),
      minute + 61,
    );
    counts.add(entry('rejected', { failed: ['policy.measurement'] }), minute + 62);
    const report = counts.report(minute + 62, nobody);
    expect(report.total).toEqual({ accepted: 1, rejected: 2, invalid: 1, undecided: 1 });
    expect(report.minutes).toEqual([
      { at: minute, accepted: 1, rejected: 1, invalid: 0, undecided: 0 },
      { at: minute + 60, accepted: 0, rejected: 1, invalid: 1, undecided: 1 },
    ]);
    // What an invalid verdict could not ask for any more is not what stood in the way.
    expect(report.refusals).toEqual([
      { id: 'policy.measurement', failed: 2, skipped: 0, last: minute + 62 },
      { id: 'parse.bundle', failed: 1, skipped: 0, last: minute + 60 },
      { id: 'policy.freshness', failed: 0, skipped: 1, last: minute + 61 },
    ]);
    expect(report.byPolicy).toMatchObject([
      { name: 'genuine', accepted: 1, rejected: 2, invalid: 1, undecided: 0 },
      { name: 'fresh', accepted: 0, rejected: 0, invalid: 0, undecided: 1 },
    ]);
  });

  test('forgets minutes that are over for a day, and those of a clock that was wrong', () => {
    const counts = new ActivityCounts(minute);
    for (let i = 0; i < maxMinutes + 5; i++) counts.add(entry('accepted'), minute + 60 * i);
    const last = minute + 60 * (maxMinutes + 4);
    const { minutes, total } = counts.report(last, nobody);
    expect(minutes.length).toBe(maxMinutes);
    expect(minutes[0]?.at).toBe(minute + 60 * 5);
    expect(total.accepted).toBe(maxMinutes + 5);
    expect(counts.report(minute, nobody).minutes).toEqual([]);
  });

  test('tells only so many names of policies apart', () => {
    const counts = new ActivityCounts(minute);
    for (let i = 0; i < maxPolicyRows + 50; i++)
      counts.add(entry('accepted', { policyName: `p${i}` }), minute);
    const { byPolicy } = counts.report(minute, nobody);
    expect(byPolicy.length).toBe(maxPolicyRows);
    expect(byPolicy.at(-1)).toMatchObject({ name: 'other policies', accepted: 51 });
  });

  test('gives latencies as bounds of the histogram', () => {
    const histogram = new Histogram();
    for (const seconds of [0.0009, 0.0009, 0.002, 0.04])
      histogram.observe({ policy: 'genuine' }, seconds);
    for (const seconds of [20, 30]) histogram.observe({ policy: 'slow' }, seconds);
    const counts = new ActivityCounts(minute);
    for (const policyName of ['genuine', 'slow', 'none'])
      counts.add(entry('accepted', { policyName }), minute);
    expect(counts.report(minute, histogram.by('policy')).byPolicy).toMatchObject([
      { name: 'genuine', mean: 10_950, p50: 1000, p95: 50_000 },
      { name: 'slow', mean: 25_000_000, p50: null, p95: null },
      { name: 'none', mean: 0, p50: 0, p95: 0 },
    ]);
  });
});

describe('RecentDecisions', () => {
  const query = { before: null, after: null, words: [], decision: null, limit: 3 };

  test('gives the newest first, page by page, and what came after an answer', async () => {
    const recent = new RecentDecisions(minute, 5);
    for (let i = 0; i < 7; i++) recent.add(entry('accepted', { at: minute + i }));
    const first = await recent.read(query);
    expect(first.decisions.map(({ at }) => at - minute)).toEqual([6, 5, 4]);
    const second = await recent.read({ ...query, before: first.older });
    expect(second.decisions.map(({ at }) => at - minute)).toEqual([3, 2]);
    // Two are forgotten.
    expect(second.older).toBeNull();
    expect((await recent.read({ ...query, after: first.newest })).decisions).toEqual([]);
    recent.add(entry('rejected', { at: minute + 7 }));
    const next = await recent.read({ ...query, after: first.newest });
    expect(next.decisions.map(({ at, decision }) => [at - minute, decision])).toEqual([
      [7, 'rejected'],
    ]);
    expect(next.older).toBeNull();
    expect(new Set([...first.decisions, ...second.decisions].map(({ id }) => id)).size).toBe(5);
  });

  test('leads nowhere from the places of another run', async () => {
    const [one, other] = [new RecentDecisions(minute), new RecentDecisions(minute + 1)];
    for (const recent of [one, other]) recent.add(entry('accepted'));
    const { newest } = await one.read(query);
    expect((await other.read({ ...query, before: newest })).decisions).toEqual([]);
    expect((await other.read({ ...query, after: newest })).decisions.length).toBe(1);
  });
});

describe('Watcher', () => {
  const agent: Watched = { address: 'http://a?x=1', url: 'http://a/', policyName: 'genuine' };
  const bundle: CpuEvidence = {
    form: 'bundle',
    bytes: new Uint8Array([1, 2, 3]),
    nonce: null,
    connection: null,
  };
  const verdict = (decision: Decided['verdict']['decision']): Decided => ({
    policyName: 'genuine',
    mode: 'enforce',
    verdict: {
      decision,
      at: minute,
      policy: '00',
      checks: [
        {
          id: 'policy.measurement',
          stage: 'policy',
          status: decision === 'accepted' ? 'pass' : 'fail',
          expected: null,
          actual: null,
          reason: null,
          spec: '',
        },
      ],
      expires: null,
      forecast: Array.from({ length: 20 }, (_, i) => ({ what: `piece ${i}`, at: minute + i })),
      warnings: [],
    },
  });

  /** A watcher whose clock goes on when it sleeps, and that ends after so many rounds. */
  function watch(rounds: readonly (Decided | Error)[]) {
    let clock = 0;
    let round = 0;
    const stop = new AbortController();
    const lines: string[] = [];
    const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
    const states: unknown[] = [];
    const nonces: string[] = [];
    const slept: number[] = [];
    const ports: WatchPorts = {
      ask: async (_, nonce) => {
        nonces.push(toHex(nonce));
        clock += 2;
        return bundle;
      },
      decide: async () => {
        const found = rounds[round] as Decided | Error;
        if (found instanceof Error) throw found;
        return found;
      },
      explain: (error) => toProblem(error).detail ?? 'a fault',
      random: (length) => new Uint8Array(length).fill(round),
      now: () => minute + clock,
      elapsed: () => clock,
      sleep: async (seconds) => {
        slept.push(seconds);
        clock += seconds;
        states.push(watcher.agents()[0]);
        round += 1;
        if (round === rounds.length) stop.abort();
      },
      logger: { info: write('info'), warn: write('warn'), error: write('error') },
    };
    const watcher = new Watcher([agent], 60, ports);
    return { watcher, stop, lines, states, nonces, slept, ran: watcher.run(stop.signal) };
  }

  test('asks at its interval with a new nonce each time, and keeps what came of it', async () => {
    const run = watch([verdict('accepted'), verdict('accepted'), verdict('rejected')]);
    await run.ran;
    expect(new Set(run.nonces).size).toBe(3);
    // From one question to the next: the two seconds that an answer took are part of it.
    expect(run.slept).toEqual([58, 58, 58]);
    expect(run.states).toMatchObject([
      { url: 'http://a/', asked: minute, last: { decision: 'accepted' }, changed: null },
      { asked: minute + 60, changed: null },
      {
        asked: minute + 120,
        last: { decision: 'rejected', failed: ['policy.measurement'] },
        changed: { from: 'accepted' },
      },
    ]);
    expect(run.lines).toEqual(['warn watched http://a/: rejected, was accepted']);
    expect(run.watcher.agents()[0]?.forecast.length).toBe(8);
    expect(() => activityAnswer.decode({ ...empty, agents: run.states }, 'answer')).not.toThrow();
    expect(JSON.stringify(run.states)).not.toContain('x=1');
  });

  const empty = {
    ...new ActivityCounts(minute).report(minute, nobody),
    insecure: false,
    logged: false,
    policies: [],
  };

  test('counts rounds in vain, says each trouble once, and keeps the last decision', async () => {
    const busy = new ServeError('busy', 'full');
    const gone = new ServeError('policy-unknown', 'gone');
    const run = watch([verdict('accepted'), busy, busy, gone, verdict('accepted')]);
    await run.ran;
    expect(run.states).toMatchObject([
      { trouble: null },
      { trouble: { count: 1, since: minute + 60 }, last: { decision: 'accepted' } },
      { trouble: { count: 2, since: minute + 60 } },
      { trouble: { count: 3, since: minute + 60, problem: expect.stringMatching(/^No policy/) } },
      { trouble: null, changed: null },
    ]);
    expect(run.lines).toEqual([
      expect.stringMatching(/^warn watched http:\/\/a\/: The service has as many/),
      expect.stringMatching(/^warn watched http:\/\/a\/: No policy of this name/),
      'info watched http://a/ answers again, after 3 rounds without',
    ]);
  });

  test('ends without a word when it is told to while an agent is asked', async () => {
    const stop = new AbortController();
    const warn = vi.fn();
    const ports: WatchPorts = {
      ask: (_, __, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('canceled')));
        }),
      decide: async () => verdict('accepted'),
      explain: String,
      random: (length) => new Uint8Array(length),
      now: () => minute,
      elapsed: () => 0,
      sleep: async () => {},
      logger: { info: warn, warn, error: warn },
    };
    const watcher = new Watcher([agent], 60, ports);
    const ran = watcher.run(stop.signal);
    stop.abort();
    await ran;
    expect(warn).not.toHaveBeenCalled();
    expect(watcher.agents()[0]).toMatchObject({ asked: minute, last: null, trouble: null });
  });
});
