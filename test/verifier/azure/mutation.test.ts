/** A bit changed in sampled bytes of Azure's evidence; mutation.slow.test.ts changes every byte. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type AzureCase, azureCases } from './cases.ts';
import { expectAllInvalid } from './mutants.ts';
import { azureScene, corpusScene } from './scene.ts';

// Primes, so that no field of four or eight bytes is always hit at the same place.
const step = 37;

test.for(['sev-snp', 'tdx'] as const)('a simulated machine of %s', async (tee) => {
  await expectAllInvalid(await azureScene({ tee }), step);
});

if (hasShared) {
  const real = ['trustee-az-snp-evidence-genoa', 'attestation-rs-az-tdx-live-evidence'];
  test.for(real)('%s', async (id) => {
    const found = azureCases().find((one) => one.id === id) as AzureCase;
    const { sameMeaning } = await expectAllInvalid(corpusScene(found), step);
    expect(sameMeaning > 0).toBe(found.tee === 'tdx');
  });
} else test.skip(sharedMissing, () => undefined);
