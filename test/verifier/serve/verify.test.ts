import { describe, expect, test, vi } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { quoteScene } from '#test/verifier/intel-scene.ts';
import { bundleScene, reportScene } from '#test/verifier/scene.ts';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { toBase64, utf8 } from '#verifier/bytes.ts';
import { collectedMediaType, eatMediaType } from '#verifier/serve/routes.ts';
import {
  metricsOf,
  policyFiles,
  post,
  problemOf,
  sampleBundle,
  startService,
  verdictFrom,
} from './helpers.ts';

const json = 'application/json';
const binary = 'application/octet-stream';

describe('POST /verify', () => {
  test.each(['application/vnd.affidavit.evidence+json', json, 'Application/JSON; charset=utf-8'])(
    'takes a bundle as %s',
    async (type) => {
      const { url, entries } = await startService();
      const answer = await post(`${url}/verify?policy=genuine`, await sampleBundle(), type);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
      const verdict = await verdictFrom(answer);
      expect(verdict).toMatchObject({
        decision: 'accepted',
        policyName: 'genuine',
        mode: 'enforce',
        at: fakeNow,
      });
      expect(entries).toMatchObject([
        { at: fakeNow, decision: 'accepted', policyName: 'genuine', policy: verdict.policy },
      ]);
    },
  );

  test('gives each decision with status 200', async () => {
    const { url } = await startService();
    const decide = async (query: string, body = sampleBundle()) =>
      (await verdictFrom(await post(`${url}/verify?${query}`, await body))).decision;
    expect(await decide('policy=genuine')).toBe('accepted');
    expect(await decide('policy=other-software')).toBe('rejected');
    expect(await decide('policy=fresh')).toBe('undecided');
    const forged = bundleScene({ edit: () => ({ nonce: new Uint8Array(32) }) });
    expect(
      await decide(
        'policy=genuine',
        forged.then(({ evidence }) => evidence.bytes),
      ),
    ).toBe('invalid');
    // JSON, but no bundle.
    expect(await decide('policy=genuine', Promise.resolve(utf8('{}')))).toBe('invalid');
  });

  test('asks for expected values on top of the policy', async () => {
    const { url } = await startService();
    const failed = async (query: string) => {
      const found = await verdictFrom(
        await post(`${url}/verify?policy=genuine&${query}`, await sampleBundle()),
      );
      return found.checks.flatMap((check: { status: string; id: string }) =>
        check.status === 'fail' ? [check.id] : [],
      );
    };
    expect(await failed(`measurement=${'4d'.repeat(48)}&closure=${'c1'.repeat(32)}`)).toEqual([]);
    expect(await failed(`measurement=${'4e'.repeat(48)}`)).toEqual(['policy.measurement']);
    expect(await failed(`measurement=${'4d'.repeat(48)}&closure=${'c2'.repeat(32)}`)).toEqual([
      'policy.closure-digest',
    ]);
    expect(await failed(`report-data=${'00'.repeat(64)}`)).toEqual(['policy.report-data']);
  });

  test('takes a raw report, and one with its collateral', async () => {
    const { url } = await startService();
    const { evidence, collateral } = await reportScene();
    const raw = await verdictFrom(
      await post(`${url}/verify?policy=genuine`, evidence.bytes, binary),
    );
    expect(raw.decision).toBe('undecided');
    const collected = (form: string) =>
      JSON.stringify({
        version: 1,
        form,
        evidence: toBase64(evidence.bytes),
        collateral: collateral.map(({ kind, data }) => ({ kind, data: toBase64(data) })),
      });
    const send = (form: string) =>
      post(`${url}/verify?policy=genuine`, collected(form), collectedMediaType);
    expect((await verdictFrom(await send('report'))).decision).toBe('accepted');
    expect((await verdictFrom(await send('quote'))).decision).toBe('invalid');
    expect(await problemOf(await send('rumour'))).toMatchObject({
      status: 400,
      code: 'json-shape',
    });
  });

  test('takes a raw quote, and one with its collateral', async () => {
    const { evidence, collateral, roots, now } = quoteScene();
    const { url } = await startService({ roots, now: () => now });
    const raw = await verdictFrom(
      await post(`${url}/verify?policy=genuine`, evidence.bytes, binary),
    );
    expect(raw.decision).toBe('undecided');
    expect(raw.checks[0].id).toBe('parse.quote');
    const collected = JSON.stringify({
      version: 1,
      form: 'quote',
      evidence: toBase64(evidence.bytes),
      collateral: collateral.map(({ kind, data }) => ({ kind, data: toBase64(data) })),
    });
    const whole = await post(`${url}/verify?policy=genuine`, collected, collectedMediaType);
    expect((await verdictFrom(whole)).decision).toBe('accepted');
  });

  test('gives a token where one is asked for, and can be made', async () => {
    const sign = vi.fn(async () => 'a.b.c');
    const tokens = { sign, jwks: () => ({ keys: [{ kid: 'k' }] }) };
    const { url } = await startService({ tokens, observed: ['genuine'] });
    const ask = async (accept: string, to = url) =>
      post(`${to}/verify?policy=genuine`, await sampleBundle(), json, { accept });
    const token = await ask(eatMediaType);
    expect(token.headers.get('content-type')).toBe(eatMediaType);
    expect(token.headers.get('affidavit-mode')).toBe('observe');
    expect(await token.text()).toBe('a.b.c');
    expect(sign).toHaveBeenCalledWith(expect.objectContaining({ decision: 'accepted' }), 'genuine');
    expect((await verdictFrom(await ask('*/*'))).decision).toBe('accepted');
    expect(await (await fetch(`${url}/jwks.json`)).json()).toEqual({ keys: [{ kid: 'k' }] });
    const without = await startService();
    for (const [to, accept] of [
      [url, 'text/html'],
      [without.url, eatMediaType],
    ] as const) {
      const problem = await problemOf(await ask(accept, to));
      expect(problem).toMatchObject({ status: 406, code: 'not-acceptable' });
    }
  });

  test.each([
    ['', 'query-malformed', 400],
    ['policy=genuine&policy=genuine', 'query-malformed', 400],
    ['policy=genuine&nonce=1', 'query-malformed', 400],
    ['policy=../genuine', 'query-malformed', 400],
    ['policy=genuine&measurement=4D', 'query-malformed', 400],
    ['policy=genuine&challenge=1', 'query-malformed', 400],
    ['policy=nothing', 'policy-unknown', 404],
    [`policy=genuine&challenge=${'ab'.repeat(16)}`, 'challenge-spent', 409],
    [`policy=genuine&${'x'.repeat(2048)}`, 'url-too-long', 414],
  ])('refuses a query (case %#)', async (query, code, status) => {
    const { url, entries } = await startService();
    const problem = await problemOf(await post(`${url}/verify?${query}`, await sampleBundle()));
    expect(problem).toMatchObject({ status, code });
    expect(entries).toEqual([]);
    expect(await metricsOf(url)).toContain(`affidavit_errors_total{code="${code}"} 1`);
  });

  test.each([
    ['{', json, 'json-malformed', 400],
    ['{"version":1,"version":1}', json, 'json-malformed', 400],
    [new Uint8Array([0x7b, 0xff, 0x7d]), json, 'utf8-malformed', 400],
    ['', json, 'json-malformed', 400],
    ['{', collectedMediaType, 'json-malformed', 400],
    ['{}', 'text/plain', 'media-type-unknown', 415],
    [new Uint8Array(maxBundleLength + 1), json, 'body-too-large', 413],
    [new Uint8Array(1024 * 1024 + 1), binary, 'body-too-large', 413],
  ])('refuses a body (case %#)', async (body, type, code, status) => {
    const { url, entries } = await startService();
    const problem = await problemOf(await post(`${url}/verify?policy=genuine`, body, type));
    expect(problem).toMatchObject({ status, code });
    expect(entries).toEqual([]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('refuses content codings', async () => {
    const { url } = await startService();
    const ask = async (coding: string) =>
      post(`${url}/verify?policy=genuine`, await sampleBundle(), json, {
        'content-encoding': coding,
      });
    expect((await ask('identity')).status).toBe(200);
    expect(await problemOf(await ask('gzip'))).toMatchObject({ code: 'media-type-unknown' });
  });

  test('gives no decision that the decision log did not take', async () => {
    const decisionLog = { append: async () => Promise.reject(new Error('disk full')) };
    const { url, lines } = await startService({ decisionLog });
    const problem = await problemOf(
      await post(`${url}/verify?policy=genuine`, await sampleBundle()),
    );
    expect(problem).toMatchObject({ status: 500, code: 'log-failed' });
    expect(problem.text).not.toContain('disk full');
    expect(lines).toContain('error answered log-failed');
  });

  test('shows nothing of the request in a problem', async () => {
    const { url } = await startService();
    const answers = [
      await post(`${url}/verify?policy=genuine&zebra=1`, '{}'),
      await post(`${url}/verify?policy=genuine`, '{"zebra":1}', collectedMediaType),
      await post(`${url}/verify?policy=genuine`, '{}', 'text/zebra'),
      await fetch(`${url}/zebra`),
    ];
    for (const answer of answers) expect((await problemOf(answer)).text).not.toContain('zebra');
  });
});

describe('modes', () => {
  test('observe decides and logs as enforce does, line by line and level by level', async () => {
    const bundle = await sampleBundle();
    const run = async (observed: readonly string[]) => {
      const { url, lines, entries } = await startService({ observed });
      const verdicts = [];
      for (const policy of ['genuine', 'other-software', 'fresh']) {
        const answer = await post(`${url}/verify?policy=${policy}`, bundle);
        verdicts.push(await verdictFrom(answer));
      }
      return { lines, entries, verdicts };
    };
    const enforced = await run([]);
    const observed = await run(Object.keys(policyFiles).map((file) => file.replace('.json', '')));
    const asEnforced = (text: string) => text.replaceAll('observe', 'enforce');
    expect(observed.lines.map(asEnforced)).toEqual(enforced.lines);
    expect(observed.lines).toEqual([
      expect.stringMatching(/^info accepted policy=genuine mode=observe evidence=[0-9a-f]{64}$/),
      expect.stringMatching(
        /^warn rejected policy=other-software mode=observe .* checks=policy\.measurement$/,
      ),
      expect.stringMatching(
        /^warn undecided policy=fresh mode=observe .* checks=policy\.freshness$/,
      ),
    ]);
    expect(observed.verdicts.map(({ mode }) => mode)).toEqual(['observe', 'observe', 'observe']);
    expect(JSON.parse(asEnforced(JSON.stringify(observed.verdicts)))).toEqual(enforced.verdicts);
    expect(JSON.parse(asEnforced(JSON.stringify(observed.entries)))).toEqual(enforced.entries);
  });
});
