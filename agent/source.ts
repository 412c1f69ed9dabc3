/** Where evidence comes from: one small interface, and what guards a device behind it. */
import type { CollateralItem, Platform } from '#verifier/abi/bundle.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Carried } from './collateral.ts';
import { createQueue, type QueueLimits, type QueueObserver, type QueueStatus } from './queue.ts';

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

export type SourceStatus = QueueStatus & {
  /** Whether the device has ever answered. */
  readonly answered: boolean;
};

export type GuardedSource = EvidenceSource & {
  readonly limits: Required<QueueLimits>;
  status(): SourceStatus;
};

const unobserved: QueueObserver<Bytes> = { called: () => () => {}, abandoned() {}, ended() {} };

/** One request at a time to the device: firmware throttles guests that ask too often. */
export function oneAtATime(
  source: EvidenceSource,
  limits: QueueLimits,
  observer: QueueObserver<Bytes> = unobserved,
): GuardedSource {
  let answered = false;
  const call = async (reportData: Bytes) => {
    const found = await source.report(reportData);
    answered = true;
    return found;
  };
  const queue = createQueue('the device', call, limits, observer);
  return {
    ...source,
    limits: queue.limits,
    report: queue.ask,
    status: () => ({ ...queue.status(), answered }),
  };
}
