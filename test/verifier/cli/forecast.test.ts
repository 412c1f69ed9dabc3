/** What runs out, in words. */
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import { distance, forecastSentence } from '#verifier/words/forecast.ts';
import { enclaveScene, quoteScene } from '../intel-scene.ts';
import { reportScene, verdictOf, without } from '../scene.ts';

const day = 86_400;

test.each([
  [0, 'now'],
  [1, 'in 1 second'],
  [59, 'in 59 seconds'],
  [60, 'in 1 minute'],
  [3599, 'in 59 minutes'],
  [7200, 'in 2 hours'],
  [day, 'in 1 day'],
  [2 * day - 1, 'in 1 day'],
  [1000 * day, 'in 1000 days'],
  [1096 * day, 'in 3 years'],
  [-1, '1 second ago'],
  [-3 * day, '3 days ago'],
])('%i seconds from now are %s', (seconds, words) => {
  expect(distance(seconds)).toBe(words);
});

describe('a verdict', () => {
  test('names all collateral of a report, the first to run out first', async () => {
    const { forecast, expires } = await verdictOf(await reportScene());
    expect(forecast.map(({ what }) => what).toSorted()).toEqual([
      'ARK',
      'ASK',
      'VCEK',
      "the ARK's revocation list",
    ]);
    expect(forecast.map(({ at }) => at)).toEqual(
      forecast.map(({ at }) => at).toSorted((a, b) => a - b),
    );
    expect(expires).toBe(forecast[0]?.at);
  });

  test.each([
    ['quote', quoteScene],
    ['enclave', enclaveScene],
  ])('names all of a %s, a signer of two documents once', async (_, scene) => {
    const { forecast } = await verdictOf(scene());
    expect(forecast.map(({ what }) => what).toSorted()).toEqual([
      "Intel's TCB signer",
      "Intel's root",
      'PCK',
      'QE identity',
      'TCB info',
      "the PCK CA's revocation list",
      "the PCK's CA",
      "the root's revocation list",
    ]);
  });

  test('names a waiver that was used and ends, and no other', async () => {
    const scene = without(await reportScene(), 'ark-crl');
    const waiving = (expires: number | null) =>
      toPolicy({
        ...genuinePolicy,
        waivers: genuinePolicy.waivers.map((waiver) => ({ ...waiver, expires })),
      });
    const ends = await verdictOf(scene, waiving(fakeNow + day));
    expect(forecastSentence(ends)).toMatch(
      /^the waiver of collateral\.crl-signature runs out first, in 1 day \(2026-01-16T00:00:00Z\); then the waiver /,
    );
    const endless = await verdictOf(scene, waiving(null));
    expect(endless.forecast.map(({ what }) => what)).toEqual(['VCEK', 'ASK', 'ARK']);
    const unused = await verdictOf(await reportScene(), waiving(fakeNow + day));
    expect(unused.forecast.some(({ what }) => what.includes('waiver'))).toBe(false);
  });

  test('says what has run out already', async () => {
    const verdict = await verdictOf(quoteScene({ now: fakeNow + 40 * day }));
    expect(forecastSentence(verdict)).toMatch(/ ran out first, 11 days ago \(2026-02-13T/);
  });

  test('says nothing of what nothing was given for', async () => {
    const scene = { ...(await reportScene()), collateral: [] };
    expect(forecastSentence(await verdictOf(scene))).toBe(null);
  });
});
