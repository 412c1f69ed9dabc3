/** Waits for a guest, whose emulated processor takes its time. */
import { setTimeout as sleep } from 'node:timers/promises';

const patienceSeconds = 300;

/** The first outcome of `attempt` that is no error; after five minutes, its error. */
export async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + 1000 * patienceSeconds;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(1000);
    }
  }
}
