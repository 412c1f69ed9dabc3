/** Every sample service keeps to the same cases; each library refuses what another forged. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cases } from './cases.ts';
import { playCase } from './play.ts';
import { buildSample, type Sample, type SampleName, type Skipped, sampleNames } from './samples.ts';
import { Stage } from './stage.ts';
import { crossVerify, noble, refuseForgeries, verifierFor, verifierOf } from './verifiers.ts';

const buildMilliseconds = 600_000;

/** Declares the tests of these samples; all are built, for each is verified with another's library. */
export function conform(names: readonly SampleName[]): void {
  const all: (Sample | Skipped)[] = [];
  const built = (): Sample[] => all.flatMap((one) => ('skipped' in one ? [] : [one]));

  beforeAll(async () => {
    for (const name of sampleNames) all.push(await buildSample(name));
  }, buildMilliseconds);

  describe.each(names)('%s', (name) => {
    let stage: Stage;
    let reason: string | undefined;

    beforeAll(async () => {
      const sample = all.find((one) => one.name === name) as Sample | Skipped;
      if ('skipped' in sample) reason = sample.skipped;
      else stage = await Stage.open(sample);
    });
    afterAll(() => stage?.close());

    test.for(cases)('$name', { timeout: 60_000 }, async (one, { skip }) => {
      if (reason !== undefined) skip(reason);
      await playCase(stage, one);
    });

    test('ends well after all that', async ({ skip }) => {
      if (reason !== undefined) skip(reason);
      await stage.stopShared();
    });

    test('another library verifies its signatures, and no forgery', { timeout: 60_000 }, async ({
      skip,
    }) => {
      if (reason !== undefined) skip(reason);
      const verifier = verifierFor(name, built());
      if (verifier === null) return skip('no other library is here');
      expect(stage.signed.length).toBeGreaterThan(500);
      await crossVerify(verifier, stage.signed);
    });

    test('its own library accepts what it signed, and no forgery', async ({ skip }) => {
      if (reason !== undefined) skip(reason);
      const [own = noble] = verifierOf(stage.sample);
      await refuseForgeries(own, stage.signed);
    });
  });
}
