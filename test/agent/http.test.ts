/** The HTTP face around the evidence: what it is, whether it is ready, what it counts and refuses. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAccessLog } from '#agent/access-log.ts';
import { type AccessEntry, createApp } from '#agent/app.ts';
import { gzip } from '#agent/closure/gzip.ts';
import { serve } from '#agent/listen.ts';
import { createMetrics } from '#agent/metrics.ts';
import type { GuardedSource } from '#agent/source.ts';
import type { AgentState } from '#agent/state.ts';
import { type AmdHierarchy, fakeNow } from '#test/fake/amd.ts';
import type { InsecureAgentOptions } from '#test/fake/insecure-agent.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { countingSource, problemOf, recorder, startAgent, urlOf } from './helpers.ts';

const nonce = 'ab'.repeat(32);

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const start = (options: InsecureAgentOptions = {}) => startAgent({ hierarchy, ...options });

/** An agent whose closure and device come when the test says so. */
async function starting() {
  const { state, source } = await start();
  const given: { state: AgentState | null; source: GuardedSource | null } = {
    state: null,
    source: null,
  };
  const app = createApp({
    state: () => given.state,
    source: () => given.source,
    channelOf: () => null,
    now: () => fakeNow + 7,
    random: (length) => new Uint8Array(length),
    logger: recorder(),
    metrics: createMetrics(),
    gzip,
  });
  return { url: await urlOf(app), given, state, source };
}

describe('/readyz', () => {
  test('is 503 until closure and first answer of the device are there', async () => {
    const { url, given, state, source } = await starting();
    const unready = { status: 503, code: 'not-ready' };
    const first = await problemOf(`${url}/readyz`);
    expect(first).toMatchObject(unready);
    expect(first.headers.get('retry-after')).toBe('1');
    for (const path of ['/attestation', '/closure', '/services', '/info', '/proofs/x']) {
      expect(await problemOf(url + path)).toMatchObject(unready);
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    given.state = state;
    expect(await problemOf(`${url}/readyz`)).toMatchObject(unready);
    given.source = source;
    expect(await problemOf(`${url}/readyz`)).toMatchObject(unready);
    await source.report(new Uint8Array(64));
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ready',
      collateral: { missing: [], staleSince: null, problem: null },
    });
    expect(ready.headers.get('cache-control')).toBe('no-store');
  });

  test('is 503 again while the device hangs for good, and says how long to wait', async () => {
    let hang = false;
    const answers = countingSource(hierarchy);
    const source = countingSource(hierarchy, async (data) =>
      hang ? new Promise<never>(() => {}) : (await answers.report(data)).evidence,
    );
    const limits = { queue: 2, timeoutMs: 50, hangMs: 60, abandoned: 1 };
    const { url, logger } = await start({ source, limits });
    expect((await fetch(`${url}/attestation`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    hang = true;
    expect(await problemOf(`${url}/attestation`)).toMatchObject({ code: 'device-timeout' });
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503);
    const hanging = await problemOf(`${url}/attestation`);
    expect(hanging).toMatchObject({ status: 503, code: 'device-hanging' });
    expect(hanging.headers.get('retry-after')).toBe('30');
    expect(await problemOf(`${url}/readyz`)).toMatchObject({ code: 'device-hanging' });
    expect(logger.lines.join('\n')).toContain('not ready: the device is asked no more');
  });
});

test('/info says what the agent is, its digests and its limits', async () => {
  const { url, given, state, source } = await starting();
  Object.assign(given, { state, source });
  const response = await fetch(`${url}/info`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual({
    version: 1,
    agent: '0.1.0',
    platform: 'sev-snp',
    source: 'INSECURE simulated AMD processor',
    provider: null,
    devices: [],
    eventLog: [],
    closure: {
      digest: toHex(state.closureDigest),
      paths: 6,
      computed: fakeNow,
      ageSeconds: 7,
    },
    treeRoot: toHex(fieldToBytes(state.tree.root)),
    services: 3,
    limits: {
      urlLength: 2048,
      headerBytes: 8192,
      bodyBytes: 0,
      nonceBytes: 32,
      queue: 64,
      requestMilliseconds: 10_000,
      deviceMilliseconds: 12_000,
      abandonedCalls: 2,
    },
    // Before the first report, what comes with one is not known.
    collateral: {
      items: [],
      missing: ['vek', 'ask', 'ark', 'ark-crl'],
      leftOut: [],
      expires: null,
      staleSince: null,
      checked: null,
      problem: null,
      damaged: null,
    },
  });
});

test('/closure is compressed for those who take it, and not sent again to those who have it', async () => {
  const { url, state } = await start();
  const get = (headers: Record<string, string>) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
      (done, fail) => {
        request(`${url}/closure`, { headers }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            const { statusCode = 0, headers: got } = response;
            done({ status: statusCode, headers: got, body: Buffer.concat(parts) });
          });
        })
          .on('error', fail)
          .end();
      },
    );
  const plain = await get({});
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.body.equals(state.manifest)).toBe(true);
  const packed = await get({ 'accept-encoding': 'gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.body).equals(state.manifest)).toBe(true);
  expect(plain.headers['etag']).toBe(`"${toHex(state.closureDigest)}"`);
  expect(packed.headers['etag']).not.toBe(plain.headers['etag']);
  const again = await get({ 'if-none-match': String(plain.headers['etag']) });
  expect([again.status, again.body.length]).toEqual([304, 0]);
  expect((await get({ 'if-none-match': '"other"' })).status).toBe(200);
});

describe('what a request may bring', () => {
  test.each([
    ['Content-Length: 1\r\n', 'x'],
    ['Transfer-Encoding: chunked\r\n', '1\r\nx\r\n0\r\n\r\n'],
  ])('is no body (%s), and the connection ends', async (header, body) => {
    const { url } = await start();
    const { status, text } = await raw(
      url,
      `GET /healthz HTTP/1.1\r\nHost: x\r\n${header}\r\n${body}`,
    );
    expect(status).toBe(413);
    expect(text).toContain('"code":"body-not-accepted"');
    expect(text.toLowerCase()).toContain('connection: close');
  });

  test('may be a body of no bytes', async () => {
    const { url } = await start();
    const head =
      'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    expect((await raw(url, head)).status).toBe(200);
  });

  test.each([
    [
      'headers over 8 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nMARKER: ${'x'.repeat(9000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    ['what is no HTTP', 'MARKER\r\n\r\n', 400, 'request-malformed'],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'request-malformed',
    ],
    [
      'length and chunks',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'request-malformed',
    ],
  ])('is not %s: a problem like any other', async (_, text, status, code) => {
    const { app } = await start();
    const server = await serve(app, { host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    const answer = await raw(server.url, text);
    expect(answer.status).toBe(status);
    const [head = '', body = ''] = answer.text.split('\r\n\r\n');
    expect(head).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status, code });
    expect(answer.text).not.toContain('MARKER');
  });
});

test('no answer lets another origin read it, not even to a preflight', async () => {
  const { url } = await start();
  const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' };
  for (const method of ['GET', 'OPTIONS']) {
    for (const path of ['/attestation', '/info', '/nothing']) {
      const response = await fetch(url + path, { method, headers });
      const names = [...response.headers.keys()];
      expect(names.filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  }
});

describe('the access log', () => {
  test('has route, status, code and size of each request, and nothing of the request', async () => {
    const lines: string[] = [];
    let time = 0;
    const access = createAccessLog({
      level: 'info',
      to: { write: (line) => void lines.push(line) },
      clock: () => (time += 2.5),
    });
    const { url } = await start({ access });
    await fetch(`${url}/attestation?nonce=${nonce}`, { headers: { 'X-Marker': 'MARKER' } });
    await fetch(`${url}/proofs/MARKER`);
    await fetch(`${url}/MARKER?MARKER`, { method: 'POST', body: 'MARKER' });
    await fetch(`${url}/healthz`, { method: 'DELETE' });
    const entries = lines.map((line) => JSON.parse(line));
    expect(entries).toMatchObject([
      { level: 'info', method: 'GET', route: 'attestation', status: 200, code: null, ms: 2.5 },
      { level: 'warn', method: 'GET', route: 'proof', status: 400, code: 'name-malformed' },
      { level: 'warn', method: 'other', route: null, status: 404, code: 'not-found' },
      { level: 'warn', method: 'other', route: null, status: 405, code: 'method-not-allowed' },
    ]);
    expect(entries[0].bytes).toBeGreaterThan(1000);
    expect(Object.keys(entries[0])).toEqual([
      'level',
      'time',
      'method',
      'route',
      'status',
      'code',
      'bytes',
      'ms',
      'msg',
    ]);
    expect(lines.join('')).not.toMatch(/MARKER|127\.0\.0\.1|abab/);
  });

  test.each([
    ['warn', [400, 500]],
    ['error', [500]],
    ['silent', []],
  ] as const)('of level %s begins there', (level, statuses) => {
    const lines: string[] = [];
    const access = createAccessLog({
      level,
      to: { write: (line) => void lines.push(line) },
      clock: () => 0,
    });
    const entry: AccessEntry = { method: 'GET', route: 'info', status: 0, code: null, bytes: 0 };
    for (const status of [200, 304, 400, 500]) access()({ ...entry, status });
    expect(lines.map((line) => JSON.parse(line).status)).toEqual(statuses);
  });
});

/** Sends text and reads to the connection's end. */
function raw(url: string, text: string): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.setEncoding('utf8').on('data', (part) => {
      got += part;
    });
    socket.on('close', () => done({ status: Number(got.split(' ')[1]), text: got }));
    socket.on('error', fail);
  });
}
