import { expect, test } from 'vitest';
import { fuzzPolicies } from './policy-fuzz.ts';

// On a busy machine the default limit is too short.
test('2,000 random policies: the schema takes what the parser takes, lint never fails, digests survive', () => {
  const { accepted, refused, findings } = fuzzPolicies(2000, 1);
  expect(accepted).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(500);
  expect(findings.size).toBeGreaterThan(30);
}, 120_000);
