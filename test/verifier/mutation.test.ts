/** A bit changed in sampled bytes of evidence, certificates, CRLs and documents; mutation.slow.test.ts changes every byte. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { enclaveScene, quoteScene } from './intel-scene.ts';
import { expectNoneAccepted, realQuote, realReport } from './mutants.ts';
import { reportScene, type Scene } from './scene.ts';

// A prime, so that no field of four or eight bytes is always hit at the same place.
const step = 17;
/** A quote has many times more bytes. */
const quoteStep = 53;

test.for(['vcek', 'vlek'] as const)('a simulated report under a %s', async (role) => {
  await expectNoneAccepted(await reportScene({ role }), step);
});

test.for<[string, () => Scene]>([
  ['TDX', () => quoteScene()],
  ['SGX', () => enclaveScene()],
])('a simulated quote of %s', async ([, scene]) => {
  await expectNoneAccepted(scene(), quoteStep);
});

test.for<[string, () => Scene, number]>([
  ['report', realReport, step],
  ['quote', realQuote, quoteStep],
])('a real %s', async ([, scene, every], { skip }) => {
  skip(!hasShared, sharedMissing);
  await expectNoneAccepted(scene(), every);
});

test('the look finds what no signature covers: here none is checked', async () => {
  const yes = async () => true;
  const blind = {
    verifyRsaPssSha384: yes,
    verifyP384Sha384: yes,
    verifyP256Sha256: yes,
    verifyRsaPkcs1Sha256: yes,
    verifyRsaPkcs1Sha384: yes,
  };
  const report = expectNoneAccepted(await reportScene(), step, { crypto: blind });
  await expect(report).rejects.toThrow(/evidence: expected \[ .*byte \d+: accepted/s);
  const quote = expectNoneAccepted(quoteScene(), quoteStep, { crypto: blind });
  await expect(quote).rejects.toThrow(/evidence: expected \[ .*byte \d+: accepted/s);
});
