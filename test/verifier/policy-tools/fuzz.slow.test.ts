import { expect, test } from 'vitest';
import { lintCatalogue } from '#verifier/policy-tools/finding.ts';
import { fuzzPolicies } from './policy-fuzz.ts';

test('100,000 random policies', () => {
  const start = performance.now();
  const { accepted, refused, findings } = fuzzPolicies(100_000, 1_000_000);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.info(`${accepted} accepted, ${refused} refused, ${findings.size} findings, ${seconds} s`);
  expect(accepted + refused).toBe(100_000);
  expect(accepted).toBeGreaterThan(25_000);
  // No parsed policy has an empty set: only a narrowed one can.
  const all = Object.keys(lintCatalogue).filter((id) => id !== 'empty-set');
  expect([...findings].toSorted()).toEqual(all.toSorted());
}, 1_800_000);
