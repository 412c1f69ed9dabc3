import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { toHex } from '#verifier/bytes.ts';
import { clientVersion } from '#verifier/collateral/host/client.ts';
import { httpServer, nobody, rawServer } from './servers.ts';
import { body, failure, good, limit, stand, status } from './stand.ts';

describe('an answer', () => {
  test('comes with its headers and the date of the server', async () => {
    const seen: object[] = [];
    const host = await httpServer((request, response) => {
      seen.push({ method: request.method, url: request.url, ...request.headers });
      response.writeHead(200, {
        Date: 'Sun, 06 Nov 1994 08:49:37 GMT',
        'TCB-Info-Issuer-Chain': 'a%0Ab',
        'X-Twice': ['1', '2'],
        'content-type': 'application/json',
      });
      response.end(body);
    });
    const { source } = await stand();
    const answer = await source.get(`http://${host}/tcb?fmspc=00`, limit);
    expect(answer.body).toEqual(body);
    expect(answer.date).toBe(784_111_777);
    expect(answer.headers).toMatchObject({ 'tcb-info-issuer-chain': 'a%0Ab', 'x-twice': '1, 2' });
    expect(seen).toMatchObject([
      { method: 'GET', url: '/tcb?fmspc=00', 'user-agent': `affidavit/${clientVersion}` },
    ]);
  });

  test('without a date, or with none that is one, has none', async () => {
    const host = await httpServer((request, response) => {
      response.sendDate = false;
      if (request.url === '/wrong') response.setHeader('date', 'yesterday');
      response.end(body);
    });
    const { source } = await stand();
    expect((await source.get(`http://${host}/`, limit)).date).toBeNull();
    expect((await source.get(`http://${host}/wrong`, limit)).date).toBeNull();
  });

  test('of exactly the limit is taken, and of one byte more refused, packed or not', async () => {
    const full = new Uint8Array(limit).fill(7);
    const host = await httpServer((request, response) => {
      const data = request.url?.includes('more') ? Buffer.concat([full, Buffer.from([7])]) : full;
      if (!request.url?.includes('gzip')) return response.end(data);
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(data));
    });
    const { source } = await stand();
    for (const path of ['', 'gzip']) {
      expect(toHex((await source.get(`http://${host}/${path}`, limit)).body)).toBe(toHex(full));
      const { code } = await failure(source, `http://${host}/${path}more`);
      expect(code).toBe('answer-too-large');
    }
  });

  test('the version is that of package.json', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(clientVersion).toBe(manifest.version);
  });
});

describe('a server that misbehaves', () => {
  test.each([
    ['knows nothing', status(404), 'vendor-unknown', /status 404/],
    ['finds the request wrong', status(400), 'vendor-unknown', /status 400/],
    ['is busy', status(429), 'vendor-busy', /status 429/],
    ['is in maintenance', status(503, {}, 'x'.repeat(9999)), 'vendor-busy', /status 503/],
    ['is broken', status(500), 'vendor-unreachable', /status 500/],
    ['has a broken gateway', status(502), 'vendor-unreachable', /status 502/],
    ['forbids', status(403), 'answer-wrong', /status 403/],
    ['has nothing to say', status(204), 'answer-wrong', /status 204/],
    [
      'is a portal',
      status(200, { 'content-type': 'Text/HTML; charset=utf-8' }, '<p>Log in'),
      'answer-wrong',
      /web page/,
    ],
    [
      'packs as nobody asked',
      status(200, { 'content-encoding': 'br' }, 'x'),
      'answer-wrong',
      /packed/,
    ],
    [
      'packs what is no gzip',
      status(200, { 'content-encoding': 'gzip' }, 'x'),
      'answer-wrong',
      /gzip/,
    ],
  ] as const)('%s', async (_, listener, code, message) => {
    const bad = await httpServer(listener);
    const { source } = await stand();
    const found = await failure(source, `http://${bad}/a`);
    expect(found.code).toBe(code);
    expect(found.message).toMatch(message);
    const accepting = await httpServer(good);
    expect((await source.get(`http://${accepting}/a`, limit)).body).toEqual(body);
  });

  test('points elsewhere: nobody goes there, and it is said where', async () => {
    let elsewhere = 0;
    const other = await httpServer((_, response) => {
      elsewhere += 1;
      response.end(body);
    });
    const host = await httpServer((request, response) => {
      const to = request.url === '/loop' ? '/loop' : `http://${other}/there?token=1`;
      response.writeHead(
        request.url === '/none' ? 304 : 302,
        request.url === '/none' ? {} : { location: to },
      );
      response.end();
    });
    const { source } = await stand();
    const found = await failure(source, `http://${host}/a`);
    expect(found).toMatchObject({ code: 'answer-wrong' });
    expect(found.message).toContain(`pointed to http://${other}/there, `);
    const loop = await failure(source, `http://${host}/loop`);
    expect(loop.message).toContain(`pointed to http://${host}/loop`);
    expect((await failure(source, `http://${host}/none`)).code).toBe('answer-wrong');
    expect(elsewhere).toBe(0);
    expect((await source.get(`http://${other}/`, limit)).body).toEqual(body);
  });

  test('drips: the time is for the whole answer', async () => {
    const host = await httpServer((_, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(drip));
    });
    const { source } = await stand(600);
    const begin = performance.now();
    const found = await failure(source, `http://${host}/a`);
    expect(found.code).toBe('vendor-unreachable');
    expect(found.message).toMatch(/no whole answer within 1 second/);
    expect(performance.now() - begin).toBeLessThan(3000);
  });

  test('drips headers, or says nothing', async () => {
    const dripping = await rawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-long: ');
      const drip = setInterval(() => socket.write('x'), 50);
      socket.on('close', () => clearInterval(drip));
    });
    const silent = await rawServer(() => {});
    const { source } = await stand(400);
    for (const host of [dripping, silent]) {
      const found = await failure(source, `http://${host}/a`);
      expect(found.code).toBe('vendor-unreachable');
      expect(found.message).toMatch(/no whole answer within 1 second/);
    }
  });

  test.each([
    ['ends before it has said all', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort', false],
    [
      'cuts the connection in the answer',
      'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort',
      true,
    ],
    ['cuts a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nshort', false],
    ['cuts the connection at once', '', true],
    ['ends without an answer', '', false],
  ])('%s', async (_, said, reset) => {
    const host = await rawServer((socket) => {
      socket.once('data', () => {
        if (!reset) return socket.end(said);
        socket.write(said, () => setTimeout(() => socket.resetAndDestroy(), 20));
      });
    });
    const { source } = await stand();
    const found = await failure(source, `http://${host}/a`);
    expect(found.code).toBe('vendor-unreachable');
    expect(found.message).toMatch(/connection was cut/);
  });

  test('whose gzip ends too early', async () => {
    const host = await httpServer((request, response) => {
      const packed = gzipSync(body);
      const part = request.url === '/whole' ? packed : packed.subarray(0, -9);
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(part);
    });
    const { source } = await stand();
    expect((await failure(source, `http://${host}/a`)).code).toBe('answer-wrong');
    expect((await source.get(`http://${host}/whole`, limit)).body).toEqual(body);
  });

  test('sends a bomb: no more than the limit is unpacked', async () => {
    // 64 MiB in 64 KiB.
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const host = await httpServer((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    const { source } = await stand();
    const before = process.memoryUsage().arrayBuffers;
    await expect(source.get(`http://${host}/a`, 100_000)).rejects.toMatchObject({
      code: 'answer-too-large',
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  });

  test('never ends: it is left at the limit', async () => {
    let sent = 0;
    const host = await httpServer((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    });
    const { source } = await stand(15_000);
    expect((await failure(source, `http://${host}/a`)).code).toBe('answer-too-large');
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('speaks no HTTP', async () => {
    const host = await rawServer((socket) => socket.end('220 mail.test ESMTP\r\n'));
    const { source } = await stand();
    const found = await failure(source, `http://${host}/a`);
    expect(found.code).toBe('answer-wrong');
    expect(found.message).toMatch(/speaks no HTTP/);
  });

  test('is dead: that is known at once, and again without asking', async () => {
    const host = await nobody();
    const { source } = await stand(15_000);
    await source.get(`http://${await httpServer(good)}/`, limit);
    const begin = performance.now();
    const found = await failure(source, `http://${host}/a`);
    const took = performance.now() - begin;
    expect(found.code).toBe('vendor-unreachable');
    expect(found.message).toMatch(/nothing listens there \(ECONNREFUSED\)/);
    expect(took).toBeLessThan(2000);
    const again = performance.now();
    expect((await failure(source, `http://${host}/b`)).message).toMatch(/is not asked again until/);
    const tookAgain = performance.now() - again;
    expect(tookAgain).toBeLessThan(500);
    if (process.env['AFFIDAVIT_TIMES']) {
      console.log(`dead server: ${took.toFixed(1)} ms, then ${tookAgain.toFixed(1)} ms`);
    }
  });

  test('has no such name', async () => {
    const { source } = await stand();
    const found = await failure(source, 'http://nobody.invalid/a');
    expect(found.code).toBe('vendor-unreachable');
    expect(found.message).toMatch(/ENOTFOUND|EAI_AGAIN|EREFUSED|no whole answer/);
  });
});
