/** Two policies on the same evidence, member by member and decision by decision. */
import { describe, expect, test } from 'vitest';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import {
  compareDecisions,
  decisive,
  diffPolicies,
  worstOf,
} from '#verifier/policy-tools/compare.ts';
import { reportScene, strictPolicy, verdictOf, verifyScene, without } from '../scene.ts';

const strict = toPolicy({
  ...(await strictPolicy()),
  closureDigest: 'any',
  treeRoot: 'any',
  freshness: 'any',
  channel: 'any',
});
const other = toPolicy({
  ...strict,
  name: 'other',
  sevSnp: { ...strict.sevSnp, measurement: ['ee'.repeat(48)], vmpl: [0, 1] },
});

test('the worst decision: invalid, rejected, undecided, accepted', () => {
  expect(worstOf(['accepted', 'undecided', 'rejected', 'invalid'])).toBe('invalid');
  expect(worstOf(['accepted', 'undecided', 'rejected'])).toBe('rejected');
  expect(worstOf(['undecided', 'accepted'])).toBe('undecided');
  expect(worstOf(['accepted'])).toBe('accepted');
  expect(() => worstOf([])).toThrow(RangeError);
});

test('the checks that made a decision', async () => {
  const scene = await reportScene();
  const ids = async (...args: Parameters<typeof verdictOf>) => {
    const { decision, checks } = await verdictOf(...args);
    return [decision, ...decisive(decision, checks)];
  };
  expect(await ids(scene, strict)).toEqual(['accepted']);
  expect(await ids(scene, other)).toEqual(['rejected', 'policy.measurement']);
  expect(await ids(without(scene, 'ark-crl'), strict)).toEqual([
    'undecided',
    'collateral.crl-signature',
    'collateral.crl-validity',
    'collateral.revocation',
  ]);
  expect((await ids({ ...scene, roots: [] }, other)).slice(0, 2)).toEqual([
    'invalid',
    'chain.root-pinned',
  ]);
});

describe('members', () => {
  test('each that differs, with its path; sets as a whole; the same is nothing', () => {
    expect(diffPolicies(strict, strict)).toEqual([]);
    expect(diffPolicies(strict, other)).toEqual([
      { path: 'name', from: 'strict', to: 'other' },
      { path: 'sevSnp.vmpl', from: [0], to: [0, 1] },
      { path: 'sevSnp.measurement', from: ['4d'.repeat(48)], to: ['ee'.repeat(48)] },
    ]);
  });

  test('one that only one policy has; waivers by their check, in any order', () => {
    const { sevSnp: _, ...rest } = strict;
    expect(diffPolicies(strict, toPolicy(rest))).toEqual([{ path: 'sevSnp', from: strict.sevSnp }]);
    expect(diffPolicies(toPolicy(rest), strict)).toEqual([{ path: 'sevSnp', to: strict.sevSnp }]);
    const waivers = genuinePolicy.waivers.toReversed();
    expect(diffPolicies(genuinePolicy, toPolicy({ ...genuinePolicy, waivers }))).toEqual([]);
    const [first, ...others] = genuinePolicy.waivers;
    const renewed = toPolicy({ ...genuinePolicy, waivers: [{ ...first, expires: 5 }, ...others] });
    expect(diffPolicies(genuinePolicy, renewed)).toEqual([
      { path: 'waivers[collateral.crl-signature].expires', from: null, to: 5 },
    ]);
    expect(diffPolicies(genuinePolicy, toPolicy({ ...genuinePolicy, waivers: others }))).toEqual([
      {
        path: 'waivers[collateral.crl-signature]',
        from: { reason: first?.reason, expires: null },
      },
    ]);
  });
});

test('what changes, and by which checks', async () => {
  const verified = await verifyScene(await reportScene());
  const change = compareDecisions(verified, strict, other);
  expect(change).toMatchObject({
    from: 'accepted',
    to: 'rejected',
    checks: [{ id: 'policy.measurement', from: 'pass', to: 'fail' }],
  });
  expect(change.checks[0]?.reason).toContain('another software');
  expect(compareDecisions(verified, other, strict)).toMatchObject({
    from: 'rejected',
    to: 'accepted',
    checks: [{ id: 'policy.measurement', from: 'fail', to: 'pass' }],
  });
  expect(compareDecisions(verified, strict, strict).checks).toEqual([]);
});
