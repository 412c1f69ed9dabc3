/** Counting and telling what the device does, and asking it once at the start; telling what collateral there is. */
import type { UnixTime } from '#verifier/time.ts';
import { collateralStatus, describeCollateral } from './collateral.ts';
import { type Devices, type DevicesObserver, labelText, noDevices } from './devices/devices.ts';
import type { Logger } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { QueueObserver } from './queue.ts';
import type { EvidenceSource, GuardedSource } from './source.ts';

/** @param clock milliseconds that never go back */
export function deviceObserver(
  metrics: Metrics,
  logger: Logger,
  clock: () => number,
): QueueObserver<unknown> {
  const teller = hangTeller(logger);
  return {
    called() {
      const start = clock();
      return (outcome) => metrics.device(outcome, (clock() - start) / 1000);
    },
    abandoned: (count, limit) => teller.abandoned('the device', count, limit),
    ended: (count, limit) => teller.ended('the device', count, limit),
  };
}

/** The same for the devices of the configuration. */
export function devicesObserver(
  metrics: Metrics,
  logger: Logger,
  clock: () => number,
): DevicesObserver {
  const teller = hangTeller(logger);
  return {
    called(label) {
      const start = clock();
      return (outcome) => metrics.devices(label, outcome, (clock() - start) / 1000);
    },
    abandoned: (label, count, limit) => teller.abandoned(labelText(label), count, limit),
    ended: (label, count, limit) => teller.ended(labelText(label), count, limit),
  };
}

function hangTeller(logger: Logger) {
  return {
    abandoned(what: string, count: number, limit: number) {
      logger.warn(`${what} hangs: a call was abandoned (${count} of ${limit})`);
      if (count >= limit) {
        logger.error(
          `not ready: ${what} is asked no more until an abandoned call ends; if none does, restart the guest`,
        );
      }
    },
    ended(what: string, count: number, limit: number) {
      logger.info(`an abandoned call of ${what} has ended (${count} of ${limit} are left)`);
    },
  };
}

const longestWaitMs = 30_000;

/**
 * Asks the device, and each of the configuration's, until it has answered anyone: over zeros, which no verifier takes.
 * @returns false when `signal` came first
 */
export async function firstAnswer(
  source: GuardedSource,
  signal: AbortSignal,
  logger: Logger,
  devices: Devices = noDevices,
): Promise<boolean> {
  const processor: Asked = {
    what: 'the device',
    ask: () => source.report(new Uint8Array(64)),
    answered: () => source.status().answered,
  };
  const others = devices.labels.map(
    (label): Asked => ({
      what: labelText(label),
      ask: () => devices.ask(label.index, new Uint8Array(32)),
      answered: () => devices.status()[label.index]?.answered === true,
    }),
  );
  const all = [processor, ...others].map((asked) => askUntilAnswer(asked, signal, logger));
  return (await Promise.all(all)).every((answered) => answered);
}

type Asked = { what: string; ask(): Promise<unknown>; answered(): boolean };

async function askUntilAnswer(
  { what, ask, answered }: Asked,
  signal: AbortSignal,
  logger: Logger,
): Promise<boolean> {
  for (let wait = 1000; !signal.aborted; wait = Math.min(2 * wait, longestWaitMs)) {
    try {
      await ask();
    } catch (cause) {
      logger.warn(`not ready: ${what} gave no report; asked again in ${wait / 1000} s`, cause);
      await sleep(wait, signal);
    }
    if (answered()) return true;
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
