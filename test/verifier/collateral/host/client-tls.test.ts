import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { utf8 } from '#verifier/bytes.ts';
import { createSource } from '#verifier/collateral/host/client.ts';
import { openStore } from '#verifier/collateral/host/store.ts';
import type { Source } from '#verifier/collateral/ports.ts';
import { scratch } from './folders.ts';
import { credentials, httpServer, nobody, proxyServer, rawServer, tlsServer } from './servers.ts';

const fresh = scratch();
const body = utf8('{"tcbInfo":{}}');
const good: RequestListener = (_, response) => response.end(body);
const ours = credentials();

async function sourceWith(
  ca: readonly string[],
  environment: Record<string, string> = {},
  timeLimit = 3000,
): Promise<Source> {
  const store = await openStore(fresh());
  return createSource({ store, now: () => 1_795_000_000, timeLimit, ca, environment });
}

const asked = async (source: Source, address: string) => (await source.get(address, 1000)).body;

describe('a certificate', () => {
  test('by an unknown authority is refused, and accepted when its file is given', async () => {
    const address = `https://localhost:${await tlsServer(ours, good)}/a`;
    await expect(asked(await sourceWith([]), address)).rejects.toMatchObject({
      code: 'answer-wrong',
      message: expect.stringMatching(/not of an authority that is trusted here.*--ca-file/),
    });
    const other = await sourceWith([credentials().ca]);
    await expect(asked(other, address)).rejects.toMatchObject({ code: 'answer-wrong' });
    expect(await asked(await sourceWith([ours.ca]), address)).toEqual(body);
    const several = `a comment\n${credentials().ca}${ours.ca}`;
    expect(await asked(await sourceWith([several]), address)).toEqual(body);
  });

  test.each([
    ['that has expired', credentials({ to: -60 }), 'localhost', /has expired, or the clock/],
    [
      'that is not valid yet',
      credentials({ from: 600 }),
      'localhost',
      /not valid yet, or the clock/,
    ],
    ['for another name', credentials(), '127.0.0.1', /for another name/],
  ] as const)('%s is refused', async (_, theirs, host, message) => {
    const port = await tlsServer(theirs, good);
    await expect(
      asked(await sourceWith([theirs.ca]), `https://${host}:${port}/a`),
    ).rejects.toMatchObject({ code: 'answer-wrong', message: expect.stringMatching(message) });
  });

  test('is not what a server without TLS has', async () => {
    const plain = (await httpServer(good)).replace('127.0.0.1', 'localhost');
    await expect(asked(await sourceWith([]), `https://${plain}/a`)).rejects.toMatchObject({
      code: 'answer-wrong',
      message: expect.stringMatching(/speaks no TLS/),
    });
  });

  test('file that holds none, or a damaged one, is a mistake of the caller', async () => {
    await expect(sourceWith([''])).rejects.toThrow(/no certificate in PEM/);
    const damaged = ours.ca.replace(/\n[A-Za-z0-9+/]{20}/, `\n${'A'.repeat(20)}`);
    await expect(sourceWith([damaged])).rejects.toThrow(RangeError);
    await expect(sourceWith([ours.ca])).resolves.toBeDefined();
  });
});

describe('a proxy', () => {
  test('is asked for a way to what is https, and for what is http', async () => {
    const port = await tlsServer(ours, good);
    const proxy = await proxyServer();
    const through = { HTTPS_PROXY: `http://${proxy.host}`, http_proxy: proxy.host };
    const source = await sourceWith([ours.ca], through);
    expect(await asked(source, `https://localhost:${port}/a`)).toEqual(body);
    expect(await asked(source, 'http://vendor.test/a')).toEqual(utf8('from the proxy'));
    expect(proxy.asked).toEqual([`CONNECT localhost:${port}`, 'GET http://vendor.test/a']);
  });

  test('opens nothing that the server’s certificate does not answer for', async () => {
    const port = await tlsServer(credentials(), good);
    const proxy = await proxyServer();
    const source = await sourceWith([ours.ca], { HTTPS_PROXY: `http://${proxy.host}` });
    await expect(asked(source, `https://localhost:${port}/a`)).rejects.toMatchObject({
      code: 'answer-wrong',
      message: expect.stringMatching(/authority/),
    });
    expect(proxy.asked).toHaveLength(1);
  });

  test('is passed by for hosts of NO_PROXY, and where there is none', async () => {
    const port = await tlsServer(ours, good);
    const proxy = await proxyServer();
    const HTTPS_PROXY = `http://${proxy.host}`;
    for (const environment of [
      { HTTPS_PROXY, NO_PROXY: 'localhost' },
      { HTTPS_PROXY, no_proxy: '*' },
      { HTTP_PROXY: HTTPS_PROXY },
      {},
    ]) {
      expect(
        await asked(await sourceWith([ours.ca], environment), `https://localhost:${port}/a`),
      ).toEqual(body);
    }
    expect(proxy.asked).toEqual([]);
  });

  test('of the process is not used where the environment that was given names none', async () => {
    const proxy = await proxyServer();
    const port = await tlsServer(ours, good);
    const before = process.env['HTTPS_PROXY'];
    process.env['HTTPS_PROXY'] = `http://${proxy.host}`;
    try {
      expect(await asked(await sourceWith([ours.ca]), `https://localhost:${port}/a`)).toEqual(body);
    } finally {
      if (before === undefined) delete process.env['HTTPS_PROXY'];
      else process.env['HTTPS_PROXY'] = before;
    }
    expect(proxy.asked).toEqual([]);
  });

  test.each([
    [
      'wants a password',
      '407 Who',
      /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a name and a password/,
    ],
    ['forbids', '403 No', /refused the way there with status 403/],
    ['does not find the host', '404 No', /refused the way there with status 404/],
    [
      'points elsewhere',
      '302 No\r\nlocation: http://x.test',
      /refused the way there with status 302/,
    ],
    ['answers nothing', '', /made no way there|no whole answer/],
  ])('that %s is not taken for the vendor', async (_, answer, message) => {
    const proxy = await proxyServer(answer);
    const source = await sourceWith([], { HTTPS_PROXY: `http://name:secret@${proxy.host}` }, 500);
    const failed = asked(source, 'https://vendor.test/a');
    await expect(failed).rejects.toMatchObject({
      code: 'vendor-unreachable',
      message: expect.stringMatching(message),
    });
    await expect(failed).rejects.not.toThrow(/secret/);
  });

  test('that is dead is named', async () => {
    const host = await nobody();
    const source = await sourceWith([], { https_proxy: host });
    await expect(asked(source, 'https://vendor.test/a')).rejects.toMatchObject({
      code: 'vendor-unreachable',
      message: expect.stringContaining(`(ECONNREFUSED); https_proxy names the proxy ${host}`),
    });
  });

  test('that cuts the connection is named', async () => {
    const host = await rawServer((socket) => socket.once('data', () => socket.destroy()));
    const source = await sourceWith([], { HTTPS_PROXY: `http://${host}` });
    await expect(asked(source, 'https://vendor.test/a')).rejects.toMatchObject({
      code: 'vendor-unreachable',
      message: expect.stringContaining(host),
    });
  });

  test.each([
    ['socks5://127.0.0.1:1', /HTTPS_PROXY names a proxy of the kind socks5:/],
    ['http://', /HTTPS_PROXY is not an address/],
    ['not a host', /HTTPS_PROXY is not an address/],
  ])('%s is none that is known here', async (value, message) => {
    const source = await sourceWith([], { HTTPS_PROXY: value });
    await expect(asked(source, 'https://vendor.test/a')).rejects.toMatchObject({
      code: 'vendor-unreachable',
      message: expect.stringMatching(message),
    });
  });
});
