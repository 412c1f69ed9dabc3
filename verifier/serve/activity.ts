/** What the service did lately, in memory that does not grow with it. */
import type { CheckId } from '../checks.ts';
import type { UnixTime } from '../time.ts';
import { type Activity, maxMinutes, maxPolicyRows, type Tally } from './answers.ts';
import type { Latency } from './metrics.ts';
import type { DecisionEntry } from './ports.ts';

type Refusal = { failed: number; skipped: number; last: UnixTime };

const nothing = (): Tally => ({ accepted: 0, rejected: 0, invalid: 0, undecided: 0 });

/** Where the names of policies that are too many are counted. */
const others = 'other policies';

/** The checks that stood in the way: as the service's log names them. */
export function blamed(
  entry: Pick<DecisionEntry, 'decision' | 'failed' | 'skipped'>,
): readonly CheckId[] {
  return entry.decision === 'undecided' ? entry.skipped : entry.failed;
}

export class ActivityCounts {
  readonly #since: UnixTime;
  readonly #total = nothing();
  /** By the minute's first second, in the order of their first decisions. */
  readonly #minutes = new Map<UnixTime, Tally>();
  readonly #refusals = new Map<CheckId, Refusal>();
  readonly #byPolicy = new Map<string, Tally>();

  constructor(since: UnixTime) {
    this.#since = since;
  }

  /** @param now when it was decided */
  add(entry: DecisionEntry, now: UnixTime): void {
    const { decision, policyName } = entry;
    this.#total[decision] += 1;
    tallyOf(this.#minutes, now - (now % 60))[decision] += 1;
    this.#forget(now);
    const known = this.#byPolicy.has(policyName) || this.#byPolicy.size < maxPolicyRows - 1;
    tallyOf(this.#byPolicy, known ? policyName : others)[decision] += 1;
    if (decision === 'accepted') return;
    for (const id of blamed(entry)) {
      const found = this.#refusals.get(id) ?? { failed: 0, skipped: 0, last: now };
      found[decision === 'undecided' ? 'skipped' : 'failed'] += 1;
      found.last = now;
      this.#refusals.set(id, found);
    }
  }

  /** @param latencies of verifications, by policy */
  report(
    now: UnixTime,
    latencies: ReadonlyMap<string, Latency>,
  ): Pick<Activity, 'since' | 'total' | 'minutes' | 'refusals' | 'byPolicy'> {
    this.#forget(now);
    const minutes = [...this.#minutes].map(([at, tally]) => ({ at, ...tally }));
    const refusals = [...this.#refusals].map(([id, refusal]) => ({ id, ...refusal }));
    const often = ({ failed, skipped }: Refusal) => failed + skipped;
    return {
      since: this.#since,
      total: { ...this.#total },
      minutes: minutes.toSorted((a, b) => a.at - b.at),
      refusals: refusals.toSorted((a, b) => often(b) - often(a) || (a.id < b.id ? -1 : 1)),
      byPolicy: [...this.#byPolicy].map(([name, tally]) => ({
        name,
        ...tally,
        ...microseconds(latencies.get(name)),
      })),
    };
  }

  /** A clock that was set back leaves minutes of the future, which end with it. */
  #forget(now: UnixTime): void {
    const first = now - (now % 60) - (maxMinutes - 1) * 60;
    for (const at of this.#minutes.keys())
      if (at < first || at > now + 60) this.#minutes.delete(at);
  }
}

function tallyOf<K>(tallies: Map<K, Tally>, key: K): Tally {
  const found = tallies.get(key) ?? nothing();
  tallies.set(key, found);
  return found;
}

function microseconds(latency: Latency | undefined) {
  const whole = (seconds: number | null) => (seconds === null ? null : Math.round(seconds * 1e6));
  if (latency === undefined) return { mean: 0, p50: 0, p95: 0 };
  return {
    mean: whole(latency.sum / latency.count) ?? 0,
    p50: whole(latency.atMost(0.5)),
    p95: whole(latency.atMost(0.95)),
  };
}
