/**
 * A development reference string in Barretenberg's layout: true powers of a KNOWN tau. INSECURE:
 * anyone can forge proofs on it. It is for tests and for a demo whose checker is given its G2 point;
 * Barretenberg's own verifier and this product refuse it.
 *
 *     node test/tools/dev-srs.ts POINTS FOLDER
 */
import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { insecureG2 } from './dev-srs-points.ts';
import type { Batch, Powers } from './dev-srs-worker.ts';

const batchSize = 4096;

/**
 * Writes `bn254_g1.dat` (64 bytes a point) and `bn254_g2.dat` (128 bytes). The G1 file appears when
 * it is complete.
 * @param points at least 1; a circuit of 2^k rows needs 2^k + 1
 */
export async function writeInsecureSrs(folder: string, points: number): Promise<void> {
  if (!Number.isSafeInteger(points) || points < 1) {
    throw new RangeError(`points: expected a whole number from 1, got ${points}`);
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bn254_g2.dat'), insecureG2());
  const path = join(folder, 'bn254_g1.dat');
  const file = await open(`${path}.part`, 'w');
  try {
    await forEachBatch(points, async ({ start, points: bytes }) => {
      await file.write(bytes, 0, bytes.length, 64 * start);
    });
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
}

async function forEachBatch(
  points: number,
  write: (powers: Powers) => Promise<void>,
): Promise<void> {
  const batches: Batch[] = [];
  for (let start = 0; start < points; start += batchSize) {
    batches.push({ start, count: Math.min(batchSize, points - start) });
  }
  const threads = Math.min(availableParallelism(), batches.length);
  await Promise.all(Array.from({ length: threads }, () => serveBatches(batches, write)));
}

/** One thread, until no batch is left. */
async function serveBatches(
  batches: Batch[],
  write: (powers: Powers) => Promise<void>,
): Promise<void> {
  const worker = new Worker(new URL('./dev-srs-worker.ts', import.meta.url));
  try {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      await write(await ask(worker, batch));
    }
  } finally {
    await worker.terminate();
  }
}

function ask(worker: Worker, batch: Batch): Promise<Powers> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: Powers) => {
      worker.off('error', reject);
      resolve(answer);
    });
    worker.postMessage(batch);
  });
}

async function main(args: readonly string[]): Promise<number> {
  const [points = '', folder, ...more] = args;
  if (!/^[1-9]\d{0,8}$/.test(points) || folder === undefined || more.length > 0) {
    process.stderr.write('Usage: node test/tools/dev-srs.ts POINTS FOLDER\n');
    return 2;
  }
  const started = performance.now();
  await writeInsecureSrs(folder, Number(points));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `INSECURE development string: ${points} points in ${folder}, ${seconds} s\n`,
  );
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
