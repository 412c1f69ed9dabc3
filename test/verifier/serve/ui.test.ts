/** The live page: who gets it, and what it is told. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { entry, evidencePolicy, sampleUi } from '#test/verifier/serve/ui-samples.ts';
import { logHistory, readPage } from '#verifier/cli/serve-ui.ts';
import { noDigest, sealLine, type Tail } from '#verifier/decision-log/line.ts';
import { activityAnswer, decisionsAnswer } from '#verifier/serve/answers.ts';
import type { DecisionQuery } from '#verifier/serve/decisions.ts';
import type { DecisionEntry } from '#verifier/serve/ports.ts';
import { metricsOf, post, problemOf, rawExchange, sampleBundle, startService } from './helpers.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-ui-'));
afterAll(() => rmSync(folder, { recursive: true }));

const jsonPaths = ['/ui/activity', '/ui/decisions'];

describe('the page', () => {
  test('is not there without --ui', async () => {
    const { url } = await startService();
    for (const path of ['/ui', '/ui/', '/ui/live.html', ...jsonPaths])
      expect(await problemOf(await fetch(url + path))).toMatchObject({ status: 404 });
    expect(await problemOf(await fetch(`${url}/ui/activity`, { method: 'POST' }))).toMatchObject({
      status: 404,
    });
  });

  test('comes with what isolates it, and with its own content policy', async () => {
    const { url } = await startService({ ui: sampleUi() });
    const answer = await fetch(`${url}/ui/`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^<!doctype html>/);
    const headers = Object.fromEntries(answer.headers);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache',
      'content-security-policy': expect.stringMatching(
        /^default-src 'none'; script-src 'self';.*connect-src 'self';.*frame-ancestors 'none'$/,
      ),
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect((await fetch(`${url}/ui/live.html`)).headers.get('etag')).toBe(headers['etag']);
    const redirect = await fetch(`${url}/ui`, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([308, '/ui/']);
    const evidence = await fetch(`${url}/ui/evidence.html`);
    expect(evidence.headers.get('content-security-policy')).toBe(
      `${evidencePolicy}; frame-ancestors 'none'`,
    );
    expect((await fetch(`${url}/ui/index.html`)).headers.get('etag')).toBe(
      evidence.headers.get('etag'),
    );
  });

  test('has files that may be kept, and are not sent twice', async () => {
    const { url } = await startService({ ui: sampleUi() });
    const path = `${url}/ui/assets/live-abc123.js`;
    const first = await fetch(path);
    expect(first.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    expect(first.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    const etag = first.headers.get('etag') as string;
    const again = await fetch(path, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await fetch(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
    const key = await fetch(`${url}/ui/circuits/response.vk`);
    expect(key.headers.get('content-type')).toBe('application/octet-stream');
    const refused = await problemOf(await fetch(path, { method: 'POST' }));
    expect([refused.code, refused.headers.get('allow')]).toEqual([
      'method-not-allowed',
      'GET, HEAD',
    ]);
    expect(await metricsOf(url)).toContain('affidavit_requests_total{route="/ui/",status="200"} 3');
  });

  test.each([
    '/ui/../package.json',
    '/ui/%2e%2e/package.json',
    '/ui/..%2fpackage.json',
    '/ui/assets/../live.html',
    '/ui//live.html',
    '/ui/live.html%00.js',
    '/ui/LIVE.html',
    '/ui/assets/',
    '/ui/constructor',
    '/ui/__proto__',
  ])('gives nothing but its own names: %s', async (path) => {
    const { port } = await startService({ ui: sampleUi() });
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    expect(await rawExchange(port, [request])).toMatch(/^HTTP\/1\.1 404 /);
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
    ['another name of this site', { 'sec-fetch-site': 'same-site' }],
    ['a frame of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }],
  ])('is refused to %s', async (_, headers) => {
    const { url } = await startService({ ui: sampleUi() });
    for (const path of [...jsonPaths, '/ui/', '/ui/assets/live-abc123.js'])
      expect(await problemOf(await fetch(url + path, { headers }))).toMatchObject({
        status: 403,
        code: 'cross-site',
      });
  });

  test('may be linked to from elsewhere, but not what it shows', async () => {
    const { url, port } = await startService({ ui: sampleUi() });
    // A browser's own headers, which fetch would not send as given.
    const follow = (path: string) =>
      rawExchange(port, [
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nConnection: close\r\n\r\n`,
      ]);
    expect(await follow('/ui/')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await follow('/ui/activity')).toMatch(/^HTTP\/1\.1 403 /);
    const own = { 'sec-fetch-site': 'same-origin' };
    expect((await fetch(`${url}/ui/activity`, { headers: own })).status).toBe(200);
  });

  test.each([
    ['127.0.0.1', 'attacker.example', 403],
    ['127.0.0.1', 'localhost.attacker.example:8787', 403],
    ['127.0.0.1', 'localhost:8787', 200],
    ['127.0.0.1', '[::1]:8787', 200],
    ['127.0.0.1', '127.0.0.1', 200],
    ['0.0.0.0', 'verifier.example', 200],
  ])('listening on %s, asked as %s: %i', async (host, name, status) => {
    const { port } = await startService({ ui: sampleUi({ host }) });
    const answer = await rawExchange(port, [
      `GET /ui/activity HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
    ]);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('is read from a folder, and without it the command that builds it is named', async () => {
    const dist = join(folder, 'dist');
    mkdirSync(join(dist, 'assets'), { recursive: true });
    for (const name of ['live.html', 'assets/a.js', 'notes.txt', '.secret.html', 'assets/b.js.map'])
      writeFileSync(join(dist, name), name);
    expect([...(await readPage(dist)).keys()].toSorted()).toEqual(['assets/a.js', 'live.html']);
    await expect(readPage(join(folder, 'nothing'))).rejects.toMatchObject({
      exitCode: 2,
      remedy: expect.stringContaining('npm run web'),
    });
  });
});

describe('/ui/activity', () => {
  test('tells of decisions, and is not sent twice', async () => {
    const { url } = await startService({ ui: sampleUi(), decisionLog: null });
    const ask = (headers = {}) => fetch(`${url}/ui/activity`, { headers });
    const before = await ask();
    const etag = before.headers.get('etag') as string;
    expect(before.headers.get('cache-control')).toBe('no-store');
    expect((await ask({ 'if-none-match': etag })).status).toBe(304);
    const bundle = await sampleBundle();
    await post(`${url}/verify?policy=genuine`, bundle);
    await post(`${url}/verify?policy=other-software`, bundle);
    const after = await ask({ 'if-none-match': etag });
    expect(after.status).toBe(200);
    const answer = activityAnswer.decode(await after.json(), 'answer');
    expect(answer).toMatchObject({
      since: fakeNow,
      insecure: true,
      logged: false,
      policies: ['genuine', 'other-software', 'fresh'],
      total: { accepted: 1, rejected: 1, invalid: 0, undecided: 0 },
      refusals: [{ id: 'policy.measurement', failed: 1 }],
      agents: [],
    });
    expect(answer.byPolicy[0]).toMatchObject({ name: 'genuine', accepted: 1 });
    expect(answer.byPolicy[0]?.mean).toBeGreaterThan(0);
  });
});

describe('/ui/decisions', () => {
  test('finds what it is asked for, and refuses what it does not know', async () => {
    const { url, entries } = await startService({ ui: sampleUi() });
    const bundle = await sampleBundle();
    for (const policy of ['genuine', 'other-software', 'fresh'])
      await post(`${url}/verify?policy=${policy}`, bundle);
    const ask = async (query: string) => {
      const answer = await fetch(`${url}/ui/decisions?${query}`);
      expect(answer.status).toBe(200);
      return decisionsAnswer.decode(await answer.json(), 'answer');
    };
    const names = async (query: string) =>
      (await ask(query)).decisions.map(({ policyName }) => policyName);
    expect(await names('')).toEqual(['fresh', 'other-software', 'genuine']);
    expect(await names('limit=1')).toEqual(['fresh']);
    expect(await names('search=SOFT%20measure')).toEqual(['other-software']);
    expect(await names('search=reject')).toEqual(['other-software']);
    expect(await names('decision=accepted')).toEqual(['genuine']);
    const digest = entries[0]?.evidence as string;
    expect((await names(`search=${digest.slice(0, 8)}`)).length).toBe(3);
    // Only its beginning counts: what stands inside a digest is chance.
    expect(await names(`search=${digest.slice(1, 9)}`)).toEqual([]);
    for (const query of ['limit=0', 'limit=201', 'before=x', 'decision=fine', 'search=%00', 'x=1'])
      expect(await problemOf(await fetch(`${url}/ui/decisions?${query}`))).toMatchObject({
        code: 'query-malformed',
      });
  });
});

describe('a decision log of 10,000 lines', () => {
  const path = join(folder, 'decisions.log');
  const all: DecisionEntry[] = [];
  let tail: Tail = { seq: 0, digest: noDigest };

  function append(file: string, given: DecisionEntry): void {
    const sealed = sealLine({ kind: 'decision', ...given }, tail, given.at);
    tail = sealed.tail;
    pending += `${sealed.line}\n`;
    if (pending.length > 1_000_000) flush(file);
  }
  let pending = '';
  function flush(file: string): void {
    appendFileSync(file, pending);
    pending = '';
  }

  for (let i = 0; i < 10_000; i++) {
    const rejected = i % 1000 === 500;
    const made = entry(rejected ? 'rejected' : 'accepted', {
      at: fakeNow + i,
      policyName: i % 2 === 0 ? 'Even Policy' : 'odd',
      evidence: i.toString(16).padStart(4, '0').repeat(16),
      failed: rejected ? ['policy.measurement'] : [],
    });
    all.push(made);
    append(path, made);
  }
  flush(path);

  const query: DecisionQuery = { before: null, after: null, words: [], decision: null, limit: 200 };
  const history = logHistory(path);

  /** Answer by answer, to the beginning of the log. */
  async function everything(more: Partial<DecisionQuery>) {
    const found = [];
    let answers = 0;
    for (let before: string | null = null; ; ) {
      const answer = await history.read({ ...query, ...more, before });
      answers += 1;
      found.push(...answer.decisions);
      if (answer.older === null) return { found, answers };
      before = answer.older;
    }
  }

  test('is read whole, each line once, the newest first', async () => {
    const { found, answers } = await everything({});
    expect(answers).toBe(50);
    expect(found.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toReversed());
    expect(new Set(found.map(({ id }) => id)).size).toBe(10_000);
  });

  test('is searched', async () => {
    const rejected = await everything({ decision: 'rejected' });
    expect(rejected.found.map(({ at }) => at - fakeNow)).toEqual(
      Array.from({ length: 10 }, (_, i) => 9500 - 1000 * i),
    );
    expect((await everything({ words: ['measurement', 'even'] })).found.length).toBe(10);
    expect((await everything({ words: ['measurement', 'odd'] })).found.length).toBe(0);
    const [one, ...none] = (await everything({ words: ['270f270f'] })).found;
    expect([one?.at, none]).toEqual([fakeNow + 9999, []]);
    // A member's name is no text of a decision, though it is in every line.
    expect((await everything({ words: ['policyname'] })).found).toEqual([]);
  });

  test('tells what came since, and survives a line that is cut short, edited or in another file', async () => {
    const { newest } = await history.read({ ...query, limit: 1 });
    expect((await history.read({ ...query, after: newest })).decisions).toEqual([]);
    append(path, entry('invalid', { at: fakeNow + 10_000 }));
    flush(path);
    appendFileSync(path, '{"at":17');
    const torn = await history.read({ ...query, after: newest });
    expect(torn.decisions).toMatchObject([{ decision: 'invalid' }]);
    expect(torn.older).toBeNull();
    appendFileSync(path, '},"no line"\n');
    const damaged = await history.read({ ...query, after: torn.newest });
    expect(damaged).toMatchObject({ decisions: [], damaged: 1 });

    const other = join(folder, 'other.log');
    tail = { seq: 0, digest: noDigest };
    append(other, entry('undecided'));
    flush(other);
    const rotated = logHistory(other);
    expect((await rotated.read({ ...query, after: newest })).decisions.length).toBe(1);
    expect((await rotated.read({ ...query, before: newest })).decisions).toEqual([]);
    expect(await logHistory(join(folder, 'none.log')).read(query)).toMatchObject({
      decisions: [],
      older: null,
    });
  });

  test('gives part of an answer for part of a long log', async () => {
    const long = join(folder, 'long.log');
    tail = { seq: 0, digest: noDigest };
    append(long, entry('rejected', { policyName: 'the first' }));
    flush(long);
    const filler = `${'x'.repeat(999)}\n`.repeat(1000);
    for (let i = 0; i < 20; i++) appendFileSync(long, filler);
    const first = await logHistory(long).read({ ...query, words: ['first'] });
    expect(first.decisions).toEqual([]);
    expect(first.older).not.toBeNull();
    let { older } = first;
    let last = first;
    for (let answers = 1; older !== null; answers++) {
      expect(answers).toBeLessThan(4);
      last = await logHistory(long).read({ ...query, words: ['first'], before: older });
      older = last.older;
    }
    expect(last.decisions).toMatchObject([{ policyName: 'the first' }]);
  });
});
