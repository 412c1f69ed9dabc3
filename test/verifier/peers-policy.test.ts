/** Mistakes that other verifiers made with policies, each by name. */
import { describe, expect, test } from 'vitest';
import { policyWith } from './appraise/snp-policy-table.ts';
import { bundleScene, idsWith, reportScene, strictPolicy, verdictOf } from './scene.ts';

describe('policy', () => {
  test('expected values are read but not enforced', async () => {
    const values = ['measurement', 'hostData', 'reportData', 'familyId', 'imageId'] as const;
    const length = { measurement: 48, hostData: 32, reportData: 64, familyId: 16, imageId: 16 };
    for (const name of values) {
      const policy = policyWith({ [name]: ['ee'.repeat(length[name])] });
      expect((await verdictOf(await reportScene(), policy)).decision).toBe('rejected');
    }
  });

  test('evidence is bound to a key but to no channel, and so can be relayed', async () => {
    const policy = await strictPolicy();
    expect((await verdictOf(await bundleScene(), policy)).decision).toBe('accepted');
    const verdict = await verdictOf(await bundleScene({ channel: null }), policy);
    expect(idsWith('fail', verdict)).toEqual(['policy.channel']);
    expect(verdict.decision).toBe('rejected');
  });

  test('debug is let through by default', async () => {
    const beforeSigning = (bytes: Uint8Array) => bytes.fill(0x0b, 0x0a, 0x0b);
    const verdict = await verdictOf(await reportScene({ report: { beforeSigning } }));
    expect(idsWith('fail', verdict)).toEqual(['policy.debug']);
    expect(verdict.decision).toBe('rejected');
  });
});
