/** A bit changed in sampled bytes of a TPM's evidence; mutation.slow.test.ts changes every byte. */
import { describe, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { azureQuote, deviceEvidence, gceAttestation, simulatedQuote } from './tpm-mutants.ts';

describe('each part of a simulated quote', () => {
  test('by RSA', () => simulatedQuote('rsa', { short: 7, certificate: 67 }));
  test('on P-256', () => simulatedQuote('p256', { short: 2, certificate: 67 }));
  test('on P-384', () => simulatedQuote('p384', { short: 7, certificate: 67 }));
});

test('a device of a bundle', () => deviceEvidence(41));

if (hasShared) {
  test('a quote of Azure’s vTPM', () => azureQuote(3));
  test('an attestation of a GCE instance', () => gceAttestation(37));
} else test.skip(sharedMissing);
