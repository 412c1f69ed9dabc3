/** A bit changed in each byte of report, VEK, ASK, ARK and CRL. */
import { test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { expectNoneAccepted, realScene } from './mutants.ts';
import { reportScene } from './scene.ts';

test.for(['vcek', 'vlek'] as const)('a simulated report under a %s', async (role) => {
  await expectNoneAccepted(await reportScene({ role }), 1);
});

test('a real report', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  await expectNoneAccepted(realScene(), 1);
});
