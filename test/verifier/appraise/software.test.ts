/** Closure, tree and devices: what measured software says counts only when the policy names the software. */
import { describe, expect, test } from 'vitest';
import { type Policy, policyDigest, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import { toHex } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import {
  bundleScene,
  checkOf,
  idsWith,
  reportScene,
  sampleDevices,
  strictPolicy,
  verdictOf,
} from '../scene.ts';

const other = 'ee'.repeat(32);

async function policyWith(change: Partial<Policy>, measurement?: 'any' | string[]) {
  const strict = await strictPolicy();
  if (strict.sevSnp === undefined) throw new RangeError('the strict policy names SEV-SNP');
  const sevSnp = { ...strict.sevSnp, ...(measurement && { measurement }) };
  return toPolicy({ ...strict, sevSnp, ...change });
}

const digests = [
  ['closureDigest', 'policy.closure-digest'],
  ['treeRoot', 'policy.tree-root'],
] as const satisfies [keyof Policy, CheckId][];

describe.each(digests)('%s', (member, id) => {
  const appraised = async (change: Partial<Policy>, measurement?: 'any' | string[]) => {
    const verdict = await verdictOf(await bundleScene(), await policyWith(change, measurement));
    return { verdict, check: checkOf(id, verdict) };
  };

  test('named software: what it claims passes or fails', async () => {
    const good = await appraised({});
    expect(good.check.status).toBe('pass');
    expect(good.verdict.decision).toBe('accepted');
    const bad = await appraised({ [member]: [other] });
    expect(idsWith('fail', bad.verdict)).toEqual([id]);
    expect(bad.verdict.decision).toBe('rejected');
    const right = good.check.actual as string;
    expect((await appraised({ [member]: [other, right] })).verdict.decision).toBe('accepted');
  });

  test('unnamed software: a value that fits proves nothing', async () => {
    const { verdict, check } = await appraised({}, 'any');
    expect(check.status).toBe('skip');
    expect(check.reason).toContain('claimed by unnamed software');
    expect(verdict.decision).toBe('undecided');
  });

  test('unnamed software: a value that does not fit is refused all the same', async () => {
    const { check } = await appraised({ [member]: [other] }, 'any');
    expect(check.status).toBe('fail');
    const both = await appraised({ closureDigest: [other], treeRoot: [other] }, 'any');
    expect(both.verdict.decision).toBe('rejected');
  });

  test('"any" passes under named and unnamed software, and says so', async () => {
    for (const measurement of [undefined, 'any'] as const) {
      const { check } = await appraised({ [member]: 'any' }, measurement);
      expect(check).toMatchObject({ status: 'pass', expected: 'any' });
    }
  });

  test('another software than the named one is refused for its measurement', async () => {
    const { verdict } = await appraised({}, ['00'.repeat(48)]);
    expect(idsWith('fail', verdict)).toEqual(['policy.measurement']);
    expect(verdict.decision).toBe('rejected');
  });

  test('a raw report carries no digest', async () => {
    const scene = await reportScene();
    const named = await verdictOf(scene, await policyWith({}));
    expect(checkOf(id, named).status).toBe('skip');
    expect(named.decision).toBe('undecided');
    const any = await verdictOf(scene, await policyWith({ [member]: 'any' }));
    expect(checkOf(id, any).status).toBe('pass');
  });

  test('a policy without SEV-SNP refuses it, whatever software it names', async () => {
    const { sevSnp: _, ...rest } = await strictPolicy();
    const verdict = await verdictOf(await bundleScene(), toPolicy(rest));
    expect(checkOf(id, verdict)).toMatchObject({
      status: 'fail',
      reason: expect.stringContaining('no member sevSnp'),
    });
    expect(verdict.decision).toBe('rejected');
  });
});

describe('devices', () => {
  const appraised = async (devices: 'none' | 'any', given: typeof sampleDevices) => {
    const scene = await bundleScene({ devices: given });
    return verdictOf(scene, await policyWith({ devices }));
  };

  test('none, and none are there', async () => {
    expect((await appraised('none', [])).decision).toBe('accepted');
  });

  test('none, but one is there', async () => {
    const verdict = await appraised('none', sampleDevices);
    expect(idsWith('fail', verdict)).toEqual(['policy.devices']);
    expect(verdict.decision).toBe('rejected');
  });

  test('any: the verdict says that they were not verified', async () => {
    const verdict = await appraised('any', sampleDevices);
    expect(verdict.decision).toBe('accepted');
    expect(checkOf('policy.devices', verdict).actual).toMatch(/1, .*not verified/);
  });
});

describe('tighten', () => {
  const closure = 'c1'.repeat(32);

  test('without expectations is the policy itself', async () => {
    const policy = await policyWith({});
    expect(tighten(policy, {})).toBe(policy);
  });

  test('"any" becomes the expected value, a set becomes what both accept', async () => {
    const any = await policyWith({ closureDigest: 'any' });
    expect(tighten(any, { closureDigest: closure }).closureDigest).toEqual([closure]);
    const set = await policyWith({ closureDigest: [other, closure] });
    expect(tighten(set, { closureDigest: closure }).closureDigest).toEqual([closure]);
    expect(tighten(set, { closureDigest: '00'.repeat(32) }).closureDigest).toEqual([]);
  });

  test('narrows measurement and report data inside sevSnp', async () => {
    const measurement = '4d'.repeat(48);
    const reportData = '52'.repeat(64);
    const narrow = tighten(await policyWith({}, 'any'), { measurement, reportData });
    expect(narrow.sevSnp).toMatchObject({ measurement: [measurement], reportData: [reportData] });
  });

  test('never adds sevSnp to a policy that refuses it', async () => {
    const { sevSnp: _, ...rest } = await strictPolicy();
    const narrow = tighten(toPolicy(rest), { measurement: '4d'.repeat(48) });
    expect(narrow.sevSnp).toBeUndefined();
  });

  test('a set left empty refuses everything', async () => {
    const narrow = tighten(await policyWith({}), { closureDigest: other });
    const verdict = await verdictOf(await bundleScene(), narrow);
    expect(idsWith('fail', verdict)).toEqual(['policy.closure-digest']);
    expect(checkOf('policy.closure-digest', verdict).expected).toMatch(/^nothing/);
    expect(verdict.decision).toBe('rejected');
  });

  test('a measurement left empty refuses too, and is no unnamed software', async () => {
    const narrow = tighten(await policyWith({}), { measurement: '00'.repeat(48) });
    const verdict = await verdictOf(await bundleScene(), narrow);
    expect(idsWith('fail', verdict)).toEqual(['policy.measurement']);
    expect(checkOf('policy.closure-digest', verdict).status).toBe('pass');
  });

  test('naming the measurement turns the closure’s skip into a pass', async () => {
    const policy = await policyWith({}, 'any');
    const scene = await bundleScene();
    expect((await verdictOf(scene, policy)).decision).toBe('undecided');
    const narrow = tighten(policy, { measurement: '4d'.repeat(48) });
    expect((await verdictOf(scene, narrow)).decision).toBe('accepted');
  });

  test('is another policy: its digest differs, its original stays', async () => {
    const policy = await policyWith({});
    const before = toHex(policyDigest(policy));
    const narrow = tighten(policy, { closureDigest: closure });
    expect(narrow.name).toBe('strict, narrowed');
    expect(toHex(policyDigest(narrow))).not.toBe(before);
    expect(toHex(policyDigest(policy))).toBe(before);
    expect(Object.isFrozen(narrow.closureDigest)).toBe(true);
  });
});
