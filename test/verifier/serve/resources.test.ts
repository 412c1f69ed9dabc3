import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '#verifier/errors.ts';
import { serveErrorCatalogue } from '#verifier/serve/errors.ts';
import { openApi } from '#verifier/serve/openapi.ts';
import { operations } from '#verifier/serve/routes.ts';
import { verdictSchema } from '#verifier/serve/schemas.ts';
import {
  drawChallenge,
  metricsOf,
  post,
  problemOf,
  sampleBundle,
  startService,
  verdictFrom,
} from './helpers.ts';
import { sampleUi } from './ui-samples.ts';

const reads = operations.filter(({ method }) => method === 'GET').map(({ path }) => path);
const writes = operations.filter(({ method }) => method === 'POST').map(({ path }) => path);

describe('methods', () => {
  test.each(reads)('%s answers GET and HEAD; no query, no other method', async (path) => {
    const { url } = await startService({ ui: sampleUi() });
    const get = await fetch(url + path);
    const head = await fetch(url + path, { method: 'HEAD' });
    expect([get.status, head.status]).toEqual([200, 200]);
    expect(get.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await problemOf(await fetch(`${url}${path}?x`))).toMatchObject({
      code: 'query-malformed',
    });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const problem = await problemOf(await fetch(url + path, { method }));
      expect(problem).toMatchObject({ status: 405, code: 'method-not-allowed' });
      expect(problem.headers.get('allow')).toBe('GET, HEAD');
    }
  });

  test.each(writes)('%s answers POST alone', async (path) => {
    const { url } = await startService();
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      const problem = await problemOf(await fetch(url + path, { method }));
      expect(problem).toMatchObject({ status: 405, code: 'method-not-allowed' });
      expect(problem.headers.get('allow')).toBe('POST');
    }
  });

  test.each(['/', '/Verify', '/verify/', '/metrics/x', '/%2e%2e/x', '/policies'])(
    '%s is not found',
    async (path) => {
      const { url } = await startService();
      for (const method of ['GET', 'POST']) {
        const problem = await problemOf(await fetch(url + path, { method }));
        expect(problem).toMatchObject({ status: 404, code: 'not-found' });
      }
    },
  );
});

describe('/openapi.json', () => {
  test('lists every route with its parameters, bodies and limits', async () => {
    const { url } = await startService();
    const served = (await (await fetch(`${url}/openapi.json`)).json()) as Description;
    expect(served).toEqual(JSON.parse(JSON.stringify(openApi())));
    for (const { path, method, query, bodies, status } of operations) {
      const described = served.paths[path]?.[method.toLowerCase()];
      expect(described?.parameters?.map(({ name }) => name) ?? []).toEqual(Object.keys(query));
      expect(Object.keys(described?.requestBody?.content ?? {})).toEqual(Object.keys(bodies));
      expect(Object.keys(described?.responses ?? {})).toContain(String(status));
    }
    const verify = served.paths['/verify']?.['post'];
    expect(verify?.parameters?.[0]).toMatchObject({ name: 'policy', required: true });
    expect(verify?.parameters?.[1]).toMatchObject({ name: 'challenge', required: false });
  });

  type Description = {
    paths: Record<
      string,
      Record<
        string,
        {
          parameters?: { name: string; required: boolean }[];
          requestBody?: { content: object };
          responses: object;
        }
      >
    >;
  };

  test('describes a verdict as it is', async () => {
    const { url } = await startService();
    const answer = await post(`${url}/verify?policy=genuine`, await sampleBundle());
    const verdict = await verdictFrom(answer);
    const members = Object.keys(verdictSchema['properties'] as object).toSorted();
    expect(Object.keys(verdict).toSorted()).toEqual(members);
    expect((verdictSchema['required'] as string[]).toSorted()).toEqual(members);
  });

  test('docs/serve.md explains each code as the service does', () => {
    const page = readFileSync(new URL('../../../docs/serve.md', import.meta.url), 'utf8');
    const rows = Object.entries(serveErrorCatalogue).map(
      ([code, { status, means, remedy }]) => `| \`${code}\` | ${status} | ${means} ${remedy} |`,
    );
    expect(page.split('\n').slice(-rows.length - 1, -1)).toEqual(rows);
    for (const { path } of operations) expect(page).toContain(path);
  });

  test('every refusal of the service is somewhere in it, and no code has two meanings', () => {
    const text = JSON.stringify(openApi());
    for (const code of Object.keys(serveErrorCatalogue)) expect(text).toContain(code);
    const shared = Object.keys(serveErrorCatalogue).filter((code) =>
      Object.hasOwn(errorCatalogue, code),
    );
    expect(shared).toEqual([]);
  });
});

test('/metrics counts requests, decisions, durations, challenges and errors', async () => {
  const { url } = await startService({ observed: ['other-software'] });
  await drawChallenge(url);
  const id = await drawChallenge(url);
  const bundle = await sampleBundle();
  await post(`${url}/verify?policy=fresh&challenge=${id}`, bundle);
  await post(`${url}/verify?policy=other-software`, bundle);
  await post(`${url}/verify?policy=nothing`, bundle);
  await fetch(`${url}/secret-path`);
  const answer = await fetch(`${url}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await answer.text();
  for (const line of [
    'affidavit_requests_total{route="/verify",status="200"} 2',
    'affidavit_requests_total{route="/verify",status="404"} 1',
    'affidavit_requests_total{route="none",status="404"} 1',
    'affidavit_request_duration_seconds_count{route="/verify"} 3',
    'affidavit_request_duration_seconds_bucket{route="/verify",le="+Inf"} 3',
    'affidavit_decisions_total{policy="fresh",mode="enforce",decision="accepted"} 1',
    'affidavit_decisions_total{policy="other-software",mode="observe",decision="rejected"} 1',
    'affidavit_verification_duration_seconds_count{policy="fresh"} 1',
    'affidavit_challenges_issued_total 2',
    'affidavit_challenges_used_total 1',
    'affidavit_challenges_outstanding 1',
    'affidavit_policies 3',
    'affidavit_errors_total{code="policy-unknown"} 1',
    'affidavit_errors_total{code="not-found"} 1',
    'affidavit_requests_in_flight 1',
    'affidavit_body_bytes_held 0',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).not.toContain('secret-path');
  // Of each metric a help, a type, and then its lines; nothing else.
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(
      /^# (HELP|TYPE) affidavit_[a-z_]+ .+$|^affidavit_[a-z_]+(\{[^{}]+\})? [0-9.e+-]+$/,
    );
  const again = await metricsOf(url);
  expect(again).toContain('affidavit_requests_total{route="/metrics",status="200"} 1');
});
