/** Counting and telling what the device does, and asking it once at the start; telling what collateral there is. */
import type { UnixTime } from '#verifier/time.ts';
import { collateralStatus, describeCollateral } from './collateral.ts';
import type { Logger } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { EvidenceSource, GuardedSource, SourceObserver } from './source.ts';

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

const collateralLookMs = 60_000;

/** Says which collateral evidence carries, now and whenever that changes, until the signal comes. */
export function tellCollateral(
  source: EvidenceSource,
  { now, logger, signal }: { now: () => UnixTime; logger: Logger; signal: AbortSignal },
): void {
  let said = '';
  const tell = async () => {
    const carried = await source.carried?.();
    if (carried === undefined || signal.aborted) return;
    const { line, ok } = describeCollateral(collateralStatus(source.platform, carried, now()));
    if (line === said) return;
    said = line;
    if (ok) logger.info(line);
    else logger.warn(line);
  };
  const look = () => void tell().catch((cause) => logger.error('collateral is not known', cause));
  const timer = setInterval(look, collateralLookMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  look();
}
