/** How the app answers what it refuses, and what the device does wrong. */
import { request } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { AgentError } from '#agent/errors.ts';
import type { AmdHierarchy } from '#test/fake/amd.ts';
import type { InsecureAgentOptions } from '#test/fake/insecure-agent.ts';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { countingSource, problemOf, startAgent } from './helpers.ts';

let hierarchy: AmdHierarchy;
beforeAll(async () => {
  hierarchy = await testHierarchy({ product: 'Milan' });
});

const start = (options: InsecureAgentOptions = {}) => startAgent({ hierarchy, ...options });

describe('a device that', () => {
  test("gives another request's report is refused", async () => {
    const { report } = createSnpDevice(hierarchy);
    const wrong = (data: Uint8Array) => report(data.with(63, (data[63] as number) ^ 1));
    const { url, logger } = await start({ source: countingSource(hierarchy, wrong) });
    expect(await problemOf(`${url}/attestation`)).toMatchObject({
      status: 502,
      code: 'device-failed',
    });
    expect(logger.lines.join()).toContain('other REPORT_DATA');
  });

  test('gives what is no report, or fails, is refused', async () => {
    for (const answer of [
      () => new Uint8Array(1184),
      () => Promise.reject(new Error('ioctl said 0x20 about SECRET')),
    ]) {
      const { url, logger } = await start({ source: countingSource(hierarchy, answer) });
      const problem = await problemOf(`${url}/attestation`);
      expect(problem).toMatchObject({ status: 502, code: 'device-failed' });
      expect(problem.text).not.toContain('SECRET');
      expect(logger.lines).toHaveLength(1);
    }
  });

  test('is too slow is given up, and a full queue answers 503 with Retry-After', async () => {
    const source = countingSource(hierarchy, () => new Promise<never>(() => {}));
    const { url } = await start({ source, limits: { queue: 1, timeoutMs: 200 } });
    const first = problemOf(`${url}/attestation`);
    await expect.poll(() => source.asked.length).toBe(1);
    const rest = await Promise.all([
      problemOf(`${url}/attestation`),
      problemOf(`${url}/attestation`),
    ]);
    expect(await first).toMatchObject({ status: 504, code: 'device-timeout' });
    const busy = rest.find(({ code }) => code === 'device-busy');
    expect(busy?.status).toBe(503);
    expect(busy?.headers.get('retry-after')).toBe('1');
    expect(rest.some(({ code }) => code === 'device-timeout')).toBe(true);
    expect(source.asked).toHaveLength(1);
  });
});

describe('a problem', () => {
  test('reflects nothing of the request', async () => {
    const { url } = await start();
    for (const path of [
      '/attestation?nonce=MARKER',
      '/attestation?MARKER=1',
      '/proofs/MARKER',
      '/MARKER',
    ]) {
      const { text, headers } = await problemOf(url + path);
      expect(text + JSON.stringify([...headers])).not.toContain('MARKER');
    }
  });

  test('of an unexpected fault is a bare 500 and a line in the log', async () => {
    for (const error of [new TypeError('SECRET'), new AgentError('config-invalid', 'SECRET')]) {
      const { state, logger } = await start();
      const broken = new Proxy(state, {
        get() {
          throw error;
        },
      });
      const { url } = await start({ state: broken, logger });
      const problem = await problemOf(`${url}/closure`);
      expect(JSON.parse(problem.text)).toEqual({
        type: 'about:blank',
        title: 'Internal Server Error',
        status: 500,
        code: 'internal',
      });
      expect(logger.lines).toEqual(['error answered internal SECRET']);
    }
  });

  test('refuses a URL of 2049 characters, not one of 2048', async () => {
    const { url } = await start();
    const long = (length: number) => `${url}/${'x'.repeat(length - 1)}`;
    expect(await problemOf(long(2048))).toMatchObject({ code: 'not-found' });
    expect(await problemOf(long(2049))).toMatchObject({ status: 414, code: 'url-too-long' });
  });

  test('answers a request whose target is no path', async () => {
    const { url } = await start();
    const { port } = new URL(url);
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: '*', method: 'OPTIONS' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  });
});
