/** A bit changed in sampled bytes of report, VEK, ASK, ARK and CRL; mutation.slow.test.ts changes every byte. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { expectNoneAccepted, realScene } from './mutants.ts';
import { reportScene } from './scene.ts';

// A prime, so that no field of four or eight bytes is always hit at the same place.
const step = 17;

test.for(['vcek', 'vlek'] as const)('a simulated report under a %s', async (role) => {
  await expectNoneAccepted(await reportScene({ role }), step);
});

test('a real report', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  await expectNoneAccepted(realScene(), step);
});

test('the look finds what no signature covers: here none is checked', async () => {
  const yes = async () => true;
  const blind = { verifyRsaPssSha384: yes, verifyP384Sha384: yes };
  const look = expectNoneAccepted(await reportScene(), step, blind);
  await expect(look).rejects.toThrow(/report: expected \[ .*byte \d+: accepted/s);
});
