/** What guards a device: one request at a time, a limit to those that wait, and an end to those that hang. */
import { AgentError } from './errors.ts';

export type QueueLimits = {
  /** How many requests may wait while one is at the device. */
  readonly queue: number;
  /** From the request on, waiting included. */
  readonly timeoutMs: number;
  /** From the call of the device on: after that it is abandoned. Default: twice `timeoutMs`. */
  readonly hangMs?: number;
  /**
   * Abandoned calls at a time, after which the device is asked no more. Each may hold a thread of
   * Node's pool of four. Default 2.
   */
  readonly abandoned?: number;
};

export type QueueStatus = {
  /** Requests that wait for the device. */
  readonly queued: number;
  /** Calls that were given up and have not ended. */
  readonly abandoned: number;
  /** Whether so many calls are abandoned that no other is made. */
  readonly hanging: boolean;
};

export type DeviceOutcome = 'answered' | 'failed' | 'abandoned';

/** Who counts and logs; it holds the clock. */
export type QueueObserver<A> = {
  /** The device is called; what is returned is called at the call's end, or when it is given up. */
  called(argument: A): (outcome: DeviceOutcome) => void;
  /** Calls that are abandoned now; `limit` reached means that the device is asked no more. */
  abandoned(count: number, limit: number): void;
  /** A call that was given up has ended after all. */
  ended(count: number, limit: number): void;
};

export type Queue<A, R> = {
  readonly limits: Required<QueueLimits>;
  /** @throws AgentError `device-busy`, `device-timeout`, `device-hanging`; what the call throws */
  ask(argument: A): Promise<R>;
  status(): QueueStatus;
};

type Job<A, R> = { readonly argument: A; settle(found: Promise<R>): void; fail(): void };

/**
 * A request that finds the queue full is refused, and one that takes too long is given up. A call in the
 * kernel cannot be taken back: a device that hangs keeps its place until `hangMs`, then the call is
 * abandoned (what it answers late is dropped) and the next request has the place. Once `abandoned` calls
 * hang, all requests are refused until one of those ends.
 * @param what the device, for messages
 */
export function createQueue<A, R>(
  what: string,
  device: (argument: A) => Promise<R>,
  limits: QueueLimits,
  observer: QueueObserver<A>,
): Queue<A, R> {
  const most = limits.abandoned ?? 2;
  const hangMs = limits.hangMs ?? 2 * limits.timeoutMs;
  const waiting: Job<A, R>[] = [];
  let busy = false;
  let abandoned = 0;
  const hanging = () => abandoned >= most;
  const hangs = () =>
    new AgentError('device-hanging', `${abandoned} calls of ${what} have not ended`);

  function next(): void {
    const job = busy || hanging() ? undefined : waiting.shift();
    if (job !== undefined) call(job);
  }

  function call({ argument, settle }: Job<A, R>): void {
    busy = true;
    const finish = observer.called(argument);
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
    const found = (async () => device(argument))();
    settle(found);
    found.then(
      () => end('answered'),
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

  function ask(argument: A): Promise<R> {
    if (hanging()) return Promise.reject(hangs());
    if (busy && waiting.length >= limits.queue) {
      return Promise.reject(
        new AgentError('device-busy', `${waiting.length} requests already wait for ${what}`),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const place = waiting.indexOf(job);
        if (place !== -1) waiting.splice(place, 1);
        const where = place === -1 ? `${what} did not answer` : `the turn at ${what} did not come`;
        reject(new AgentError('device-timeout', `${where} within ${limits.timeoutMs} ms`));
      }, limits.timeoutMs);
      const job: Job<A, R> = {
        argument,
        settle: (found) => {
          found.then(resolve, reject).finally(() => clearTimeout(timer));
        },
        fail() {
          clearTimeout(timer);
          reject(hangs());
        },
      };
      waiting.push(job);
      next();
    });
  }

  return {
    limits: { ...limits, hangMs, abandoned: most },
    ask,
    status: () => ({ queued: waiting.length, abandoned, hanging: hanging() }),
  };
}
