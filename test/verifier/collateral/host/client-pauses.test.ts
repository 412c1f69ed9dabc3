import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { httpServer } from './servers.ts';
import { body, failure, fresh, good, limit, stand, start, status } from './stand.ts';

describe('a pause', () => {
  test.each([
    [
      'seconds',
      '240',
      240,
      /2026-11-18T11:10:40Z, which is in 4 minutes: it answered with status 429/,
    ],
    ['a date', 'Wed, 18 Nov 2026 12:06:40 GMT', 3600, /T12:06:40Z, which is in 60 minutes/],
    ['weeks', '9999999', 86_400, /2026-11-19T11:06:40Z, which is in 24 hours/],
    ['no time', '0', 1, /which is in 1 second:/],
    ['a date that is over', 'Wed, 18 Nov 2020 12:06:40 GMT', 1, /which is in 1 second:/],
    ['rubbish', 'soon', 2, /which is in 2 seconds:/],
  ])('of %s, as Retry-After says', async (_, said, seconds, message) => {
    let asked = 0;
    let answer = status(429, { 'retry-after': said, date: 'Wed, 18 Nov 2026 11:06:40 GMT' });
    const host = await httpServer((request, response) => {
      asked += 1;
      answer(request, response);
    });
    const { source, clock } = await stand();
    clock.now = Date.UTC(2026, 10, 18, 11, 6, 40) / 1000;
    expect((await failure(source, `http://${host}/a`)).code).toBe('vendor-busy');
    const paused = await failure(source, `http://${host}/b`);
    expect(paused.code).toBe('vendor-busy');
    expect(paused.message).toMatch(message);
    clock.now += seconds - 1;
    await failure(source, `http://${host}/b`);
    expect(asked).toBe(1);
    clock.now += 1;
    answer = good;
    expect((await source.get(`http://${host}/b`, limit)).body).toEqual(body);
    expect(asked).toBe(2);
  });

  test('by a date counts by the clock of the server', async () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const host = await httpServer(
      status(503, { date, 'retry-after': 'Sun, 06 Nov 1994 08:50:37 GMT' }),
    );
    const { source, store } = await stand();
    await failure(source, `http://${host}/a`);
    expect(await store.pauseOf(host)).toMatchObject({ until: start + 60, code: 'vendor-busy' });
  });

  test('doubles from 2 s to 10 minutes, and a success ends it', async () => {
    let answer = status(500);
    const host = await httpServer((request, response) => answer(request, response));
    const { source, store, clock } = await stand();
    const waits: number[] = [];
    for (let n = 0; n < 11; n++) {
      await failure(source, `http://${host}/a`);
      const pause = await store.pauseOf(host);
      waits.push((pause?.until ?? 0) - clock.now);
      clock.now = pause?.until ?? 0;
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    answer = good;
    await source.get(`http://${host}/a`, limit);
    expect(await store.pauseOf(host)).toBeNull();
    answer = status(404);
    await failure(source, `http://${host}/a`);
    expect(await store.pauseOf(host)).toBeNull();
    answer = status(500);
    await failure(source, `http://${host}/a`);
    expect(await store.pauseOf(host)).toMatchObject({ until: clock.now + 2 });
  });

  test('is of its host alone, and known to who shares the cache', async () => {
    const folder = fresh();
    const [busy, other] = [await httpServer(status(429)), await httpServer(good)];
    const { source } = await stand(2000, folder);
    await failure(source, `http://${busy}/a`);
    await source.get(`http://${other}/a`, limit);
    const { source: another } = await stand(2000, folder);
    expect((await failure(another, `http://${busy}/a`)).message).toMatch(/is not asked again/);
    const { source: stranger } = await stand();
    expect((await failure(stranger, `http://${busy}/a`)).message).not.toMatch(/is not asked again/);
  });

  test('that a wrong clock left for years from now is no pause', async () => {
    const host = await httpServer(good);
    const { source, store } = await stand();
    await store.pause(host, start + 86_401, 'a clock was ahead');
    expect((await source.get(`http://${host}/a`, limit)).body).toEqual(body);
    await store.pause(host, start + 86_400, 'a long pause');
    expect((await failure(source, `http://${host}/a`)).code).toBe('vendor-busy');
  });
});

describe('requests', () => {
  test('20 at once: one in flight a host', async () => {
    let flying = 0;
    let most = 0;
    const host = await httpServer(async (_, response) => {
      flying += 1;
      most = Math.max(most, flying);
      await sleep(5);
      flying -= 1;
      response.end(body);
    });
    const folder = fresh();
    const stands = await Promise.all([stand(2000, folder), stand(2000, folder)]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => stands[n % 2]?.source.get(`http://${host}/${n}`, limit)),
    );
    expect(answers.map((answer) => answer?.body)).toEqual(Array(20).fill(body));
    expect(most).toBe(1);
  });

  test('that wait for one that fails are told so, and not sent', async () => {
    let asked = 0;
    const host = await httpServer(async (_, response) => {
      asked += 1;
      await sleep(100);
      response.writeHead(500).end();
    });
    const { source } = await stand();
    const all = Array.from({ length: 20 }, (_, n) => failure(source, `http://${host}/${n}x`));
    expect((await Promise.all(all)).map(({ code }) => code)).toEqual(
      Array(20).fill('vendor-unreachable'),
    );
    expect(asked).toBe(1);
  });

  test('of a caller who is mistaken are not sent', async () => {
    const { source } = await stand();
    for (const address of ['', 'vendor.test', 'ftp://vendor.test/', 'file:///etc/passwd']) {
      await expect(source.get(address, limit)).rejects.toThrow(RangeError);
    }
    for (const wrong of [0, -1, 1.5, Number.POSITIVE_INFINITY]) {
      await expect(source.get('http://127.0.0.1:1/', wrong)).rejects.toThrow(RangeError);
    }
  });

  test('to a mirror with a password do not tell it', async () => {
    const seen: unknown[] = [];
    const host = await httpServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    const { source } = await stand();
    const asked = source.get(`http://name:secret@${host}/a`, limit);
    await expect(asked).rejects.toThrow(`http://${host}/a: it answered with status 404`);
    expect(seen).toEqual([`Basic ${btoa('name:secret')}`]);
  });
});
