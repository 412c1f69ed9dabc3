/** What a verdict becomes in a token: never more than its checks say. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { type CheckId, checkIds } from '#verifier/checks.ts';
import {
  aspects,
  aspectsOf,
  instanceChecks,
  softwareChecks,
  spokenFor,
} from '#verifier/tokens/aspects.ts';
import { makeEar } from '#verifier/tokens/ear.ts';
import { statusTier, tierOf, values, vectorOf, worstTier } from '#verifier/tokens/vector.ts';
import { enclaveScene, quoteScene, strictIntelPolicy } from '../intel-scene.ts';
import { realQuote, realReport } from '../mutants.ts';
import { bundleScene, reportScene, verdictOf, verifyScene, without } from '../scene.ts';
import { appraisalOf, asVendors, strictVerdict, withChecks } from './samples.ts';

const nothing = {
  'file-system': 0,
  'storage-opaque': 0,
  'sourced-data': 0,
};
const affirmed = {
  'instance-identity': 2,
  configuration: 2,
  executables: 3,
  hardware: 2,
  'runtime-opaque': 2,
  ...nothing,
};
const everything = (value: number) => ({
  ...Object.fromEntries(spokenFor.map((aspect) => [aspect, value])),
  ...nothing,
});
const failed = { status: 'fail' } as const;
const skipped = { status: 'skip', expected: null, actual: null } as const;
const waived = { status: 'waived', expected: null, actual: null } as const;

test('the table has each check of the catalogue in one claim or more', () => {
  expect(Object.keys(aspectsOf).toSorted()).toEqual(checkIds.toSorted());
  for (const id of checkIds) expect(aspectsOf[id].length, id).toBeGreaterThan(0);
  for (const id of softwareChecks) expect(aspectsOf[id]).toEqual(['executables']);
  for (const id of instanceChecks) expect(aspectsOf[id]).toEqual(['instance-identity']);
});

test.for([
  [-128, 'contraindicated'],
  [-97, 'contraindicated'],
  [-96, 'warning'],
  [-33, 'warning'],
  [-32, 'affirming'],
  [-2, 'affirming'],
  [-1, 'none'],
  [0, 'none'],
  [1, 'none'],
  [2, 'affirming'],
  [31, 'affirming'],
  [32, 'warning'],
  [95, 'warning'],
  [96, 'contraindicated'],
  [127, 'contraindicated'],
] as const)('%d is of tier %s', ([value, tier]) => {
  expect(tierOf(value)).toBe(tier);
});

describe('an accepted machine', () => {
  test('of which the policy names everything is affirmed', async () => {
    const verdict = await strictVerdict();
    expect(verdict.decision).toBe('accepted');
    expect(vectorOf(verdict)).toEqual(affirmed);
    expect(appraisalOf(makeEar(verdict))).toMatchObject({ label: 'sev-snp', status: 'affirming' });
  });

  test.for(['tdx', 'sgx'] as const)('so it is for %s', async (tee) => {
    const scene = tee === 'tdx' ? quoteScene() : enclaveScene();
    const verdict = asVendors(await verdictOf(scene, strictIntelPolicy('quote')));
    expect(verdict.decision).toBe('accepted');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      label: tee,
      status: 'affirming',
      vector: affirmed,
    });
  });

  test('whose software nobody named is a warning', async () => {
    const named = await strictVerdict();
    const unnamed = withChecks(named, { 'policy.measurement': { expected: 'any' } });
    expect(vectorOf(unnamed)).toEqual({ ...affirmed, executables: values.unrecognised });
    expect(statusTier('accepted', vectorOf(unnamed))).toBe('warning');
  });

  test('of which nobody expected a certain one has no identity', async () => {
    const verdict = await strictVerdict();
    for (const edit of [{ expected: 'any' }, { actual: '00'.repeat(64) }]) {
      const vector = vectorOf(withChecks(verdict, { 'policy.chip-id': edit }));
      expect(vector).toEqual({ ...affirmed, 'instance-identity': 0 });
    }
  });

  test('under the built-in policy is a warning, never affirmed', async () => {
    const verdict = asVendors(await verdictOf(await reportScene()));
    expect(verdict.decision).toBe('accepted');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      status: 'warning',
      vector: { ...affirmed, 'instance-identity': 0, executables: 33 },
    });
  });

  test('without revocation lists is a warning in every claim', async () => {
    const scene = without(await reportScene(), 'ark-crl');
    const verdict = asVendors(await verdictOf(scene));
    expect(verdict.decision).toBe('accepted');
    const vector = vectorOf(verdict);
    expect(vector).toMatchObject({ configuration: -33, hardware: -33, 'runtime-opaque': -33 });
    expect(worstTier(vector)).toBe('warning');
  });

  test('under a root that was handed over is contraindicated', async () => {
    const verdict = await verdictOf(await reportScene());
    expect(verdict.decision).toBe('accepted');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      status: 'contraindicated',
      vector: everything(99),
    });
    expect(appraisalOf(makeEar(asVendors(verdict))).status).toBe('warning');
  });

  test('in debug mode is contraindicated, whatever the policy allows', async () => {
    const sevSnp = genuinePolicy.sevSnp as NonNullable<typeof genuinePolicy.sevSnp>;
    const policy = {
      ...genuinePolicy,
      sevSnp: {
        ...sevSnp,
        guestPolicy: { ...sevSnp.guestPolicy, debug: 'dangerously-allowed' as const },
      },
    };
    const beforeSigning = (bytes: Bytes) => {
      // Bit 19 of POLICY, a little-endian u64 at 8 (AMD 56860, Guest Policy).
      bytes[10] = (bytes[10] as number) | 0x08;
    };
    const scene = await reportScene({ report: { beforeSigning } });
    const verdict = asVendors(await verdictOf(scene, policy));
    expect(verdict.decision).toBe('accepted');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      status: 'contraindicated',
      vector: { configuration: 96, 'runtime-opaque': 96, hardware: 2 },
    });
    const off = asVendors(await verdictOf(await reportScene(), policy));
    expect(vectorOf(off)).toMatchObject({ configuration: 2, 'runtime-opaque': 2 });
  });

  test('with an accepted TCB status that is not up to date is vulnerable hardware', async () => {
    const verdict = asVendors(await verdictOf(quoteScene(), strictIntelPolicy('quote')));
    expect(vectorOf(verdict).hardware).toBe(2);
    const edit = { 'policy.tcb-status': { actual: 'SWHardeningNeeded' } };
    expect(vectorOf(withChecks(verdict, edit)).hardware).toBe(32);
  });
});

describe('a machine that is not accepted', () => {
  test('whose evidence was altered fails in every claim', async () => {
    const afterSigning = (bytes: Bytes) => bytes.fill(1, 0x90, 0xa0);
    const scene = await reportScene({ report: { afterSigning } });
    const verdict = asVendors(await verdictOf(scene));
    expect(verdict.decision).toBe('invalid');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      status: 'contraindicated',
      vector: everything(99),
    });
  });

  test('that the policy rejects is contraindicated where the check speaks', async () => {
    const policyOf = async (chipId: string[]) =>
      strictVerdict((policy) => ({
        ...policy,
        sevSnp: { ...(policy.sevSnp as NonNullable<typeof policy.sevSnp>), chipId },
      }));
    const verdict = await policyOf(['11'.repeat(64)]);
    expect(verdict.decision).toBe('rejected');
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      status: 'contraindicated',
      vector: { ...affirmed, 'instance-identity': 97 },
    });
  });

  test('that is undecided has no status', async () => {
    const verdict = withChecks(await strictVerdict(), { 'policy.freshness': skipped });
    const ear = makeEar({ ...verdict, decision: 'undecided' });
    expect(appraisalOf(ear)).toMatchObject({ status: 'none', vector: everything(0) });
  });

  test('that is undecided and fails a check all the same is contraindicated', async () => {
    const verdict = withChecks(await strictVerdict(), {
      'policy.reported-tcb': skipped,
      'policy.measurement': failed,
    });
    const ear = makeEar({ ...verdict, decision: 'undecided' });
    expect(appraisalOf(ear)).toMatchObject({
      status: 'contraindicated',
      vector: { ...affirmed, hardware: 0, executables: 96 },
    });
  });

  test('whose key is revoked is genuine and unfit', async () => {
    const verdict = withChecks(await strictVerdict(), { 'collateral.revocation': failed });
    expect(vectorOf(verdict)).toEqual(everything(96));
  });

  test('of which nothing could be read is labelled so', async () => {
    const scene = await bundleScene();
    const verdict = await verdictOf({
      ...scene,
      evidence: { form: 'bundle', bytes: Uint8Array.of(1), nonce: null, connection: null },
    });
    expect(appraisalOf(makeEar(verdict))).toMatchObject({
      label: 'unreadable',
      status: 'contraindicated',
      vector: everything(99),
    });
  });
});

describe('whatever single check is otherwise', () => {
  const tierAt = (verdict: Verdict, id: CheckId, edit: object) => {
    const vector = vectorOf(withChecks(verdict, { [id]: edit }));
    return aspectsOf[id].map((aspect) => tierOf(vector[aspect]));
  };

  test('failed is contraindicated, skipped is none, waived is not affirmed', async () => {
    const verdicts = [
      await strictVerdict(),
      ...[quoteScene(), enclaveScene()].map((scene) =>
        verdictOf(scene, strictIntelPolicy('quote')),
      ),
    ];
    let count = 0;
    for (const verdict of (await Promise.all(verdicts)).map(asVendors)) {
      expect(verdict.decision).toBe('accepted');
      for (const { id } of verdict.checks) {
        const claims = aspectsOf[id].length;
        expect(tierAt(verdict, id, failed), id).toEqual(Array(claims).fill('contraindicated'));
        expect(tierAt(verdict, id, skipped), id).toEqual(Array(claims).fill('none'));
        expect(tierAt(verdict, id, waived), id).not.toContain('affirming');
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(120);
  });

  test('a list without what all stands on affirms nothing', async () => {
    const verdict = await strictVerdict();
    const without = (id: CheckId) =>
      vectorOf({ checks: verdict.checks.filter((check) => check.id !== id) });
    for (const id of ['chain.root-pinned', 'evidence.signature'] as const)
      expect(without(id), id).toEqual(everything(0));
    expect(without('policy.debug')).toEqual({ ...affirmed, configuration: 0, 'runtime-opaque': 0 });
    expect(without('policy.measurement').executables).toBe(33);
    expect(without('policy.chip-id')['instance-identity']).toBe(0);
    expect(vectorOf({ checks: [] })).toEqual(everything(0));
    expect(Object.keys(vectorOf(verdict))).toEqual(aspects);
  });
});

test.for([
  ['report', realReport],
  ['quote', realQuote],
] as const)(
  'a real %s is genuine hardware with its memory encrypted',
  async ([, scene], { skip }) => {
    skip(!hasShared, sharedMissing);
    const verdict = appraise(await verifyScene(scene()), genuinePolicy);
    expect(verdict.decision).toBe('accepted');
    expect(vectorOf(verdict)).toMatchObject({ hardware: 2, 'runtime-opaque': 2, executables: 33 });
  },
);
