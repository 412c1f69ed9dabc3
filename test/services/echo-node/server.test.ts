import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEchoServer } from '#services/echo-node/server.ts';
import { parseResponse, verifyResponse } from '#verifier/abi/response.ts';
import { concat, toHex, utf8 } from '#verifier/bytes.ts';
import { openClient, privateKey, publicKey, startEcho, time } from './helpers.ts';

const badRequest = '{"error":"bad-request"}';
const nonce = Uint8Array.from({ length: 32 }, (_, i) => i);

/** The request that an answer signs, as Latin-1; the signature is checked. */
function echoed(line: string): string {
  const response = parseResponse(line);
  expect(verifyResponse(response, publicKey)).toBe(true);
  expect(response).toMatchObject({ service: 'echo-node', time, body: response.request });
  return Buffer.from(response.request).toString('latin1');
}

describe('a line', () => {
  test('is answered with a response that verifies, under the nonce that it gives', async () => {
    const client = await openClient((await startEcho()).port);
    client.send(`@${toHex(nonce)} hello\n`);
    const response = parseResponse(await client.line());
    expect(response).toMatchObject({ nonce, time, request: utf8('hello'), body: utf8('hello') });
    expect(verifyResponse(response, publicKey)).toBe(true);
    client.send('hello\n');
    expect(parseResponse(await client.line()).nonce).toEqual(new Uint8Array(32));
  });

  test('may come in pieces, several in one packet', async () => {
    const client = await openClient((await startEcho()).port);
    for (const piece of ['he', 'l', 'lo\nwor', 'ld\n\na\nb\n']) {
      client.send(piece);
      await sleep(20);
    }
    expect((await client.lines(5)).map(echoed)).toEqual(['hello', 'world', '', 'a', 'b']);
  });

  test('may hold any bytes; a CR is part of it', async () => {
    const client = await openClient((await startEcho()).port);
    client.send(concat(Uint8Array.of(0xff, 0x00, 0xc0), utf8('\r\n')));
    expect(echoed(await client.line())).toBe('\xff\0\xc0\r');
  });

  test('has 4,096 bytes at most', async () => {
    const { port } = await startEcho();
    const client = await openClient(port);
    client.send(`${'x'.repeat(4096)}\n`);
    expect(echoed(await client.line())).toBe('x'.repeat(4096));
    client.send(`${'x'.repeat(4097)}\n`);
    expect(await client.line()).toBe(badRequest);
    expect(await client.rest()).toBe('');
    // Not even its LF is waited for.
    const endless = await openClient(port);
    endless.send('x'.repeat(4097));
    expect(await endless.line()).toBe(badRequest);
  });

  test('that is bad ends the connection, after the answers to those before it', async () => {
    const client = await openClient((await startEcho()).port);
    client.send('good\n@bad\nnever\n');
    expect(echoed(await client.line())).toBe('good');
    expect(await client.rest()).toBe(`${badRequest}\n`);
  });

  test('that is bad is told even to a client that goes on sending', async () => {
    const client = await openClient((await startEcho()).port);
    client.send(concat(utf8('@bad\n'), new Uint8Array(1_000_000)));
    expect(await client.line()).toBe(badRequest);
    expect(await client.rest()).toBe('');
  });

  test('is answered to a client that closes its side behind it; an unfinished one is not', async () => {
    const client = await openClient((await startEcho()).port);
    client.socket.end('hello\nunfinished');
    expect(echoed(await client.line())).toBe('hello');
    expect(await client.rest()).toBe('');
  });
});

describe('limits', () => {
  test('of connections: the next is told so, and the place becomes free again', async () => {
    const { port } = await startEcho({ connections: 3 });
    const clients = await Promise.all([1, 2, 3].map(() => openClient(port)));
    for (const client of clients) {
      client.send('here\n');
      expect(echoed(await client.line())).toBe('here');
    }
    const next = await openClient(port);
    expect(await next.rest()).toBe('{"error":"busy"}\n');
    clients[0]?.socket.destroy();
    await sleep(50);
    const later = await openClient(port);
    later.send('now\n');
    expect(echoed(await later.line())).toBe('now');
  });

  test('256 connections at the same time are served', async () => {
    const { port } = await startEcho();
    const clients = await Promise.all(Array.from({ length: 256 }, () => openClient(port)));
    clients.forEach((client, i) => {
      client.send(`line ${i}\n`);
    });
    const answers = await Promise.all(clients.map((client) => client.line()));
    expect(answers.map(echoed)).toEqual(clients.map((_, i) => `line ${i}`));
    expect(await (await openClient(port)).rest()).toBe('{"error":"busy"}\n');
  });

  test('of time: an idle client is cut off, one that asks in time is not', async () => {
    const { port } = await startEcho({ idleMilliseconds: 400 });
    const [idle, dripping, asking] = await Promise.all([1, 2, 3].map(() => openClient(port)));
    if (!idle || !dripping || !asking) throw new Error('no clients');
    for (let i = 0; i < 6; i++) {
      dripping.send('x');
      asking.send('x\n');
      expect(echoed(await asking.line())).toBe('x');
      await sleep(100);
    }
    expect(await idle.rest()).toBe('');
    expect(await dripping.rest()).toBe('');
    asking.send('still here\n');
    expect(echoed(await asking.line())).toBe('still here');
  });

  test('a client that does not read is waited for, then cut off; others are served', async () => {
    const { port } = await startEcho({ idleMilliseconds: 500 });
    const slow = await openClient(port);
    slow.socket.pause();
    const before = process.memoryUsage.rss();
    let gone = false;
    slow.socket
      .on('error', () => {})
      .on('close', () => {
        gone = true;
      });
    const line = `${'x'.repeat(4095)}\n`;
    slow.send(line.repeat(4_000));
    const other = await openClient(port);
    other.send('hello\n');
    expect(echoed(await other.line())).toBe('hello');
    await expect.poll(() => gone, { timeout: 15_000 }).toBe(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(150e6);
    const after = await openClient(port);
    after.send('after\n');
    expect(echoed(await after.line())).toBe('after');
  });

  test('a client with many lines does not keep another waiting', async () => {
    const { port } = await startEcho();
    const greedy = await openClient(port);
    greedy.send('\n'.repeat(800));
    await greedy.line();
    let taken = 1;
    const all = (async () => {
      for (; taken < 800; taken++) await greedy.line();
    })();
    const other = await openClient(port);
    other.send('hello\n');
    expect(echoed(await other.line())).toBe('hello');
    expect(taken).toBeLessThan(800);
    await all;
  });
});

describe('close', () => {
  test('answers what was read, takes nothing new, and lets idle clients go', async () => {
    const { server, port } = await startEcho();
    const [busy, idle] = await Promise.all([openClient(port), openClient(port)]);
    const wanted = Array.from({ length: 50 }, (_, i) => `line ${i}`);
    busy.send(wanted.map((text) => `${text}\n`).join(''));
    const first = await busy.line();
    const closed = server.close();
    busy.send('too late\n');
    expect([first, ...(await busy.lines(49))].map(echoed)).toEqual(wanted);
    expect(await busy.rest()).toBe('');
    expect(await idle.rest()).toBe('');
    await closed;
    await expect(openClient(port)).rejects.toThrow();
  });

  test('does not wait longer than its limit', async () => {
    const { server, port } = await startEcho({ stopMilliseconds: 200 });
    const slow = await openClient(port);
    slow.socket.pause();
    slow.send(`${'x'.repeat(4095)}\n`.repeat(2_000));
    await sleep(300);
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

test('refuses to start with a name or key that cannot sign', () => {
  const deps = { name: 'echo', privateKey, now: () => time, onError: () => {} };
  expect(() => createEchoServer(deps)).not.toThrow();
  expect(() => createEchoServer({ ...deps, name: 'Echo' })).toThrow(
    expect.objectContaining({ code: 'value-out-of-range' }),
  );
  expect(() => createEchoServer({ ...deps, privateKey: new Uint8Array(32) })).toThrow(RangeError);
});

test('tells a fault of its own, cuts that connection and serves on', async () => {
  let broken = true;
  const { port, faults } = await startEcho({}, () => (broken ? Number.NaN : time));
  const client = await openClient(port);
  client.send('hello\n');
  expect(await client.rest()).toBe('');
  expect(faults).toEqual([expect.any(RangeError)]);
  broken = false;
  const other = await openClient(port);
  other.send('hello\n');
  expect(echoed(await other.line())).toBe('hello');
});

test('random bytes never break it: each line is answered or refused', async () => {
  const { port, faults } = await startEcho();
  const at = fc.constant(utf8('@'));
  const part = fc.oneof(fc.uint8Array({ maxLength: 300 }), at, fc.constant(utf8('\n')));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 12 }), async (parts) => {
      const client = await openClient(port);
      const bytes = concat(...parts);
      client.socket.end(bytes);
      const answers = (await client.rest()).split('\n');
      expect(answers.pop()).toBe('');
      const asked = Buffer.from(bytes).toString('latin1').split('\n').slice(0, -1);
      const end = asked.findIndex((line) => line.startsWith('@'));
      const good = end === -1 ? asked : asked.slice(0, end);
      if (end !== -1) expect(answers.pop()).toBe(badRequest);
      expect(answers.map(echoed)).toEqual(good);
    }),
    { numRuns: 40 },
  );
  expect(faults).toEqual([]);
  const client = await openClient(port);
  client.send('alive\n');
  expect(echoed(await client.line())).toBe('alive');
});
