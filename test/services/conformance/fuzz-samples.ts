/** A test of noise for each sample, for as long as the caller says. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { fuzzService } from './fuzz.ts';
import { buildSample, type Sample, type Skipped, sampleNames } from './samples.ts';
import { Stage } from './stage.ts';

export function fuzzSamples(seed: number, seconds: number): void {
  const onLinux = process.platform === 'linux';
  describe.skipIf(!onLinux).each(sampleNames)('%s', (name) => {
    let sample: Sample | Skipped;
    beforeAll(async () => {
      sample = await buildSample(name);
    }, 600_000);

    const timeout = 1_000 * seconds + 60_000;
    test(`stays well through ${seconds} s of noise`, { timeout }, async ({ skip }) => {
      if ('skipped' in sample) return skip(sample.skipped);
      const stage = await Stage.open(sample);
      onTestFinished(() => stage.close());
      const service = await stage.start();
      const found = await fuzzService(stage, service, { seed, milliseconds: 1_000 * seconds });
      expect(found.answered).toBeGreaterThan(100);
      expect(found.refused).toBeGreaterThan(10);
      await stage.stop(service);
    });
  });
}
