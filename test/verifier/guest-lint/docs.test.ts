import { expect, test } from 'vitest';
import { decodeDescription, launches } from '#verifier/guest-lint/description.ts';
import { cleanGuest } from './guests.ts';
import { readPage, rulesPart } from './page.ts';

test('docs/guest-lint.md lists every rule as it is (run test/verifier/guest-lint/page.ts)', () => {
  expect(readPage().made).toBe(rulesPart());
});

test('docs/guest-lint.md names every launch and every member of a description', () => {
  const { written } = readPage();
  const members = Object.keys(decodeDescription(cleanGuest, 'guest'));
  const named = [...launches, ...members, 'accepted'];
  expect(named.filter((name) => !written.includes(`\`${name}\``))).toEqual([]);
});
