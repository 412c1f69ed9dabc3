import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHttpDate, secondsToWait } from '#verifier/collateral/host/answer.ts';
import { backoffOf, hostName } from '#verifier/collateral/host/pauses.ts';
import { openStore } from '#verifier/collateral/host/store.ts';
import { seconds } from '#verifier/collateral/host/words.ts';
import { scratch } from './folders.ts';

const fresh = scratch();
const now = 1_795_000_000;

describe('pauses', () => {
  test('are kept, changed and forgotten, each host its own', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    expect(await store.pauseOf('vendor.test')).toBeNull();
    await store.backOff('vendor.test', now, 'vendor-unreachable', 'no\nway\u0000');
    await store.pause('vendor.test:8443', now + 60, 'it is busy');
    const other = await openStore(folder);
    expect(await other.pauseOf('vendor.test')).toEqual({
      until: now + 2,
      why: 'no way ',
      code: 'vendor-unreachable',
      failures: 1,
    });
    expect(await other.pauseOf('vendor.test:8443')).toEqual({
      until: now + 60,
      why: 'it is busy',
      code: 'vendor-busy',
      failures: 1,
    });
    await other.resume('vendor.test');
    await other.resume('vendor.test');
    expect(await store.pauseOf('vendor.test')).toBeNull();
    expect(await store.pauseOf('vendor.test:8443')).not.toBeNull();
  });

  test('with long reasons are kept, cut', async () => {
    const store = await openStore(fresh());
    await store.pause('a', now, '\u{1f511}'.repeat(400));
    expect((await store.pauseOf('a'))?.why).toBe('\u{1f511}'.repeat(250));
  });

  test('in damaged files are none', async () => {
    const folder = fresh();
    const store = await openStore(folder);
    await store.pause('a', now, 'busy');
    const path = join(folder, 'pauses', 'a.json');
    const whole = readFileSync(path, 'utf8');
    for (const text of [
      '',
      '{}',
      whole.slice(1),
      whole.replace('"a"', '"b"'),
      whole.replace(':1,', ':2,'),
    ]) {
      writeFileSync(path, text);
      expect(await store.pauseOf('a'), text).toBeNull();
    }
    writeFileSync(path, whole);
    expect(await store.pauseOf('a')).not.toBeNull();
    expect(readdirSync(join(folder, 'pauses'))).toEqual(['a.json']);
  });

  test('grow to 10 minutes and no further', () => {
    expect([1, 2, 9, 10, 1000].map(backoffOf)).toEqual([2, 4, 512, 600, 600]);
  });
});

describe('a host', () => {
  test('has a file name of its own', () => {
    expect(hostName('kdsintf.amd.com')).toBe('kdsintf.amd.com');
    expect(hostName('[::1]:8443')).toBe('%5b%3a%3a1%5d%3a8443');
    const host = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
    fc.assert(
      fc.property(host, host, (a, b) => {
        expect(hostName(a)).toMatch(/^[a-z0-9.%-]+$/);
        expect(hostName(a) === hostName(b)).toBe(a === b);
      }),
    );
    for (const wrong of ['', 'a b', 'ä', 'a\n', 'a'.repeat(256)]) {
      expect(() => hostName(wrong)).toThrow(RangeError);
    }
  });
});

describe('dates of HTTP', () => {
  test('are read in the one form that may be sent', () => {
    expect(parseHttpDate('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(784_111_777);
    for (const wrong of [
      '',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
      'Mon, 06 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37 +0000',
      'Sun, 31 Feb 1994 08:49:37 GMT',
      'Thu, 06 Nov 1969 08:49:37 GMT',
      '1994-11-06T08:49:37Z',
    ]) {
      expect(parseHttpDate(wrong), wrong).toBeNull();
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (time) => {
        expect(parseHttpDate(new Date(time * 1000).toUTCString())).toBe(time);
      }),
    );
  });

  test('whatever Retry-After says, it is nothing, or 1 s to a day', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.date().map(String)), (said) => {
        const wait = secondsToWait({ 'retry-after': said }, now);
        expect(wait === null || (wait >= 1 && wait <= 86_400)).toBe(true);
      }),
    );
    expect(secondsToWait({}, now)).toBeNull();
    expect(secondsToWait({ 'retry-after': '9'.repeat(400) }, now)).toBe(86_400);
  });
});

test('lengths of time in words', () => {
  const words = [0.4, 1, 2, 119, 120, 121, 7199, 7200, 86_400, 172_800].map(seconds);
  expect(words).toEqual([
    '1 second',
    '1 second',
    '2 seconds',
    '119 seconds',
    '2 minutes',
    '3 minutes',
    '120 minutes',
    '2 hours',
    '24 hours',
    '2 days',
  ]);
});
