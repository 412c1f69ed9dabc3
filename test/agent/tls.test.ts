/** The agent's own TLS: one key of the boot, TLS 1.3 alone, and the channel from its own end. */
import type { X509Certificate } from 'node:crypto';
import { get } from 'node:https';
import { connect as connectTcp, createServer as createTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import Koa from 'koa';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parseConfig } from '#agent/config.ts';
import { serve } from '#agent/listen.ts';
import { openTls } from '#agent/tls.ts';
import { tlsExporterChannel } from '#verifier/abi/report-data.ts';
import { toHex, utf8 } from '#verifier/bytes.ts';
import { spkiOf } from '#verifier/cli/peer.ts';
import { codeOf, recorder } from './helpers.ts';

const label = 'EXPORTER-affidavit-channel-v1';
const start = 1_800_000_000;

async function serving(clock = { time: start }) {
  const logger = recorder();
  const tls = await openTls({
    certificateLifetime: 30,
    now: () => clock.time,
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    logger,
  });
  const app = new Koa().use((ctx) => {
    ctx.body = toHex(tls.channelOf(ctx.socket).hash);
  });
  app.silent = true;
  const server = await serve(app, { host: '127.0.0.1', port: 0 }, tls);
  onTestFinished(() => server.close());
  return { tls, url: server.url, port: Number(new URL(server.url).port), clock, logger };
}

function open(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => done(socket)).once('error', fail);
  });
}

function ask(socket: TLSSocket): Promise<string> {
  return new Promise((done) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.on('close', () => done(text.split('\r\n\r\n')[1] ?? ''));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  });
}

const certificateOf = (socket: TLSSocket) => socket.getPeerX509Certificate() as X509Certificate;

describe('the channel', () => {
  test('is the exporter of this very session, with the key of the certificate', async () => {
    const { tls, url, port } = await serving();
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const socket = await open(port);
      const spki = spkiOf(new Uint8Array(certificateOf(socket).raw));
      expect(toHex(spki)).toBe(toHex(tls.spki));
      const exporter = new Uint8Array(socket.exportKeyingMaterial(32, label, Buffer.alloc(0)));
      const own = toHex(tlsExporterChannel(spki, exporter).hash);
      expect(await ask(socket)).toBe(own);
      seen.push(own);
    }
    expect(seen[0]).not.toBe(seen[1]);
  });

  test('is no other connection’s', async () => {
    const { tls } = await serving();
    const plain = createTcp();
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
    const { port } = plain.address() as { port: number };
    const accepted = new Promise<Socket>((done) => plain.once('connection', done));
    const client = connectTcp(port, '127.0.0.1');
    onTestFinished(() => {
      client.destroy();
      plain.close();
    });
    const socket = await accepted;
    expect(() => tls.channelOf(socket)).toThrow('none of TLS 1.3');
    socket.destroy();
  });
});

describe('the certificate', () => {
  test('is of P-256, signed by itself, for as long as was configured', async () => {
    const { port } = await serving();
    const certificate = certificateOf(await open(port));
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validTo)).toBe((start + 30 * 86_400) * 1000);
    expect(Date.parse(certificate.validFrom)).toBe((start - 3600) * 1000);
  });

  test('is another at each start', async () => {
    const [a, b] = [await serving(), await serving()];
    expect(toHex(a.tls.spki)).not.toBe(toHex(b.tls.spki));
  });

  test('is made anew before it ends, of the same key', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { tls, port, clock, logger } = await serving();
    const first = certificateOf(await open(port));
    vi.advanceTimersByTime(3_600_000);
    expect(logger.lines).toEqual([]);
    clock.time = start + 16 * 86_400;
    vi.advanceTimersByTime(3_600_000);
    await expect.poll(() => logger.lines).toEqual([expect.stringContaining('made anew')]);
    const socket = await open(port);
    const second = certificateOf(socket);
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(Date.parse(second.validTo)).toBe((clock.time + 30 * 86_400) * 1000);
    expect(toHex(spkiOf(new Uint8Array(second.raw)))).toBe(toHex(tls.spki));
    expect(await ask(socket)).toMatch(/^[0-9a-f]{64}$/);
  });
});

test('TLS 1.2 and plain HTTP get nothing', async () => {
  const { port, url } = await serving();
  await expect(open(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  expect((await open(port, { minVersion: 'TLSv1.3' })).getProtocol()).toBe('TLSv1.3');
  await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
  await new Promise<void>((done) => {
    get(url, { rejectUnauthorized: false }, (response) => {
      expect(response.statusCode).toBe(200);
      response.resume().on('end', done);
    });
  });
});

test('stops while a connection idles', async () => {
  const clock = { time: start };
  const { tls } = await serving(clock);
  const server = await serve(new Koa(), { host: '127.0.0.1', port: 0 }, tls);
  await open(Number(new URL(server.url).port));
  const before = Date.now();
  await server.close();
  expect(Date.now() - before).toBeLessThan(8000);
});

test('the configuration gives its lifetime in days, or null for plain HTTP', async () => {
  const parse = (tls: unknown) =>
    parseConfig(
      utf8(
        JSON.stringify({
          version: 1,
          listen: { host: '::1', port: 0 },
          closure: { registration: 'r' },
          services: [],
          collateral: { vek: null, ask: null, ark: null, arkCrl: null },
          tls,
        }),
      ),
    ).tls;
  expect(parse({ certificateLifetime: 30 })).toEqual({ certificateLifetime: 30 });
  expect([parse(null), parse(undefined)]).toEqual([null, undefined]);
  for (const tls of [{}, { certificateLifetime: 0 }, { certificateLifetime: 3651 }, true]) {
    expect(await codeOf(() => parse(tls))).toBe('json-shape');
  }
});
