/** Counters, gauges and histograms in Prometheus' text format, version 0.0.4. Label values come from closed sets or our own files. */

type Labels = Readonly<Record<string, string>>;

/** Of each series by its labels as text, `{a="b"}` or nothing. */
function seriesName(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

export class Counter {
  readonly #series = new Map<string, number>();

  add(labels: Labels = {}, by = 1): void {
    const series = seriesName(labels);
    this.#series.set(series, (this.#series.get(series) ?? 0) + by);
  }

  lines(name: string): string[] {
    return [...this.#series].map(([series, value]) => `${name}${series} ${value}`);
  }
}

/** Asked when the metrics are. */
export class Gauge {
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
  }

  lines(name: string): string[] {
    return [`${name} ${this.#read()}`];
  }
}

/** Seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

export type Latency = {
  /** Seconds. */
  sum: number;
  count: number;
  /** The bound that a share of all stays below; null beyond the last. */
  atMost(share: number): number | null;
};

type Distribution = { labels: Labels; counts: number[]; sum: number; count: number };

export class Histogram {
  readonly #series = new Map<string, Distribution>();

  observe(labels: Labels, seconds: number): void {
    const series = seriesName(labels);
    const found = this.#series.get(series) ?? {
      labels,
      counts: bounds.map(() => 0),
      sum: 0,
      count: 0,
    };
    this.#series.set(series, found);
    const place = bounds.findIndex((bound) => seconds <= bound);
    if (place >= 0) found.counts[place] = (found.counts[place] as number) + 1;
    found.sum += seconds;
    found.count += 1;
  }

  /** By the value of one label. */
  by(label: string): Map<string, Latency> {
    const found = [...this.#series.values()].map(({ labels, counts, sum, count }) => {
      const atMost = (share: number) => {
        let below = 0;
        return (
          bounds.find((_, i) => {
            below += counts[i] as number;
            return below >= share * count;
          }) ?? null
        );
      };
      return [labels[label] ?? '', { sum, count, atMost }] as const;
    });
    return new Map(found);
  }

  lines(name: string): string[] {
    return [...this.#series].flatMap(([series, { labels, counts, sum, count }]) => {
      let below = 0;
      const buckets = counts.map((inside, i) => {
        below += inside;
        return `${name}_bucket${seriesName({ ...labels, le: String(bounds[i]) })} ${below}`;
      });
      return [
        ...buckets,
        `${name}_bucket${seriesName({ ...labels, le: '+Inf' })} ${count}`,
        `${name}_sum${series} ${sum}`,
        `${name}_count${series} ${count}`,
      ];
    });
  }
}

const kinds = new Map<unknown, string>([
  [Counter, 'counter'],
  [Gauge, 'gauge'],
  [Histogram, 'histogram'],
]);

type Metric = Counter | Gauge | Histogram;

export type Metrics = ReturnType<typeof createMetrics>;

/** @param gauges what is read at the time of asking */
export function createMetrics(gauges: {
  challengesOutstanding: () => number;
  policies: () => number;
  requestsInFlight: () => number;
  bodyBytesHeld: () => number;
}) {
  const all = {
    requests: new Counter(),
    requestSeconds: new Histogram(),
    errors: new Counter(),
    decisions: new Counter(),
    verificationSeconds: new Histogram(),
    challengesIssued: new Counter(),
    challengesUsed: new Counter(),
    policyReloads: new Counter(),
    challengesOutstanding: new Gauge(gauges.challengesOutstanding),
    policies: new Gauge(gauges.policies),
    requestsInFlight: new Gauge(gauges.requestsInFlight),
    bodyBytesHeld: new Gauge(gauges.bodyBytesHeld),
  };
  all.challengesIssued.add({}, 0);
  all.challengesUsed.add({}, 0);
  return { ...all, text: () => render(all) };
}

type MetricName = Exclude<keyof ReturnType<typeof createMetrics>, 'text'>;

/** Name and meaning, in the order of the answer. */
const described: Record<MetricName, readonly [name: string, help: string]> = {
  requests: ['affidavit_requests_total', 'Requests answered, by route and status.'],
  requestSeconds: ['affidavit_request_duration_seconds', 'Time to answer, by route.'],
  errors: ['affidavit_errors_total', 'Requests refused, by code.'],
  decisions: ['affidavit_decisions_total', 'Verdicts, by policy, mode and decision.'],
  verificationSeconds: [
    'affidavit_verification_duration_seconds',
    'Time to verify and appraise, by policy.',
  ],
  challengesIssued: ['affidavit_challenges_issued_total', 'Challenges drawn.'],
  challengesUsed: ['affidavit_challenges_used_total', 'Challenges used.'],
  policyReloads: [
    'affidavit_policy_reloads_total',
    'Changed policy files, by result: loaded, refused (the old version stays) or removed.',
  ],
  challengesOutstanding: ['affidavit_challenges_outstanding', 'Challenges open now.'],
  policies: ['affidavit_policies', 'Policies loaded now.'],
  requestsInFlight: ['affidavit_requests_in_flight', 'Requests being answered now.'],
  bodyBytesHeld: ['affidavit_body_bytes_held', 'Bytes of request bodies in memory now.'],
};

function render(all: Record<MetricName, Metric>): string {
  const lines = Object.entries(described).flatMap(([key, [name, help]]) => {
    const metric = all[key as MetricName];
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kinds.get(metric.constructor)}`,
      ...metric.lines(name),
    ];
  });
  return `${lines.join('\n')}\n`;
}
