/** Where evidence comes from: one small interface, and what guards a device behind it. */
import type { CollateralItem, Platform } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
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
  /**
   * A report over these 64 bytes, made now: never one made before.
   * @throws AgentError `device-failed`, `device-busy`, `device-timeout`
   */
  report(reportData: Bytes): Promise<Evidence>;
};

export type QueueLimits = {
  /** How many requests may wait while one is at the device. */
  readonly queue: number;
  /** From the request on, waiting included. */
  readonly timeoutMs: number;
};

type Job = { run: () => Promise<void> };

/**
 * One request at a time to the device: firmware throttles guests that ask too often. A request that
 * finds the queue full is refused, and one that takes too long is given up. A device that hangs
 * keeps its place until it answers, for the call in the kernel cannot be taken back; what it
 * answers late is dropped.
 */
export function oneAtATime(source: EvidenceSource, limits: QueueLimits): EvidenceSource {
  const waiting: Job[] = [];
  let busy = false;

  function next(): void {
    const job = waiting.shift();
    busy = job !== undefined;
    void job?.run().finally(next);
  }

  function report(reportData: Bytes): Promise<Evidence> {
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
        async run() {
          try {
            resolve(await source.report(reportData));
          } catch (cause) {
            reject(cause);
          } finally {
            clearTimeout(timer);
          }
        },
      };
      waiting.push(job);
      if (!busy) next();
    });
  }

  return { platform: source.platform, name: source.name, report };
}
