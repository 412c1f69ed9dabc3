/** What /metrics counts, in Prometheus' text format 0.0.4. Labels are of closed sets: no request adds one. */
import type { CollateralStatus } from './collateral.ts';
import type { DeviceStatus } from './devices/devices.ts';
import { type AgentErrorCode, agentErrorCatalogue, type DeviceLabel } from './errors.ts';
import type { RouteId } from './http/routes.ts';
import type { DeviceOutcome } from './queue.ts';
import { agentVersion } from './version.ts';

/** What is asked for when the text is written. */
export type Gauges = {
  readonly ready: boolean;
  readonly queued: number;
  readonly abandoned: number;
  /** Seconds; null until the closure is computed. */
  readonly closureAge: number | null;
  /** Of the configuration's devices, in their order; left out: none. */
  readonly devices?: readonly DeviceStatus[];
  /** Left out until the device is opened. */
  readonly collateral?: CollateralStatus | null;
};

export type Metrics = {
  /** @param route null for a request that found none */
  request(route: RouteId | null, status: number): void;
  error(code: AgentErrorCode): void;
  /** @param seconds from the call to its end, or until it was abandoned */
  device(outcome: DeviceOutcome, seconds: number): void;
  /** The same of a device of the configuration. @param device one of those that the metrics were made for */
  devices(device: DeviceLabel, outcome: DeviceOutcome, seconds: number): void;
  render(gauges: Gauges): string;
};

/** Upper bounds in seconds: firmware takes milliseconds, a throttled guest waits seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const outcomes: readonly DeviceOutcome[] = ['answered', 'failed', 'abandoned'];
const codes = Object.entries(agentErrorCatalogue)
  .filter(([, { status }]) => status !== null)
  .map(([code]) => code);

/** @param labels the configuration's devices */
export function createMetrics(labels: readonly DeviceLabel[] = []): Metrics {
  const requests = new Map<string, number>();
  const errors = counters(codes);
  const calls = counters(outcomes);
  const buckets = bounds.map(() => 0);
  let seconds = 0;
  const others = labels.map((label) => ({ label, calls: counters(outcomes), seconds: 0 }));

  return {
    request(route, status) {
      const labels = `route="${route ?? 'none'}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
    },
    error: (code) => add(errors, code),
    device(outcome, took) {
      add(calls, outcome);
      seconds += took;
      bounds.forEach((bound, i) => {
        if (took <= bound) buckets[i] = (buckets[i] as number) + 1;
      });
    },
    devices({ index }, outcome, took) {
      const other = others[index];
      if (other === undefined) throw new RangeError(`there is no device ${index}`);
      add(other.calls, outcome);
      other.seconds += took;
    },
    render(gauges) {
      const total = [...calls.values()].reduce((sum, value) => sum + value, 0);
      return [
        family('http_requests_total', 'counter', 'Requests answered, by route and status.', [
          ...[...requests].toSorted().map(([labels, value]) => [`{${labels}}`, value] as const),
        ]),
        family('errors_total', 'counter', 'Problems answered, by code.', labelled('code', errors)),
        family(
          'device_calls_total',
          'counter',
          'Calls of the secure processor, by outcome.',
          labelled('outcome', calls),
        ),
        family('device_seconds', 'histogram', 'Seconds of a call of the secure processor.', [
          ...bounds.map((bound, i) => [`_bucket{le="${bound}"}`, buckets[i] as number] as const),
          ['_bucket{le="+Inf"}', total],
          ['_sum', seconds],
          ['_count', total],
        ]),
        family('device_rejected_total', 'counter', 'Requests that found the queue full.', [
          ['', errors.get('device-busy') ?? 0],
        ]),
        family('device_timeouts_total', 'counter', 'Requests that were not answered in time.', [
          ['', errors.get('device-timeout') ?? 0],
        ]),
        gauge('device_queue', 'Requests that wait for the secure processor.', gauges.queued),
        gauge('device_abandoned', 'Calls given up that have not ended.', gauges.abandoned),
        ...deviceFamilies(others, gauges.devices ?? []),
        gauge('ready', 'Whether /readyz answers 200.', gauges.ready ? 1 : 0),
        ...(gauges.closureAge === null
          ? []
          : [gauge('closure_age_seconds', 'Age of the closure digest.', gauges.closureAge)]),
        ...collateralGauges(gauges.collateral ?? null),
        family('build_info', 'gauge', 'The agent’s version.', [[`{version="${agentVersion}"}`, 1]]),
      ].join('');
    },
  };
}

type DeviceCalls = {
  readonly label: DeviceLabel;
  readonly calls: ReadonlyMap<string, number>;
  readonly seconds: number;
};

/** Of the configuration's devices; nothing where it has none. */
function deviceFamilies(
  others: readonly DeviceCalls[],
  states: readonly DeviceStatus[],
): readonly string[] {
  if (others.length === 0) return [];
  const of = ({ index, kind }: DeviceLabel) => `index="${index}",kind="${kind}"`;
  const gauges = (pick: (status: DeviceStatus) => number) =>
    states.map((status) => [`{${of(status)}}`, pick(status)] as const);
  return [
    family(
      'devices_calls_total',
      'counter',
      'Calls of devices of the configuration, by outcome.',
      others.flatMap(({ label, calls }) =>
        [...calls].map(
          ([outcome, value]) => [`{${of(label)},outcome="${outcome}"}`, value] as const,
        ),
      ),
    ),
    family(
      'devices_seconds_total',
      'counter',
      'Seconds of those calls.',
      others.map(({ label, seconds }) => [`{${of(label)}}`, seconds] as const),
    ),
    family(
      'devices_ready',
      'gauge',
      'Whether its last call was answered.',
      gauges(({ state }) => (state === 'ready' ? 1 : 0)),
    ),
    family(
      'devices_queue',
      'gauge',
      'Requests that wait for it, or for its command.',
      gauges(({ queued }) => queued),
    ),
    family(
      'devices_abandoned',
      'gauge',
      'Calls given up that have not ended.',
      gauges(({ abandoned }) => abandoned),
    ),
  ];
}

/** What is not known is left out: a time that is not there is no 0. */
function collateralGauges(status: CollateralStatus | null): string[] {
  if (status === null) return [];
  const { items, missing, leftOut, staleSince, checked, problem, damaged } = status;
  const there = new Set(items.map(({ kind }) => kind));
  // Of two of a kind, which the host may hand out, the first end.
  const ends = new Map<string, number>();
  for (const { kind, expires } of items) {
    if (expires !== null) ends.set(kind, Math.min(expires, ends.get(kind) ?? expires));
  }
  return [
    family(
      'collateral_present',
      'gauge',
      'Whether evidence carries a kind.',
      [...there, ...missing].map((kind) => [`{kind="${kind}"}`, there.has(kind) ? 1 : 0]),
    ),
    family(
      'collateral_expires_timestamp_seconds',
      'gauge',
      'End of what evidence carries.',
      [...ends].map(([kind, end]) => [`{kind="${kind}"}`, end]),
    ),
    gauge('collateral_stale', 'Whether any of it is past its end.', staleSince === null ? 0 : 1),
    ...optionalGauge('collateral_stale_since_timestamp_seconds', 'The first end.', staleSince),
    gauge('collateral_left_out', 'Objects that a bundle has no room for.', leftOut.length),
    ...optionalGauge('collateral_checked_timestamp_seconds', 'The refresher’s last look.', checked),
    gauge('collateral_problem', 'Whether the refresher lacks something.', problem === null ? 0 : 1),
    gauge('collateral_damaged', 'Whether its file cannot be used.', damaged === null ? 0 : 1),
  ];
}

type Sample = readonly [suffix: string, value: number];

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const full = `affidavit_${name}`;
  const lines = samples.map(([suffix, value]) => `${full}${suffix} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

const gauge = (name: string, help: string, value: number) =>
  family(name, 'gauge', help, [['', value]]);

const optionalGauge = (name: string, help: string, value: number | null) =>
  value === null ? [] : [gauge(name, help, value)];

function labelled(label: string, values: ReadonlyMap<string, number>): Sample[] {
  return [...values].map(([name, value]) => [`{${label}="${name}"}`, value] as const);
}

/** All there from the first: a rate needs the zero before the first event. */
function counters(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name) => [name, 0]));
}

function add(values: Map<string, number>, name: string): void {
  values.set(name, (values.get(name) ?? 0) + 1);
}
