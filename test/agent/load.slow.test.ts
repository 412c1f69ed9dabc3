/** Ten minutes with a device that fails and hangs. */
import { expect, test } from 'vitest';
import { load } from '#test/tools/agent-load.ts';
import { thirds } from '#test/tools/bench-agent.ts';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: memory is read from /proc, which is Linux’s');

test.skipIf(!linux)(
  '1 in 50 calls failing or hanging: no wrong answer, flat memory, a bounded queue',
  { timeout: 700_000 },
  async () => {
    const limits = { queue: 16, timeoutMs: 1000, hangMs: 1500 };
    const result = await load({
      device: 'sign',
      seconds: 600,
      rate: 50,
      sample: 1,
      faults: 50,
      limits,
    });
    expect(result.wrong).toBe(0);
    expect(result.good).toBeGreaterThan(1000);
    expect(result.problems['connection']).toBeUndefined();
    expect(result.queued).toBeLessThanOrEqual(limits.queue);
    const [first, last] = thirds(result.memory);
    expect(last).toBeLessThan(first * 1.15);
  },
);
