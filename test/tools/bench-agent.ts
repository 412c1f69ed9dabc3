/** Figures of the agent's HTTP face on a simulated device. */
import { deviceRate, load } from './agent-load.ts';
import { line, median, ms } from './bench-figures.ts';

const megabytes = (value: number) => `${value.toFixed(0)} MB`;

/** @param minutes of the run with faults */
export async function benchAgent(minutes = 2): Promise<void> {
  if (process.platform !== 'linux') return;
  const open = await load({ device: 'wait', seconds: 15, rate: 300, sample: 20 });
  const lost = open.answered - open.good;
  line('agent, 300 requests/s over 50 connections, p50', ms(open.p50));
  line('  p99', ms(open.p99), '100 ms or less');
  line('  not answered 200', `${lost} of ${open.answered}`);
  line('  processor time for a request', ms(open.cpu));
  line('  memory (RSS), largest', megabytes(Math.max(...open.memory)), '120 MB or less');

  const before = await deviceRate('wait');
  const full = await load({ device: 'wait', seconds: 10, rate: 0, sample: 50 });
  const own = (before + (await deviceRate('wait'))) / 2;
  line('agent, saturated by 50 connections', `${full.rate.toFixed(0)}/s`);
  const share = `${((100 * full.rate) / own).toFixed(0)} % of ${own.toFixed(0)}/s`;
  line('  of the device’s own rate', share, '80 % or more');

  const limits = { queue: 16, timeoutMs: 1000, hangMs: 1500 };
  const faulty = await load({
    device: 'sign',
    seconds: minutes * 60,
    rate: 50,
    sample: 1,
    faults: 50,
    limits,
  });
  const [first, last] = thirds(faulty.memory);
  line(`agent, ${minutes} min, 1 in 50 calls fails or hangs: wrong`, `${faulty.wrong}`, '0');
  line('  answered well', `${faulty.good} of ${faulty.answered}`);
  line(
    '  problems',
    Object.entries(faulty.problems)
      .map((entry) => entry.join(' '))
      .join(', '),
  );
  line('  queue, longest', `${faulty.queued}`, `${limits.queue} or less`);
  line('  memory, first third and last', `${megabytes(first)}, ${megabytes(last)}`, 'flat');
}

/** Medians of the first third, without what starting costs, and of the last. */
export function thirds(values: readonly number[]): [number, number] {
  const third = Math.ceil(values.length / 3);
  return [median(values.slice(0, third)), median(values.slice(-third))];
}

if (import.meta.main) await benchAgent(Number(process.argv[2] ?? 2));
