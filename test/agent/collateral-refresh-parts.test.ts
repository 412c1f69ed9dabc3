/** How the refresher asks its agent, and when it looks again. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nextLook } from '#agent/collateral-refresh.ts';
import { askAgent } from '#agent/collateral-refresh-source.ts';
import { utf8 } from '#verifier/bytes.ts';

const day = 86_400;

describe('the agent', () => {
  const never = new AbortController().signal;

  /** Answers with these statuses in turn, the last one again and again. */
  async function answering(...statuses: number[]) {
    let asked = 0;
    const server = createServer((_, response) => {
      response.writeHead(statuses[Math.min(asked, statuses.length - 1)] ?? 500);
      asked += 1;
      response.end('body');
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { url, asked: () => asked };
  }

  test('is asked again while it is about to start', async () => {
    const { url, asked } = await answering(503, 503, 200);
    expect(await askAgent(url, 10)(never)).toEqual({ bundle: utf8('body') });
    expect(asked()).toBe(3);
  });

  test.each([
    [503, 4],
    [404, 1],
    [302, 1],
  ])('that answers %i is asked %i times', async (status, times) => {
    const { url, asked } = await answering(status);
    const missing = `no evidence from ${url}: it answered with status ${status}`;
    expect(await askAgent(url, 10)(never)).toMatchObject({ missing });
    expect(asked()).toBe(times);
  });

  test('that is not there is named', async () => {
    expect(await askAgent('http://127.0.0.1:9', 10)(never)).toMatchObject({
      missing: 'no evidence from http://127.0.0.1:9: ECONNREFUSED',
    });
  });
});

describe('when to look again', () => {
  const next = (ageing: number | null, random: number, complete = true) =>
    nextLook({ complete, ageing }, { now: 1000, longest: 10 * day, random }) - 1000;

  test('is when the first object ages, jittered', () => {
    expect(next(1000 + 4 * day, 0.5)).toBe(4 * day);
    expect(next(1000 + 4 * day, 0)).toBe(3.5 * day);
    expect(next(1000 + 4 * day, 0.999999)).toBeGreaterThan(4.4 * day);
  });

  test('is never within the hour, nor after the longest time', () => {
    expect(next(0, 0.5)).toBe(3600);
    expect(next(1000 + 400 * day, 0.9)).toBe(10 * day);
    expect(next(null, 0.5)).toBe(10 * day);
  });

  test('is in about an hour while something lacks', () => {
    expect(next(1000 + 400 * day, 0, false)).toBe(3600);
    expect(next(null, 0.999999, false)).toBeLessThan(3600 * 1.25);
  });
});
