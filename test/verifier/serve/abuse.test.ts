/** Clients that mean harm, or know no better: each is refused, and the service answers others meanwhile. */
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { bundleMediaType } from '#verifier/abi/bundle.ts';
import { toHex } from '#verifier/bytes.ts';
import { metricsOf, post, problemOf, rawExchange, sampleBundle, startService } from './helpers.ts';

const impatient = { headersTimeoutMs: 300, requestTimeoutMs: 600, checkingIntervalMs: 50 };

async function expectAlive(url: string): Promise<void> {
  const answer = await post(`${url}/verify?policy=genuine`, await sampleBundle());
  expect(await answer.json()).toMatchObject({ decision: 'accepted' });
}

const head = (...lines: string[]) =>
  ['POST /verify?policy=genuine HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n');

function* drops(text: string) {
  yield* text;
}

function problemIn(answer: string) {
  const [start = '', body = ''] = answer.split('\r\n\r\n');
  expect(start.toLowerCase()).toContain('content-type: application/problem+json');
  expect(start.toLowerCase()).toContain('connection: close');
  return { status: Number(start.split(' ')[1]), code: JSON.parse(body).code };
}

test('a header that comes byte by byte', async () => {
  const { url, port } = await startService({ limits: impatient });
  const slow = rawExchange(port, drops(`GET /healthz HTTP/1.1\r\n${'X: y\r\n'.repeat(100)}`), 20);
  await expectAlive(url);
  expect(problemIn(await slow)).toEqual({ status: 408, code: 'request-timeout' });
  expect(await metricsOf(url)).toContain('affidavit_errors_total{code="request-timeout"} 1');
});

test('a body that comes byte by byte', async () => {
  const { url, port, service } = await startService({ limits: impatient });
  const announced = head(`Content-Type: ${bundleMediaType}`, 'Content-Length: 10000');
  const pieces = [announced, ...' '.repeat(1000)];
  const slow = rawExchange(port, pieces, 20);
  await expectAlive(url);
  await slow;
  expect(service.load.bodyBytes()).toBe(0);
  expect(service.load.requests).toBe(0);
  await expectAlive(url);
});

test('a body that is announced as 10 MB, sent whole, in chunks, or never', async () => {
  const { url, port, service } = await startService();
  const big = Buffer.alloc(10_000_000, ' ');
  const type = `Content-Type: ${bundleMediaType}`;
  const whole = await rawExchange(port, [head(type, `Content-Length: ${big.length}`), big]);
  expect(problemIn(whole)).toEqual({ status: 413, code: 'body-too-large' });
  const chunk = `${big.length.toString(16)}\r\n`;
  const inChunks = [head(type, 'Transfer-Encoding: chunked'), chunk, big, '\r\n0\r\n\r\n'];
  const chunked = await rawExchange(port, inChunks);
  expect(problemIn(chunked)).toEqual({ status: 413, code: 'body-too-large' });
  const huge = await rawExchange(port, [head(type, 'Content-Length: 1000000000000')]);
  expect(problemIn(huge)).toEqual({ status: 413, code: 'body-too-large' });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(`${url}/verify?policy=genuine`, big)),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 413));
  expect(service.load.bodyBytes()).toBe(0);
  await expectAlive(url);
});

test('a body on a resource that takes none', async () => {
  const { url, port } = await startService();
  const answer = await rawExchange(port, [
    'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
  ]);
  expect(problemIn(answer)).toEqual({ status: 400, code: 'body-unexpected' });
  await expectAlive(url);
});

test('1,000 sockets that say nothing', async () => {
  const { url, port } = await startService({
    limits: { ...impatient, headersTimeoutMs: 3000, requestTimeoutMs: 3000 },
  });
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  let hungUp = 0;
  await Promise.all(
    Array.from({ length: 1000 }, () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.on('close', () => {
        hungUp += 1;
      });
      sockets.push(socket.resume());
      return new Promise((resolve) => socket.on('connect', resolve));
    }),
  );
  const start = performance.now();
  await expectAlive(url);
  expect(performance.now() - start).toBeLessThan(2000);
  expect(hungUp).toBe(0);
  await expect.poll(() => hungUp, { timeout: 10_000 }).toBe(1000);
  await expectAlive(url);
});

test('more connections than there may be', async () => {
  const { url, port } = await startService({ limits: { ...impatient, maxConnections: 4 } });
  const idle = await Promise.all(Array.from({ length: 8 }, () => rawExchange(port, [])));
  expect(idle.map((answer) => answer.slice(0, 12)).toSorted()).toEqual([
    ...Array.from({ length: 4 }, () => ''),
    ...Array.from({ length: 4 }, () => 'HTTP/1.1 408'),
  ]);
  await expectAlive(url);
});

test.each([
  ['no HTTP', '\x16\x03\x01\x02\x00', 400, 'http-malformed'],
  ['two lengths', `${head('Content-Length: 1', 'Content-Length: 2')}`, 400, 'http-malformed'],
  [
    'a length and chunks',
    head('Content-Length: 1', 'Transfer-Encoding: chunked'),
    400,
    'http-malformed',
  ],
  ['a header of 9 KB', head(`X: ${'y'.repeat(9000)}`), 431, 'header-too-large'],
])('%s', async (_, text, status, code) => {
  const { url, port } = await startService();
  expect(problemIn(await rawExchange(port, [text]))).toEqual({ status, code });
  expect(await metricsOf(url)).toContain(`affidavit_errors_total{code="${code}"} 1`);
  await expectAlive(url);
});

test.each([
  ['deep', '['.repeat(8_000_000), 'too-large', 413],
  ['wide', `[${'{},'.repeat(2_600_000)}0]`, 'too-large', 413],
  ['deep, but not long', '['.repeat(10_000), 'json-malformed', 400],
  ['a string without an end', `"${'x'.repeat(8_000_000)}`, 'json-malformed', 400],
])('JSON that is %s', async (_, text, code, status) => {
  const { url, service, entries } = await startService();
  const start = process.cpuUsage();
  const answer = await post(`${url}/verify?policy=genuine`, text);
  expect(await problemOf(answer)).toMatchObject({ code, status });
  const { user } = process.cpuUsage(start);
  // Not even the sender's part of it takes a second.
  expect(user).toBeLessThan(1e6);
  expect(entries).toEqual([]);
  expect(service.load.bodyBytes()).toBe(0);
  await expectAlive(url);
});

test('a client that hangs up in the middle of its body', async () => {
  const { url, port, service } = await startService();
  const socket = connect(port, '127.0.0.1');
  socket.write(head(`Content-Type: ${bundleMediaType}`, 'Content-Length: 1000'));
  socket.write(toHex(new Uint8Array(100)), () => socket.destroy());
  await expect.poll(() => metricsOf(url)).toContain('{code="body-incomplete"} 1');
  expect(service.load.bodyBytes()).toBe(0);
  await expectAlive(url);
});

test('large bodies that stay in memory leave room for small ones', async () => {
  const { url, port, service } = await startService();
  // 24 times nearly 8 MiB, never finished: more than the 128 MiB that they may hold.
  const length = 8 * 1024 * 1024;
  const part = Buffer.alloc(length - 1, ' ');
  const start = head(`Content-Type: ${bundleMediaType}`, `Content-Length: ${length}`);
  let answers = '';
  const sockets = Array.from({ length: 24 }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.setEncoding('latin1').on('data', (chunk) => {
      answers += chunk;
    });
    socket.write(start);
    socket.write(part);
    return socket;
  });
  const refused = () => answers.split('"busy"').length - 1;
  await expect.poll(refused, { timeout: 15_000 }).toBeGreaterThan(4);
  expect(service.load.bodyBytes()).toBeGreaterThan(100e6);
  expect(service.load.bodyBytes()).toBeLessThan(140e6);
  await expectAlive(url);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => service.load.bodyBytes(), { timeout: 5000 }).toBe(0);
  await expectAlive(url);
});

test('ends when the requests under way are answered, not before', async () => {
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { url, server } = await startService({
    decisionLog: { append: () => held },
    limits: { stopGraceMs: 15_000 },
  });
  const answer = post(`${url}/verify?policy=genuine`, await sampleBundle());
  await expect.poll(() => metricsOf(url)).toContain('affidavit_requests_in_flight 2');
  const closed = server.close();
  await expect
    .poll(() =>
      fetch(`${url}/healthz`).then(
        () => 'up',
        () => 'down',
      ),
    )
    .toBe('down');
  finish();
  expect((await answer).status).toBe(200);
  await closed;
});
