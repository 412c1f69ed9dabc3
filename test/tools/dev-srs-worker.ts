/** A thread of dev-srs.ts: takes batches, gives points. */
import { parentPort } from 'node:worker_threads';
import { insecurePowers } from './dev-srs-points.ts';

export type Batch = { readonly start: number; readonly count: number };
export type Powers = { readonly start: number; readonly points: Uint8Array };

parentPort?.on('message', ({ start, count }: Batch) => {
  const answer: Powers = { start, points: insecurePowers(start, count) };
  parentPort?.postMessage(answer);
});
