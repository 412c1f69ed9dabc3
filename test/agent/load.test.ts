/** A device that fails and hangs, under load: a short run of what test/tools/bench-agent.ts measures. */
import { expect, test } from 'vitest';
import { load } from '#test/tools/agent-load.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: memory is read from /proc, which is Linux’');

test.skipIf(!linux)(
  '1 in 20 calls failing or hanging: no wrong answer, a bounded queue',
  { timeout: 120_000 },
  async () => {
    const limits = { queue: 8, timeoutMs: 500, hangMs: 600 };
    const result = await load({
      device: 'sign',
      seconds: 8,
      rate: 25,
      sample: 1,
      faults: 20,
      limits,
    });
    expect(result.wrong).toBe(0);
    expect(result.read).toBe(result.good);
    expect(result.good).toBeGreaterThan(20);
    expect(result.answered).toBe(200);
    // Every request got an answer, and only those of a device in trouble were refused.
    const codes = Object.keys(result.problems);
    expect(codes).toContain('device-failed');
    const allowed = ['device-failed', 'device-timeout', 'device-busy', 'device-hanging'];
    expect(codes.filter((code) => !allowed.includes(code))).toEqual([]);
    expect(result.queued).toBeLessThanOrEqual(limits.queue);
  },
);
