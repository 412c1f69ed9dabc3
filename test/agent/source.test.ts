import { describe, expect, test } from 'vitest';
import type { QueueObserver } from '#agent/queue.ts';
import { type Evidence, type EvidenceSource, oneAtATime } from '#agent/source.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { codeOf } from './helpers.ts';

type Call = { data: Bytes; answer: (evidence: Bytes) => void; fail: (error: Error) => void };

/** A device that answers when the test says so. */
function manual(): EvidenceSource & { calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    platform: 'sev-snp',
    name: 'manual',
    report: (data) =>
      new Promise<Evidence>((resolve, reject) => {
        calls.push({
          data,
          answer: (evidence) => resolve({ evidence, collateral: [] }),
          fail: reject,
        });
      }),
  };
}

const bytes = (value: number) => new Uint8Array(64).fill(value);
const settle = () => new Promise((done) => setTimeout(done, 0));

describe('oneAtATime', () => {
  test('asks the device one by one, in order, and gives each its own answer', async () => {
    const device = manual();
    const source = oneAtATime(device, { queue: 8, timeoutMs: 5000 });
    const answers = [1, 2, 3].map((value) => source.report(bytes(value)));
    for (const value of [1, 2, 3]) {
      await settle();
      expect(device.calls).toHaveLength(value);
      expect(device.calls[value - 1]?.data).toEqual(bytes(value));
      device.calls[value - 1]?.answer(bytes(value + 100));
    }
    const evidence = await Promise.all(answers);
    expect(evidence.map((found) => found.evidence[0])).toEqual([101, 102, 103]);
  });

  test('refuses what the queue cannot hold, and takes more when there is room again', async () => {
    const device = manual();
    const source = oneAtATime(device, { queue: 1, timeoutMs: 5000 });
    const first = source.report(bytes(1));
    const second = source.report(bytes(2));
    expect(await codeOf(() => source.report(bytes(3)))).toBe('device-busy');
    device.calls[0]?.answer(bytes(1));
    await first;
    await settle();
    const fourth = source.report(bytes(4));
    device.calls[1]?.answer(bytes(2));
    await second;
    await settle();
    device.calls[2]?.answer(bytes(4));
    expect((await fourth).evidence).toEqual(bytes(4));
    expect(device.calls.map(({ data }) => data[0])).toEqual([1, 2, 4]);
  });

  test('goes on after a failure', async () => {
    const device = manual();
    const source = oneAtATime(device, { queue: 8, timeoutMs: 5000 });
    const failing = codeOf(() => source.report(bytes(1)));
    const working = source.report(bytes(2));
    device.calls[0]?.fail(Object.assign(new Error('no'), { code: 'EIO' }));
    expect(await failing).toBe('EIO');
    await settle();
    device.calls[1]?.answer(bytes(2));
    expect((await working).evidence).toEqual(bytes(2));
  });

  test('gives up a slow device, asks it nothing more, drops its late answer', async () => {
    const device = manual();
    const source = oneAtATime(device, { queue: 8, timeoutMs: 30, hangMs: 5000 });
    const codes = await Promise.all(
      [1, 2].map((value) => codeOf(() => source.report(bytes(value)))),
    );
    expect(codes).toEqual(['device-timeout', 'device-timeout']);
    expect(device.calls).toHaveLength(1);
    const third = source.report(bytes(3));
    device.calls[0]?.answer(bytes(1));
    await settle();
    // The second request left the queue when its time was over: the device never hears of it.
    expect(device.calls.map(({ data }) => data[0])).toEqual([1, 3]);
    device.calls[1]?.answer(bytes(3));
    expect((await third).evidence).toEqual(bytes(3));
  });
});

describe('a device that hangs for good', () => {
  const limits = { queue: 8, timeoutMs: 60, hangMs: 80, abandoned: 2 };

  test('costs its own request; the next one gets an answer of its own', async () => {
    const device = manual();
    const source = oneAtATime(device, limits);
    expect(await codeOf(() => source.report(bytes(1)))).toBe('device-timeout');
    await expect.poll(() => source.status().abandoned).toBe(1);
    const second = source.report(bytes(2));
    expect(device.calls).toHaveLength(2);
    // The first call's answer, come late, is nobody's.
    device.calls[0]?.answer(bytes(101));
    device.calls[1]?.answer(bytes(102));
    expect((await second).evidence).toEqual(bytes(102));
    await settle();
    expect(source.status()).toEqual({ queued: 0, abandoned: 0, answered: true, hanging: false });
  });

  test('is asked no more after as many calls as may be abandoned, until one ends', async () => {
    const device = manual();
    const seen: unknown[] = [];
    const observer: QueueObserver<Bytes> = {
      called: () => (outcome) => seen.push(outcome),
      abandoned: (count, limit) => seen.push([count, limit]),
      ended: (count, limit) => seen.push(['ended', count, limit]),
    };
    const source = oneAtATime(device, limits, observer);
    for (const value of [1, 2]) {
      expect(await codeOf(() => source.report(bytes(value)))).toBe('device-timeout');
      await expect.poll(() => source.status().abandoned).toBe(value);
    }
    expect(source.status().hanging).toBe(true);
    expect(await codeOf(() => source.report(bytes(3)))).toBe('device-hanging');
    expect(device.calls).toHaveLength(2);

    device.calls[1]?.fail(new Error('the firmware came back'));
    await settle();
    expect(source.status().hanging).toBe(false);
    const fourth = source.report(bytes(4));
    device.calls[2]?.answer(bytes(4));
    expect((await fourth).evidence).toEqual(bytes(4));
    await settle();
    expect(seen).toEqual(['abandoned', [1, 2], 'abandoned', [2, 2], ['ended', 1, 2], 'answered']);
  });

  test('fails those who wait when the last call that may be abandoned is', async () => {
    const device = manual();
    const source = oneAtATime(device, { queue: 8, timeoutMs: 5000, hangMs: 30, abandoned: 1 });
    const first = source.report(bytes(1));
    const second = codeOf(() => source.report(bytes(2)));
    expect(await second).toBe('device-hanging');
    // The first asked; its answer is its own, however late.
    device.calls[0]?.answer(bytes(1));
    expect((await first).evidence).toEqual(bytes(1));
  });
});
