import { beforeAll, expect, test } from 'vitest';
import { createMetrics } from '#agent/metrics.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { startAgent } from './helpers.ts';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const idle = { ready: false, queued: 0, abandoned: 0, closureAge: null };

/** Series → value; throws on a line that is none of the format's. */
function parse(text: string): Map<string, number> {
  const series = new Map<string, number>();
  const typed = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (affidavit_[a-z_]+) (?:counter|gauge|histogram)$/.exec(line)?.[1];
    if (type !== undefined) typed.add(type);
    if (line.startsWith('# ')) continue;
    const found =
      /^(affidavit_[a-z_]+)(\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? ([0-9.e+-]+)$/.exec(line);
    if (found === null) throw new Error(`no sample: ${line}`);
    const family = (found[1] as string).replace(/_(?:bucket|sum|count)$/, '');
    if (!typed.has(family)) throw new Error(`${family} has no type`);
    const name = `${found[1]}${found[2] ?? ''}`;
    if (series.has(name)) throw new Error(`${name} occurs twice`);
    series.set(name, Number(found[3]));
  }
  return series;
}

test('/metrics counts requests, problems and calls of the device', async () => {
  const { url } = await startAgent({ hierarchy, now: () => fakeNow });
  for (const path of ['/attestation', '/attestation?x', '/healthz', '/nothing', '/MARKER']) {
    await fetch(url + path);
  }
  const response = await fetch(`${url}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const series = parse(text);
  expect(series.get('affidavit_http_requests_total{route="attestation",status="200"}')).toBe(1);
  expect(series.get('affidavit_http_requests_total{route="attestation",status="400"}')).toBe(1);
  expect(series.get('affidavit_http_requests_total{route="none",status="404"}')).toBe(2);
  expect(series.get('affidavit_errors_total{code="query-malformed"}')).toBe(1);
  expect(series.get('affidavit_errors_total{code="device-failed"}')).toBe(0);
  expect(series.get('affidavit_device_calls_total{outcome="answered"}')).toBe(1);
  expect(series.get('affidavit_device_seconds_count')).toBe(1);
  expect(series.get('affidavit_ready')).toBe(1);
  expect(series.get('affidavit_closure_age_seconds')).toBe(0);
  expect(text).not.toContain('MARKER');
});

test('the histogram is cumulative, and its sum that of the calls', () => {
  const metrics = createMetrics();
  metrics.device('answered', 0.002);
  metrics.device('failed', 0.3);
  metrics.device('abandoned', 40);
  const series = parse(metrics.render(idle));
  const bucket = (le: string) => series.get(`affidavit_device_seconds_bucket{le="${le}"}`);
  expect([
    bucket('0.001'),
    bucket('0.0025'),
    bucket('0.25'),
    bucket('0.5'),
    bucket('30'),
    bucket('+Inf'),
  ]).toEqual([0, 1, 1, 2, 2, 3]);
  expect(series.get('affidavit_device_seconds_sum')).toBeCloseTo(40.302);
});

test('gauges are those of the moment, and the age is left out until there is one', () => {
  const metrics = createMetrics();
  metrics.error('device-busy');
  metrics.error('device-timeout');
  expect(parse(metrics.render(idle)).has('affidavit_closure_age_seconds')).toBe(false);
  const series = parse(metrics.render({ ready: true, queued: 3, abandoned: 1, closureAge: 9 }));
  expect(series.get('affidavit_device_queue')).toBe(3);
  expect(series.get('affidavit_device_abandoned')).toBe(1);
  expect(series.get('affidavit_closure_age_seconds')).toBe(9);
  expect(series.get('affidavit_device_rejected_total')).toBe(1);
  expect(series.get('affidavit_device_timeouts_total')).toBe(1);
});
