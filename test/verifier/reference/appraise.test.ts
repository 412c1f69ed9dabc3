/** Policies that ask for k of n builders, on evidence of a guest, a TD and an enclave. */
import { beforeAll, describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { type Policy, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import type { ReferencesPolicy } from '#verifier/appraise/reference-policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { compareDecisions, diffPolicies } from '#verifier/policy-tools/compare.ts';
import { agreementsOf } from '#verifier/reference/agreement.ts';
import type { ReferenceFile } from '#verifier/reference/file.ts';
import { signReference } from '#verifier/reference/signature.ts';
import type { VerifiedReferences } from '#verifier/reference/verified.ts';
import { makeEar } from '#verifier/tokens/ear.ts';
import type { Verified } from '#verifier/verified.ts';
import { enclaveScene, strictIntelPolicy, tdxBundleScene } from '../intel-scene.ts';
import { bundleScene, checkOf, idsWith, reportScene, strictPolicy, verifyScene } from '../scene.ts';
import { asVendors } from '../tokens/samples.ts';
import {
  alice,
  bob,
  carol,
  listOf,
  mallory,
  referring,
  signedBy,
  snpValues,
  tdxValues,
  verifiedOf,
} from './samples.ts';

const [signatures, validity, values] = [
  'policy.reference-signatures',
  'policy.reference-validity',
  'policy.reference-values',
] as const;

let guest: Verified;
let td: Verified;
let snpBase: Policy;
let tdxBase: Policy;
beforeAll(async () => {
  guest = await verifyScene(await bundleScene());
  td = await verifyScene(tdxBundleScene());
  snpBase = withoutValues(await strictPolicy());
  tdxBase = withoutValues(strictIntelPolicy());
});

/** Left out: what reference files say. */
function withoutValues({ closureDigest: _, sevSnp, tdx, sgx: __, ...rest }: Policy): Policy {
  const { measurement: ___, ...guestRules } = sevSnp ?? { measurement: 'any' };
  const { mrTd, rtmr0, rtmr1, rtmr2, ...tdRules } = tdx ?? {};
  const policy = {
    ...rest,
    ...(sevSnp && { sevSnp: guestRules }),
    ...(tdx && { tdx: tdRules }),
  };
  return policy as Policy;
}

type Judged = { decision: Verdict['decision']; fails: string[]; verdict: Verdict };

async function judge(
  files: readonly ReferenceFile[],
  change: Partial<ReferencesPolicy> = {},
  evidence: Verified = guest,
  base: Policy = snpBase,
): Promise<Judged> {
  const verdict = appraise(evidence, referring(base, change), await verifiedOf(...files));
  return { decision: verdict.decision, fails: idsWith('fail', verdict), verdict };
}

const all = [signatures, validity, values];
const accepted = { decision: 'accepted', fails: [] };
const unsigned = { decision: 'rejected', fails: all };

describe('k of n', () => {
  test.each([
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
    [2, 3],
    [3, 2],
    [3, 3],
  ])('threshold %i, %i signatures', async (threshold, count) => {
    const file = await signedBy(snpValues(), ...[alice, bob, carol].slice(0, count));
    const judged = await judge([file], { threshold });
    expect(judged).toMatchObject(count >= threshold ? accepted : unsigned);
  });

  test('signatures may come in one file or in several', async () => {
    const files = [await signedBy(snpValues(), alice), await signedBy(snpValues(), bob)];
    expect(await judge(files)).toMatchObject(accepted);
    expect(await judge(files.slice(0, 1))).toMatchObject(unsigned);
  });

  test('one builder that signs twice counts once', async () => {
    const { signer } = alice;
    const again = { values: snpValues(), signatures: [] };
    const files = [
      await signedBy(snpValues(), alice),
      await signReference(again, { builder: 'not alice', source: 'git:other' }, signer),
    ];
    expect(await judge(files)).toMatchObject(unsigned);
    expect(await judge(files, { threshold: 1 })).toMatchObject(accepted);
  });

  test('a builder that is not listed counts for nothing, whatever it calls itself', async () => {
    const { signer } = mallory;
    const file = await signReference(
      await signedBy(snpValues(), alice),
      { builder: 'bob builds', source: 'git:bob' },
      signer,
    );
    expect(await judge([file])).toMatchObject(unsigned);
    expect(await judge([file], { builders: listOf(alice, mallory) })).toMatchObject(accepted);
  });

  test('signatures over other values do not add up', async () => {
    const files = [
      await signedBy(snpValues(), alice),
      await signedBy(snpValues({ closureDigest: 'ee'.repeat(32) }), bob),
      await signedBy(snpValues({ release: '1.2.1' }), carol),
    ];
    const { verdict, ...judged } = await judge(files);
    expect(judged).toEqual(unsigned);
    expect(checkOf(signatures, verdict).reason).toMatch(/1 of 2 .* do not add up/);
  });

  test('a false signature counts for nothing, and spoils no other', async () => {
    const file = await signedBy(snpValues(), alice, bob, carol);
    const [first, ...others] = file.signatures;
    if (first === undefined) throw new RangeError('three signatures');
    const bad = { ...file, signatures: [{ ...first, source: 'git:else' }, ...others] };
    expect(await judge([bad])).toMatchObject(accepted);
    const { verdict, ...judged } = await judge([bad], { threshold: 3 });
    expect(judged).toEqual(unsigned);
    expect(checkOf(signatures, verdict).reason).toContain(
      `false: the signature of key ${alice.key}`,
    );
  });

  test('no file is not enough, and says what to give', async () => {
    const verdict = appraise(guest, referring(snpBase));
    expect(idsWith('fail', verdict)).toEqual(all);
    expect(verdict.decision).toBe('rejected');
    expect(checkOf(signatures, verdict).reason).toBe('no reference file was given');
  });

  test('the counting refuses builders that share a key or a name', async () => {
    const references = await verifiedOf(await signedBy(snpValues(), alice));
    const twice = [...listOf(alice), { name: 'another', key: alice.key }];
    expect(() => agreementsOf(references, twice)).toThrow(RangeError);
    const namesakes = [...listOf(alice), { name: 'alice', key: bob.key }];
    expect(() => agreementsOf(references, namesakes)).toThrow(RangeError);
    expect(agreementsOf(references, listOf(alice, bob))).toMatchObject([{ signers: ['alice'] }]);
  });
});

describe('which release', () => {
  test('name and release are those of the policy, where it names them', async () => {
    const file = await signedBy(snpValues(), alice, bob);
    expect(await judge([file], { name: ['guest'], release: ['1.2.0'] })).toMatchObject(accepted);
    expect(await judge([file], { name: 'any' })).toMatchObject(accepted);
    expect(await judge([file], { name: ['other'] })).toMatchObject(unsigned);
    expect(await judge([file], { release: ['1.2.1'] })).toMatchObject(unsigned);
  });

  test.each([
    ['not yet', { from: fakeNow + 1, until: fakeNow + 2 }, false],
    ['from now on', { from: fakeNow, until: fakeNow + 1 }, true],
    ['no longer', { from: fakeNow - 1, until: fakeNow }, false],
  ])('values that hold %s', async (_, when, holds) => {
    const judged = await judge([await signedBy(snpValues({ validity: when }), alice, bob)]);
    expect(judged).toMatchObject(holds ? accepted : { decision: 'rejected', fails: [validity] });
  });

  test.each([{ measurement: 'ee'.repeat(48) }, { closureDigest: 'ee'.repeat(32) }])(
    'a guest whose values are not %j',
    async (change) => {
      const judged = await judge([await signedBy(snpValues(change), alice, bob)]);
      expect(judged).toMatchObject({ decision: 'rejected', fails: [values] });
    },
  );

  test('no release lends another its validity or its values', async () => {
    const old = await signedBy(snpValues({ validity: { from: 1, until: 2 } }), alice, bob);
    const next = await signedBy(
      snpValues({ release: '2.0.0', measurement: 'ee'.repeat(48) }),
      alice,
      bob,
    );
    for (const files of [
      [old, next],
      [next, old],
    ]) {
      expect(await judge(files)).toMatchObject({ decision: 'rejected', fails: [validity] });
    }
    const good = await signedBy(snpValues(), alice, bob);
    for (const files of [
      [old, next, good],
      [good, old, next],
    ])
      expect(await judge(files)).toMatchObject(accepted);
  });
});

describe('machines', () => {
  test.each(['mrTd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'])('a TD whose %s differs', async (name) => {
    const good = await signedBy(tdxValues(), alice, bob);
    expect(await judge([good], {}, td, tdxBase)).toMatchObject(accepted);
    const file = await signedBy(tdxValues({ [name]: 'ee'.repeat(48) }), alice, bob);
    expect(await judge([file], {}, td, tdxBase)).toMatchObject({
      decision: 'rejected',
      fails: [values],
    });
  });

  test('an RTMR3 that is not stated may be anything; no other register can be left out', async () => {
    const later = await verifyScene(
      tdxBundleScene({ fields: { rtmr: rtmrs(['a0', 'a1', 'a2', '77']) } }),
    );
    const file = await signedBy(tdxValues({ rtmr3: null }), alice, bob);
    const open = { ...tdxBase, tdx: { ...tdxBase.tdx, rtmr3: 'any' } } as Policy;
    expect(await judge([file], {}, later, open)).toMatchObject(accepted);
    const stated = await signedBy(tdxValues(), alice, bob);
    expect((await judge([stated], {}, later, open)).fails).toEqual([values]);
  });

  const rtmrs = (bytes: readonly string[]) =>
    bytes.map((byte) => new Uint8Array(48).fill(Number.parseInt(byte, 16))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];

  test('files of both platforms may be given together; of the other one alone they say nothing', async () => {
    const files = [
      await signedBy(tdxValues(), alice, bob),
      await signedBy(snpValues(), alice, bob),
    ];
    expect(await judge(files)).toMatchObject(accepted);
    expect(await judge(files, {}, td, tdxBase)).toMatchObject(accepted);
    expect(await judge(files.slice(0, 1))).toMatchObject(unsigned);
  });

  test('an enclave has no reference file: a policy that asks for one refuses it', async () => {
    const enclave = await verifyScene(enclaveScene());
    const base = strictIntelPolicy('quote');
    expect(appraise(enclave, base).decision).toBe('accepted');
    const file = await signedBy(snpValues(), alice, bob);
    const { verdict, ...judged } = await judge([file], {}, enclave, base);
    expect(judged).toEqual(unsigned);
    expect(checkOf(signatures, verdict).reason).toContain('no enclave has one');
  });

  test('a raw report tells no closure: undecided, rejected where its measurement differs, waivable', async () => {
    const raw = await verifyScene(await reportScene());
    const base = { ...snpBase, treeRoot: 'any', freshness: 'any', channel: 'any' } as Policy;
    const good = await signedBy(snpValues(), alice, bob);
    const { verdict, decision } = await judge([good], {}, raw, base);
    expect([decision, idsWith('skip', verdict)]).toEqual(['undecided', [values]]);
    const other = await signedBy(snpValues({ measurement: 'ee'.repeat(48) }), alice, bob);
    expect(await judge([other], {}, raw, base)).toMatchObject({
      decision: 'rejected',
      fails: [values],
    });
    const waivers = [{ check: values, reason: 'raw reports', expires: null }];
    const waived = { ...base, waivers } as Policy;
    expect(await judge([good], {}, raw, waived)).toMatchObject(accepted);
    expect(await judge([other], {}, raw, waived)).toMatchObject({ decision: 'rejected' });
  });
});

describe('beside other members', () => {
  test('measurements that the policy names must hold too', async () => {
    const file = await signedBy(snpValues(), alice, bob);
    const named = async (measurement: string, closureDigest: string) => {
      const base = {
        ...snpBase,
        closureDigest: [closureDigest],
        sevSnp: { ...snpBase.sevSnp, measurement: [measurement] },
      } as Policy;
      return (await judge([file], {}, guest, base)).fails;
    };
    const [right, wrong] = [
      ['4d'.repeat(48), 'c1'.repeat(32)],
      ['ee'.repeat(48), 'ee'.repeat(32)],
    ];
    expect(await named(right[0] as string, right[1] as string)).toEqual([]);
    expect(await named(wrong[0] as string, right[1] as string)).toEqual(['policy.measurement']);
    expect(await named(right[0] as string, wrong[1] as string)).toEqual(['policy.closure-digest']);
  });

  test('software is named by reference: no warning, trees count, a token affirms it', async () => {
    const { verdict } = await judge([await signedBy(snpValues(), alice, bob)]);
    expect(checkOf('policy.tree-root', verdict).status).toBe('pass');
    expect(verdict.warnings.filter((text) => text.includes('software'))).toEqual([]);
    const { executables } = claimsOf(verdict);
    expect(executables).toBe(claimsOf(appraise(guest, await strictPolicy())).executables);
    const any = { ...snpBase.sevSnp, measurement: 'any' };
    const genuine = toPolicy({ ...snpBase, sevSnp: any, closureDigest: 'any', treeRoot: 'any' });
    expect(claimsOf(appraise(guest, genuine)).executables).not.toBe(executables);
  });

  const claimsOf = (verdict: Verdict) =>
    makeEar(asVendors(verdict)).submods['sev-snp']?.['ear.trustworthiness-vector'] ?? {};

  test('the verdict’s forecast, and so a token, ends with the values', async () => {
    const until = fakeNow + 60;
    const file = await signedBy(snpValues({ validity: { from: fakeNow, until } }), alice, bob);
    const { verdict } = await judge([file]);
    expect(verdict.forecast[0]).toMatchObject({ at: until });
    expect(verdict.forecast[0]?.what).toContain('guest 1.2.0');
    expect(makeEar(verdict).exp).toBe(until);
  });

  test('a policy that asks for none passes all three, whatever is given', async () => {
    const references = await verifiedOf(await signedBy(snpValues({ name: 'other' }), mallory));
    for (const given of [undefined, references]) {
      const verdict = appraise(guest, await strictPolicy(), given);
      expect(all.map((id) => checkOf(id, verdict).expected)).toEqual(['any', 'any', 'any']);
      expect(verdict.decision).toBe('accepted');
    }
  });

  test('narrowing narrows on', async () => {
    const references = await verifiedOf(await signedBy(snpValues(), alice, bob));
    const policy = referring(snpBase);
    const same = tighten(policy, { measurement: '4d'.repeat(48) });
    expect(appraise(guest, same, references).decision).toBe('accepted');
    const other = tighten(policy, { measurement: 'ee'.repeat(48) });
    expect(appraise(guest, other, references).decision).toBe('rejected');
  });

  test('only what verifyReferences made is taken', async () => {
    const real = await verifiedOf(await signedBy(snpValues(), alice, bob));
    const forged = { files: real.files } as unknown as VerifiedReferences;
    const policy = referring(snpBase);
    expect(appraise(guest, policy, real).decision).toBe('accepted');
    expect(() => appraise(guest, policy, forged)).toThrow(TypeError);
    expect(() => appraise(guest, policy, { ...real } as VerifiedReferences)).toThrow(TypeError);
  });
});

describe('the policy tools', () => {
  test('diff: builders in any order, and whose decision changes', async () => {
    const from = referring(snpBase);
    const turned = referring(snpBase, { builders: listOf(carol, bob, alice) });
    expect(diffPolicies(from, turned)).toEqual([]);
    const to = referring(snpBase, { threshold: 3 });
    expect(diffPolicies(from, to)).toEqual([{ path: 'references.threshold', from: 2, to: 3 }]);
    const references = await verifiedOf(await signedBy(snpValues(), alice, bob));
    expect(compareDecisions(guest, from, to, references)).toMatchObject({
      from: 'accepted',
      to: 'rejected',
      checks: all.map((id) => ({ id, from: 'pass', to: 'fail' })),
    });
    expect(compareDecisions(guest, from, turned, references).checks).toEqual([]);
  });
});
