/** A bit changed in each byte of evidence, certificates, CRLs and documents: none is accepted that means something else. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { enclaveScene, quoteScene } from './intel-scene.ts';
import { expectNoneAccepted, realQuote, realReport } from './mutants.ts';
import { reportScene } from './scene.ts';

test.for(['vcek', 'vlek'] as const)('a simulated report under a %s', async (role) => {
  const count = await expectNoneAccepted(await reportScene({ role }), 1);
  expect(count.cases).toBeGreaterThan(4000);
  expect(count.sameMeaning).toBe(0);
});

test('a real report', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const count = await expectNoneAccepted(realReport(), 1);
  expect(count.cases).toBeGreaterThan(4000);
  expect(count.sameMeaning).toBe(0);
});

test.for([
  ['TDX 1.5', () => quoteScene()],
  ['TDX 1.0', () => quoteScene({ fields: { version: 4 } })],
  ['SGX', () => enclaveScene()],
] as const)('a simulated quote of %s', async ([, scene]) => {
  expect((await expectNoneAccepted(scene(), 1)).cases).toBeGreaterThan(10_000);
});

test('a real quote', async ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const { cases, sameMeaning } = await expectNoneAccepted(realQuote(), 1);
  console.info(`${cases} mutants of a quote, ${sameMeaning} of them spelt otherwise only`);
  expect(cases).toBeGreaterThan(15_000);
});
