/** Counting and telling what the device does, and asking it once at the start. */
import type { Logger } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { GuardedSource, SourceObserver } from './source.ts';

/** @param clock milliseconds that never go back */
export function deviceObserver(
  metrics: Metrics,
  logger: Logger,
  clock: () => number,
): SourceObserver {
  return {
    called() {
      const start = clock();
      return (outcome) => metrics.device(outcome, (clock() - start) / 1000);
    },
    abandoned(count, limit) {
      logger.warn(`the device hangs: a call was abandoned (${count} of ${limit})`);
      if (count >= limit) {
        logger.error(
          'not ready: the device is asked no more until an abandoned call ends; if none does, restart the guest',
        );
      }
    },
    ended(count, limit) {
      logger.info(`an abandoned call of the device has ended (${count} of ${limit} are left)`);
    },
  };
}

const longestWaitMs = 30_000;

/**
 * Asks the device until it has answered anyone: a report over zeros, which no verifier takes.
 * @returns false when `signal` came first
 */
export async function firstAnswer(
  source: GuardedSource,
  signal: AbortSignal,
  logger: Logger,
): Promise<boolean> {
  for (let wait = 1000; !signal.aborted; wait = Math.min(2 * wait, longestWaitMs)) {
    try {
      await source.report(new Uint8Array(64));
    } catch (cause) {
      logger.warn(`not ready: the device gave no report; asked again in ${wait / 1000} s`, cause);
      await sleep(wait, signal);
    }
    if (source.status().answered) return true;
  }
  return false;
}

/** Ends early when the signal comes. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
