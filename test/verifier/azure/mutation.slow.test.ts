/** Every byte of Azure's evidence with one bit changed. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { type AzureCase, azureCases } from './cases.ts';
import { expectAllInvalid } from './mutants.ts';
import { azureScene, corpusScene } from './scene.ts';

test('a simulated machine of SEV-SNP', { timeout: 300_000 }, async () => {
  const { sameMeaning } = await expectAllInvalid(await azureScene({ tee: 'sev-snp' }), 1);
  expect(sameMeaning).toBe(0);
});

test('a simulated machine of TDX: CPUSVN and MAC are the 48 bytes that nothing covers', {
  timeout: 300_000,
}, async () => {
  const { sameMeaning } = await expectAllInvalid(await azureScene({ tee: 'tdx' }), 1);
  expect(sameMeaning).toBe(48);
});

if (hasShared) {
  test('a real machine', { timeout: 300_000 }, async () => {
    const id = 'trustee-az-snp-evidence-genoa';
    const found = azureCases().find((one) => one.id === id) as AzureCase;
    await expectAllInvalid(corpusScene(found), 1);
  });
} else test.skip(sharedMissing, () => undefined);
