/** From checks to a decision: who may be appraised, what comes first, what a waiver can do. */
import { beforeAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import { decide } from '#verifier/appraise/verdict.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckResult, CheckStatus } from '#verifier/checklist.ts';
import { type CheckId, waivableChecks } from '#verifier/checks.ts';
import type { Verified } from '#verifier/verified.ts';
import {
  bundleScene,
  checkOf,
  hierarchyOf,
  idsWith,
  replaced,
  reportScene,
  sampleNonce,
  strictPolicy,
  verdictOf,
  verifyScene,
  without,
} from '../scene.ts';

let strict: Policy;
/** The strict policy for all but SEV-SNP, which it refuses. */
let refusing: Policy;
beforeAll(async () => {
  strict = await strictPolicy();
  const { sevSnp: _, ...rest } = strict;
  refusing = toPolicy({ ...rest, closureDigest: 'any', treeRoot: 'any' });
});

/** Of everything that verify could not check, and more. */
function waiving(
  checks: readonly CheckId[],
  expires: number | null = null,
  policy = genuinePolicy,
) {
  return toPolicy({
    ...policy,
    waivers: checks.map((check) => ({ check, reason: 'for this test', expires })),
  });
}

describe('only what verify made', () => {
  test('is appraised', async () => {
    const verified = await verifyScene(await reportScene());
    expect(appraise(verified, genuinePolicy).decision).toBe('accepted');
    const forgeries = [{ ...verified }, structuredClone(verified), Object.create(verified), {}];
    for (const forged of forgeries) {
      expect(() => appraise(forged as Verified, genuinePolicy)).toThrow(TypeError);
    }
  });

  test('and it cannot be changed', async () => {
    const verified = await verifyScene({ ...(await reportScene()), roots: [] });
    expect(() => Object.assign(verified, { checks: [] })).toThrow(TypeError);
    expect(() => (verified.checks as CheckResult[]).splice(0)).toThrow(TypeError);
    const [first] = verified.checks;
    expect(() => Object.assign(first as CheckResult, { status: 'pass' })).toThrow(TypeError);
    expect(appraise(verified, genuinePolicy).decision).toBe('invalid');
  });
});

describe('precedence', () => {
  const check = (stage: CheckResult['stage'], status: CheckStatus): CheckResult => ({
    id: 'parse.report',
    stage,
    status,
    expected: null,
    actual: null,
    reason: null,
    spec: '',
  });
  const fail = check('chain', 'fail');
  const skip = check('chain', 'skip');
  const refuse = check('policy', 'fail');
  const open = check('policy', 'skip');
  const good = [check('chain', 'pass'), check('chain', 'waived'), check('policy', 'pass')];

  test.for([
    ['accepted', []],
    ['rejected', [refuse]],
    ['undecided', [skip]],
    ['undecided', [open]],
    ['undecided', [skip, refuse]],
    ['undecided', [open, refuse]],
    ['invalid', [fail]],
    ['invalid', [fail, skip]],
    ['invalid', [fail, refuse]],
    ['invalid', [fail, skip, open, refuse]],
  ] as const)('%s', ([decision, found]) => {
    expect(decide([...good, ...found])).toBe(decision);
    expect(decide([...found.toReversed(), ...good])).toBe(decision);
  });

  test('proof and binding are before the policy, with every other stage', () => {
    for (const stage of ['parse', 'chain', 'collateral', 'evidence', 'binding', 'proof'] as const) {
      expect(decide([...good, check(stage, 'fail')])).toBe('invalid');
    }
  });

  test('in whole verdicts', async () => {
    const scene = await reportScene();
    const forged = await reportScene({
      report: { afterSigning: (bytes) => bytes.fill(1, 0x90, 0x91) },
    });
    const decisions = [
      [scene, genuinePolicy],
      [await bundleScene(), refusing],
      [without(scene, 'vek'), refusing],
      [without(forged, 'ask'), refusing],
    ] as const;
    const found = decisions.map(async ([one, policy]) => (await verdictOf(one, policy)).decision);
    expect(await Promise.all(found)).toEqual(['accepted', 'rejected', 'undecided', 'invalid']);
  });
});

describe('waivers', () => {
  test('count until they expire, to the second', async () => {
    const scene = without(await reportScene(), 'ark-crl');
    const missing = idsWith('skip', await verifyScene(scene));
    const decision = async (expires: number | null) =>
      (await verdictOf(scene, waiving(missing, expires))).decision;
    expect(await decision(null)).toBe('accepted');
    expect(await decision(fakeNow + 1)).toBe('accepted');
    expect(await decision(fakeNow)).toBe('undecided');
    expect(await decision(fakeNow - 1)).toBe('undecided');
    const late = await verdictOf(scene, waiving(missing, fakeNow));
    expect(checkOf('collateral.crl-signature', late)).toMatchObject({
      status: 'skip',
      reason: expect.stringMatching(/its waiver has expired$/),
    });
  });

  test('say why, in the verdict', async () => {
    const scene = without(await reportScene(), 'ark-crl');
    const verdict = await verdictOf(scene, waiving(idsWith('skip', await verifyScene(scene))));
    expect(checkOf('collateral.revocation', verdict).reason).toMatch(
      /^lacks a revocation list \(--crl\); waived: for this test$/,
    );
  });

  test('never turn a failure into a pass: with all checks waived, each failure stays', async () => {
    const all = waiving(waivableChecks);
    const { crl } = await hierarchyOf('Genoa');
    const scene = await reportScene();
    const failing = [
      { ...scene, roots: [] },
      { ...scene, now: 1 },
      replaced(scene, 'ark-crl', crl.der),
      replaced(scene, 'vek', new Uint8Array(3)),
      await reportScene({ report: { afterSigning: (bytes) => bytes.fill(1, 0x90, 0x91) } }),
      await bundleScene({ nonce: new Uint8Array(32) }),
      await bundleScene({ connection: { channel: null } }),
    ];
    for (const one of failing) {
      const before = await verdictOf(one, waiving([]));
      const after = await verdictOf(one, all);
      expect(idsWith('fail', after)).toEqual(idsWith('fail', before));
      expect(after.decision).toBe('invalid');
    }
    const refused = waiving(waivableChecks, null, refusing);
    expect((await verdictOf(await bundleScene(), refused)).decision).toBe('rejected');
  });

  test('of a pass or of a check that does not apply do nothing', async () => {
    const scene = await reportScene();
    const verdict = await verdictOf(scene, waiving(['collateral.revocation', 'policy.debug']));
    expect(idsWith('waived', verdict)).toEqual([]);
    expect(verdict.decision).toBe('accepted');
  });
});

describe('the moment', () => {
  const asked = (change: Partial<Policy>) => toPolicy({ ...strict, ...change });

  test('freshness: the verifier’s own nonce, or "any"', async () => {
    const status = async (nonce: Bytes | null, policy: Policy) => {
      const verdict = await verdictOf(await bundleScene({ nonce }), policy);
      return checkOf('policy.freshness', verdict).status;
    };
    expect(await status(sampleNonce, strict)).toBe('pass');
    expect(await status(null, strict)).toBe('skip');
    expect(await status(null, asked({ freshness: 'any' }))).toBe('pass');
    expect((await verdictOf(await bundleScene({ nonce: null }), strict)).decision).toBe(
      'undecided',
    );
  });

  test('channel: one of the kinds named, over the verifier’s own connection', async () => {
    const status = async (options: Parameters<typeof bundleScene>[0], policy: Policy) => {
      const verdict = await verdictOf(await bundleScene(options), policy);
      return [checkOf('policy.channel', verdict).status, verdict.decision];
    };
    const noChannel = { channel: null, connection: { channel: null } };
    expect(await status({}, strict)).toEqual(['pass', 'accepted']);
    expect(await status({}, asked({ channel: ['noise', 'tls-key'] }))).toEqual([
      'pass',
      'accepted',
    ]);
    expect(await status({}, asked({ channel: ['tls-exporter'] }))).toEqual(['fail', 'rejected']);
    expect(await status(noChannel, strict)).toEqual(['fail', 'rejected']);
    expect(await status(noChannel, asked({ channel: 'any' }))).toEqual(['pass', 'accepted']);
    expect(await status({ connection: null }, strict)).toEqual(['skip', 'undecided']);
    expect(await status({ connection: null }, asked({ channel: 'any' }))).toEqual([
      'pass',
      'accepted',
    ]);
    expect(await status({ connection: { channel: 'unknown' } }, strict)).toEqual([
      'pass',
      'undecided',
    ]);
  });

  test('a raw report has neither', async () => {
    const policy = asked({ closureDigest: 'any', treeRoot: 'any' });
    const verdict = await verdictOf(await reportScene(), policy);
    expect(idsWith('skip', verdict)).toEqual(['policy.freshness', 'policy.channel']);
    expect(verdict.decision).toBe('undecided');
  });
});

test('a floor says how far behind each part is', async () => {
  const { tcb } = await hierarchyOf('Milan');
  const floors = { Milan: { ...tcb, bootLoader: tcb.bootLoader + 3, snp: tcb.snp + 1 } };
  const { sevSnp } = genuinePolicy;
  if (sevSnp === undefined) throw new RangeError('the genuine policy names SEV-SNP');
  const policy = toPolicy({
    ...genuinePolicy,
    sevSnp: { ...sevSnp, minimumTcb: { ...sevSnp.minimumTcb, reported: floors } },
  });
  const verdict = await verdictOf(await reportScene(), policy);
  expect(checkOf('policy.reported-tcb', verdict).reason).toBe(
    'bootLoader is 3 behind, snp is 1 behind',
  );
  // A product that is accepted but has no floor.
  const turin = await verdictOf(await reportScene({ product: 'Turin' }), policy);
  expect(checkOf('policy.reported-tcb', turin).reason).toBe('the policy has no floor for Turin');
  expect([verdict.decision, turin.decision]).toEqual(['rejected', 'rejected']);
});

test('tighten only narrows: what it accepts, the policy accepts', async () => {
  const scenes = [await bundleScene(), await bundleScene({ nonce: null }), await reportScene()];
  const wanted = ['c1'.repeat(32), 'ee'.repeat(32), undefined];
  const policies = [strict, genuinePolicy, refusing];
  for (const scene of scenes) {
    const verified = await verifyScene(scene);
    for (const policy of policies) {
      const before = appraise(verified, policy).decision;
      for (const closureDigest of wanted) {
        for (const measurement of ['4d'.repeat(48), '00'.repeat(48), undefined]) {
          const narrow = tighten(policy, {
            ...(closureDigest && { closureDigest }),
            ...(measurement && { measurement }),
          });
          const after = appraise(verified, narrow).decision;
          if (after === 'accepted') expect(before).toBe('accepted');
          if (before === 'invalid') expect(after).toBe('invalid');
        }
      }
    }
  }
});
