/** Where evidence comes from: one small interface, and what guards a device behind it. */
import type { CollateralItem, Platform } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Carried } from './collateral.ts';
import { AgentError } from './errors.ts';

export type Evidence = {
  /** The raw report. */
  readonly evidence: Bytes;
  /** What came with it; it counts by its own signatures alone. */
  readonly collateral: readonly CollateralItem[];
};

export type EvidenceSource = {
  readonly platform: Platform;
  /** For people: `configfs-tsm`. */
  readonly name: string;
  /** What the kernel calls its module: `sev_guest`. */
  readonly provider?: string;
  /**
   * A report over these 64 bytes, made now: never one made before.
   * @throws AgentError `device-failed`, `device-busy`, `device-timeout`, `device-hanging`
   */
  report(reportData: Bytes): Promise<Evidence>;
  /** The collateral that evidence has now; the device is not asked. */
  carried?(): Promise<Carried>;
};

export type QueueLimits = {
  /** How many requests may wait while one is at the device. */
  readonly queue: number;
  /** From the request on, waiting included. */
  readonly timeoutMs: number;
  /** From the call of the device on: after that it is abandoned. Default: twice `timeoutMs`. */
  readonly hangMs?: number;
  /**
   * Abandoned calls at a time, after which the device is asked no more. Each holds a thread of
   * Node's pool of four. Default 2.
   */
  readonly abandoned?: number;
};

export type SourceStatus = {
  /** Requests that wait for the device. */
  readonly queued: number;
  /** Calls that were given up and have not ended. */
  readonly abandoned: number;
  /** Whether the device has ever answered. */
  readonly answered: boolean;
  /** Whether so many calls are abandoned that no other is made. */
  readonly hanging: boolean;
};

export type GuardedSource = EvidenceSource & {
  readonly limits: Required<QueueLimits>;
  status(): SourceStatus;
};

export type DeviceOutcome = 'answered' | 'failed' | 'abandoned';

/** Who counts and logs; it holds the clock. */
export type SourceObserver = {
  /** The device is called; what is returned is called at the call's end, or when it is given up. */
  called(): (outcome: DeviceOutcome) => void;
  /** Calls that are abandoned now; `limit` reached means that the device is asked no more. */
  abandoned(count: number, limit: number): void;
  /** A call that was given up has ended after all. */
  ended(count: number, limit: number): void;
};

const unobserved: SourceObserver = { called: () => () => {}, abandoned() {}, ended() {} };

type Job = { readonly reportData: Bytes; settle(found: Promise<Evidence>): void; fail(): void };

/**
 * One request at a time to the device: firmware throttles guests that ask too often. A request that
 * finds the queue full is refused, and one that takes too long is given up. A call in the kernel
 * cannot be taken back: a device that hangs keeps its place until `hangMs`, then the call is
 * abandoned (what it answers late is dropped) and the next request has the place, in an entry of
 * its own. Once `abandoned` calls hang, all requests are refused until one of those ends.
 */
export function oneAtATime(
  source: EvidenceSource,
  limits: QueueLimits,
  observer: SourceObserver = unobserved,
): GuardedSource {
  const most = limits.abandoned ?? 2;
  const hangMs = limits.hangMs ?? 2 * limits.timeoutMs;
  const waiting: Job[] = [];
  let busy = false;
  let abandoned = 0;
  let answered = false;
  const hanging = () => abandoned >= most;

  function next(): void {
    const job = busy || hanging() ? undefined : waiting.shift();
    if (job !== undefined) call(job);
  }

  function call({ reportData, settle }: Job): void {
    busy = true;
    const finish = observer.called();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      finish('abandoned');
      leave();
    }, hangMs);
    const end = (outcome: DeviceOutcome) => {
      clearTimeout(timer);
      if (late) comeBack();
      else {
        busy = false;
        finish(outcome);
        next();
      }
    };
    // Called at once; what it throws is its answer too.
    const found = (async () => source.report(reportData))();
    settle(found);
    found.then(
      () => {
        answered = true;
        end('answered');
      },
      () => end('failed'),
    );
  }

  function leave(): void {
    abandoned += 1;
    busy = false;
    observer.abandoned(abandoned, most);
    if (hanging()) for (const job of waiting.splice(0)) job.fail();
    next();
  }

  function comeBack(): void {
    abandoned -= 1;
    observer.ended(abandoned, most);
    next();
  }

  function report(reportData: Bytes): Promise<Evidence> {
    if (hanging()) return Promise.reject(hangs(abandoned));
    if (busy && waiting.length >= limits.queue) {
      return Promise.reject(
        new AgentError('device-busy', `${waiting.length} requests already wait for the device`),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const place = waiting.indexOf(job);
        if (place !== -1) waiting.splice(place, 1);
        const where = place === -1 ? 'the device did not answer' : 'its turn did not come';
        reject(new AgentError('device-timeout', `${where} within ${limits.timeoutMs} ms`));
      }, limits.timeoutMs);
      const job: Job = {
        reportData,
        settle: (found) => {
          found.then(resolve, reject).finally(() => clearTimeout(timer));
        },
        fail() {
          clearTimeout(timer);
          reject(hangs(abandoned));
        },
      };
      waiting.push(job);
      next();
    });
  }

  return {
    ...source,
    limits: { ...limits, hangMs, abandoned: most },
    report,
    status: () => ({ queued: waiting.length, abandoned, answered, hanging: hanging() }),
  };
}

function hangs(count: number): AgentError {
  return new AgentError('device-hanging', `${count} calls of the device have not ended`);
}
