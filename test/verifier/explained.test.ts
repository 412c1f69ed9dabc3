/** No failure without what was expected and what was found, and no check that could not be made without what it lacked. */
import { beforeAll, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { entryOf } from '#verifier/checks.ts';
import { prepare, rows } from './check-rows.ts';

beforeAll(prepare);

test.each(Object.keys(rows))('%s', async (id) => {
  const { verified, policy } = rows[id as keyof typeof rows];
  const { checks } = appraise(await verified(), policy?.() ?? genuinePolicy);
  for (const { id: check, status, reason, expected, actual } of checks) {
    if (status === 'skip') expect(reason).toMatch(/^lacks \S/);
    // The checker of proofs says in the reason what it rebuilt.
    if (status !== 'fail' || entryOf(check).stage === 'proof') continue;
    expect([check, reason, expected, actual]).toEqual([
      check,
      expect.stringMatching(/\S/),
      expect.stringMatching(/\S/),
      expect.stringMatching(/\S/),
    ]);
  }
});
