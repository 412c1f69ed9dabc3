/** A bit changed in every byte of a TPM's evidence. */
import { describe, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { azureQuote, deviceEvidence, gceAttestation, simulatedQuote } from './tpm-mutants.ts';

describe('each part of a simulated quote', () => {
  test.for(['rsa', 'p256', 'p384'] as const)('by %s', (key) =>
    simulatedQuote(key, { short: 1, certificate: 1 }),
  );
});

test('a device of a bundle', () => deviceEvidence(1));

if (hasShared) {
  test('a quote of Azure’s vTPM', () => azureQuote(1));
  test('an attestation of a GCE instance', () => gceAttestation(1));
} else test.skip(sharedMissing);
