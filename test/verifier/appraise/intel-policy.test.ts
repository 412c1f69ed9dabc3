/** What a policy can say of a TD, an enclave and their platforms: each member is enforced, and none is silent. */
import { describe, expect, test } from 'vitest';
import { fakeNow } from '#test/fake/amd.ts';
import { qeIdentityStatus, tcbInfoStatus } from '#test/fake/intel-collateral.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { acceptableStatuses } from '#verifier/appraise/intel-policy.ts';
import { type Policy, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import type { TdxPolicy } from '#verifier/appraise/tdx-policy.ts';
import { fromHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import {
  enclaveScene,
  quoteScene,
  strictIntelPolicy,
  strictSgx,
  strictTdx,
  tdxBundleScene,
} from '../intel-scene.ts';
import { checkOf, idsWith, verdictOf } from '../scene.ts';

const day = 86_400;
const quotePolicy = strictIntelPolicy('quote');
const withTdx = (tdx: Partial<TdxPolicy>): Policy =>
  toPolicy({ ...quotePolicy, tdx: { ...strictTdx(), ...tdx } });
const withTcb = (tcb: Partial<TdxPolicy['tcb']>): Policy =>
  withTdx({
    tcb: { ...strictTdx().tcb, minimumEvaluationNumber: 'any', minimumDate: 'any', ...tcb },
  });
const statusScene = (platform: Parameters<typeof tcbInfoStatus>[0]['platform'], now = fakeNow) =>
  quoteScene({
    now,
    intel: { overrides: { tcbInfo: tcbInfoStatus(platform === undefined ? {} : { platform }) } },
  });

describe('the document', () => {
  const code = (change: object, member: 'tdx' | 'sgx' = 'tdx') =>
    codeOf(() =>
      toPolicy({
        ...quotePolicy,
        [member]: { ...(member === 'tdx' ? strictTdx() : strictSgx()), ...change },
      }),
    );

  test.each(Object.keys(strictTdx()))('tdx.%s is written out', (name) => {
    const { [name as keyof TdxPolicy]: _, ...rest } = strictTdx();
    expect(codeOf(() => toPolicy({ ...quotePolicy, tdx: rest }))).toBe('json-shape');
    expect(code({})).toBe(null);
  });

  test.each(Object.keys(strictSgx()))('sgx.%s is written out', (name) => {
    const sgx: Record<string, unknown> = { ...strictSgx() };
    delete sgx[name];
    expect(codeOf(() => toPolicy({ ...quotePolicy, sgx }))).toBe('json-shape');
    expect(code({}, 'sgx')).toBe(null);
  });

  test('every part of tcb, platform and attributes is written out', () => {
    for (const part of ['tcb', 'platform', 'attributes'] as const) {
      for (const name of Object.keys(strictTdx()[part])) {
        const rest: Record<string, unknown> = { ...strictTdx()[part] };
        delete rest[name];
        expect(code({ [part]: rest }), `${part}.${name}`).toBe('json-shape');
      }
    }
  });

  test('Revoked cannot be accepted, nor what Intel never says', () => {
    const statuses = (...acceptedStatuses: string[]) =>
      code({ tcb: { ...strictTdx().tcb, acceptedStatuses } });
    expect(statuses(...acceptableStatuses)).toBe(null);
    for (const status of ['Revoked', 'NotSupported', 'uptodate', 'any'])
      expect(statuses('UpToDate', status)).toBe('json-shape');
    expect(statuses()).toBe('json-shape');
  });

  test('one way to allow for lateness, not two', () => {
    const graces = (change: object) =>
      code({ tcb: { ...strictTdx().tcb, minimumEvaluationNumber: 'any', ...change } });
    expect(graces({ collateralGracePeriod: day })).toBe(null);
    expect(graces({ platformGracePeriod: day })).toBe(null);
    expect(graces({ collateralGracePeriod: day, platformGracePeriod: day })).toBe('json-shape');
    expect(graces({ minimumEvaluationNumber: 1, collateralGracePeriod: day })).toBe('json-shape');
    expect(graces({ minimumEvaluationNumber: 1 })).toBe(null);
  });
});

test.each([
  ['tdx', () => quoteScene()],
  ['sgx', () => enclaveScene()],
] as const)('a policy without %s refuses it', async (member, scene) => {
  expect((await verdictOf(scene(), quotePolicy)).decision).toBe('accepted');
  const { [member]: _, ...rest } = quotePolicy;
  const verdict = await verdictOf(scene(), toPolicy(rest));
  expect(verdict.decision).toBe('rejected');
  for (const id of idsWith('fail', verdict))
    expect(checkOf(id, verdict).reason).toMatch(`no member ${member}`);
});

describe('TCB status', () => {
  test('genuine accepts UpToDate only, and shows every advisory', async () => {
    expect((await verdictOf(statusScene(undefined))).decision).toBe('accepted');
    const verdict = await verdictOf(
      quoteScene({
        intel: {
          overrides: {
            tcbInfo: tcbInfoStatus({ platform: 'OutOfDate', advisories: ['INTEL-SA-00001'] }),
            qeIdentity: qeIdentityStatus('OutOfDate', ['INTEL-SA-00002']),
          },
        },
      }),
    );
    expect(verdict.decision).toBe('rejected');
    expect(checkOf('policy.tcb-status', verdict)).toMatchObject({
      status: 'fail',
      expected: 'UpToDate',
      actual: 'OutOfDate',
      reason: expect.stringMatching(/platform OutOfDate .*TDX module UpToDate .*enclave OutOfDate/),
    });
    expect(checkOf('policy.advisories', verdict).actual).toBe('INTEL-SA-00001, INTEL-SA-00002');
  });

  test.each(acceptableStatuses.slice(0, 6))('%s is accepted where it is named', async (status) => {
    const scene = statusScene(status as 'OutOfDate');
    const accepting = withTcb({ acceptedStatuses: [status] });
    expect((await verdictOf(scene, accepting)).decision).toBe('accepted');
    const others = acceptableStatuses.filter((one) => one !== status);
    expect((await verdictOf(scene, withTcb({ acceptedStatuses: others }))).decision).toBe(
      'rejected',
    );
  });

  test('Revoked is rejected whatever the policy names', async () => {
    const all = withTcb({ acceptedStatuses: [...acceptableStatuses] });
    expect((await verdictOf(statusScene('Revoked'), all)).decision).toBe('rejected');
  });

  test('a module or quoting enclave out of date makes the platform so, not better', async () => {
    const statusOf = async (options: Parameters<typeof quoteScene>[0]) =>
      checkOf('policy.tcb-status', await verdictOf(quoteScene(options))).actual;
    const module = { intel: { overrides: { tcbInfo: tcbInfoStatus({ module: 'OutOfDate' }) } } };
    expect(await statusOf({ ...module, fields: { version: 4 } })).toBe('OutOfDate');
    // TDX 1.5 tells that the module was updated since the TD began.
    expect(await statusOf(module)).toBe('TDRelaunchAdvised');
    const enclave = { intel: { overrides: { qeIdentity: qeIdentityStatus('OutOfDate') } } };
    expect(await statusOf(enclave)).toBe('OutOfDate');
    const worse = { tcbInfo: tcbInfoStatus({ platform: 'OutOfDate', module: 'UpToDate' }) };
    expect(await statusOf({ intel: { overrides: worse } })).toBe('OutOfDate');
  });

  test('without collateral it is not judged, and not passed', async () => {
    const verdict = await verdictOf({ ...quoteScene(), collateral: [] }, quotePolicy);
    expect(checkOf('policy.tcb-status', verdict).status).toBe('skip');
    expect(verdict.decision).toBe('undecided');
  });
});

describe('grace', () => {
  const ends = fakeNow - day + 30 * day;

  test('of collateral: documents and lists for so many seconds, to the second', async () => {
    const policy = withTcb({ collateralGracePeriod: 3 * day });
    const at = async (now: number, rules = policy) => verdictOf(quoteScene({ now }), rules);
    const late = await at(ends + 3 * day);
    expect(late.decision).toBe('accepted');
    expect(idsWith('waived', late)).toEqual([
      'collateral.pck-crl-validity',
      'collateral.tcb-info-validity',
      'collateral.qe-identity-validity',
    ]);
    expect(late.warnings.join()).toMatch(/Collateral has run out/);
    expect((await at(ends + 3 * day + 1)).decision).toBe('invalid');
    expect((await at(ends)).warnings.join()).not.toMatch(/run out/);
    expect((await at(ends + 1, withTcb({}))).decision).toBe('invalid');
    expect((await at(ends + 1, quotePolicy)).decision).toBe('invalid');
  });

  test('of collateral: not for what is from later, nor for certificates', async () => {
    const policy = withTcb({ collateralGracePeriod: 3 * day });
    expect((await verdictOf(quoteScene({ now: fakeNow - 2 * day }), policy)).decision).toBe(
      'invalid',
    );
    const overrides = { tcbSigning: { notAfter: fakeNow - 1 } };
    expect((await verdictOf(quoteScene({ intel: { overrides } }), policy)).decision).toBe(
      'invalid',
    );
    const pck = { pck: { notAfter: fakeNow - 1 } };
    expect((await verdictOf(quoteScene({ intel: { overrides: pck } }), policy)).decision).toBe(
      'invalid',
    );
  });

  test('of the platform: OutOfDate for so long after the date of its level', async () => {
    // The simulator's newest level is dated 2025-05-14.
    const sinceLevel = fakeNow - 1_747_180_800;
    const grace = (platformGracePeriod: number) => withTcb({ platformGracePeriod });
    const scene = statusScene('OutOfDate');
    expect((await verdictOf(scene, grace(sinceLevel))).decision).toBe('accepted');
    const ended = await verdictOf(scene, grace(sinceLevel - 1));
    expect(ended.decision).toBe('rejected');
    expect(checkOf('policy.tcb-status', ended).reason).toMatch(/the grace period ended at/);
    for (const status of ['Revoked', 'ConfigurationNeeded', 'SWHardeningNeeded'] as const)
      expect((await verdictOf(statusScene(status), grace(sinceLevel))).decision).toBe('rejected');
  });
});

describe('the TD', () => {
  const attributes = (bits: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, bits, true);
    return quoteScene({ fields: { tdAttributes: bytes } });
  };
  const sept = 1n << 28n;

  test('debug, and every other bit that opens the TD, is refused unless dangerously allowed', async () => {
    const allowing = withTdx({
      attributes: { ...strictTdx().attributes, debug: 'dangerously-allowed' },
    });
    expect(idsWith('fail', await verdictOf(attributes(sept), quotePolicy))).toEqual([]);
    for (const bit of [0n, 1n, 4n, 5n, 6n, 7n]) {
      const scene = attributes(sept | (1n << bit));
      expect(idsWith('fail', await verdictOf(scene, quotePolicy))).toEqual(['policy.debug']);
      const allowed = await verdictOf(scene, allowing);
      expect(allowed.decision).toBe('accepted');
      expect(allowed.warnings.join()).toMatch(/DANGEROUS/);
    }
  });

  test.each([
    ['migratable', 29n],
    ['pks', 30n],
    ['keyLocker', 31n],
    ['tpa', 62n],
    ['perfmon', 63n],
    ['servTdExt', 17n],
  ] as const)('%s is refused where the policy says so', async (name, bit) => {
    const scene = attributes(sept | (1n << bit));
    expect(idsWith('fail', await verdictOf(scene, quotePolicy))).toEqual(['policy.td-attributes']);
    const allowing = withTdx({ attributes: { ...strictTdx().attributes, [name]: 'allowed' } });
    expect((await verdictOf(scene, allowing)).decision).toBe('accepted');
  });

  test('SEPT_VE_DISABLE is required where the policy says so', async () => {
    const verdict = await verdictOf(attributes(0n), quotePolicy);
    expect(checkOf('policy.td-attributes', verdict).reason).toBe('septVeDisable is off');
    const any = withTdx({ attributes: { ...strictTdx().attributes, septVeDisable: 'any' } });
    expect((await verdictOf(attributes(0n), any)).decision).toBe('accepted');
  });

  test('bits that nobody knows are refused, also by genuine', async () => {
    const scene = attributes(sept | (1n << 40n));
    for (const policy of [quotePolicy, genuinePolicy]) {
      expect(idsWith('fail', await verdictOf(scene, policy))).toEqual(['policy.td-attributes']);
    }
  });

  test('XFAM: x87 and SSE on, nothing on that no module allows, whatever the policy names', async () => {
    const xfam = (hex: string) => quoteScene({ fields: { xfam: fromHex(hex, 'test') } });
    const any = withTdx({ xfam: 'any' });
    expect((await verdictOf(xfam('e702060000000000'), any)).decision).toBe('accepted');
    expect((await verdictOf(xfam('0300000000000000'), any)).decision).toBe('accepted');
    for (const illegal of [
      'e602060000000000',
      'e502060000000000',
      'ef02060000000000',
      'e702060000000080',
    ])
      expect(idsWith('fail', await verdictOf(xfam(illegal), any)), illegal).toEqual([
        'policy.xfam',
      ]);
  });

  test('a TDX 1.0 quote has no MRSERVICETD that could be the one named', async () => {
    const scene = quoteScene({ fields: { version: 4 } });
    expect(idsWith('fail', await verdictOf(scene, quotePolicy))).toEqual(['policy.mrservicetd']);
    expect((await verdictOf(scene, withTdx({ mrServiceTd: 'any' }))).decision).toBe('accepted');
  });
});

describe('software', () => {
  const bundlePolicy = (tdx: Partial<TdxPolicy>) =>
    toPolicy({ ...strictIntelPolicy('bundle'), tdx: { ...strictTdx(), ...tdx } });

  test.each(['mrTd', 'rtmr0', 'rtmr1', 'rtmr2'] as const)(
    'with %s unnamed, closure and services are claimed by unnamed software',
    async (name) => {
      expect((await verdictOf(tdxBundleScene(), bundlePolicy({}))).decision).toBe('accepted');
      const verdict = await verdictOf(tdxBundleScene(), bundlePolicy({ [name]: 'any' }));
      expect(idsWith('skip', verdict)).toEqual(['policy.closure-digest', 'policy.tree-root']);
      expect(verdict.decision).toBe('undecided');
      expect(verdict.warnings.join()).toMatch(/does not name all of the software/);
    },
  );

  test('RTMR3, which the running system extends, need not be named', async () => {
    const verdict = await verdictOf(tdxBundleScene(), bundlePolicy({ rtmr3: 'any' }));
    expect(verdict.decision).toBe('accepted');
  });

  test('what is asked on top narrows MRTD and REPORTDATA', async () => {
    const decide = async (expectations: Parameters<typeof tighten>[1]) =>
      (await verdictOf(quoteScene(), tighten(genuinePolicy, expectations))).decision;
    expect(await decide({ measurement: '4d'.repeat(48) })).toBe('accepted');
    expect(await decide({ measurement: '4e'.repeat(48) })).toBe('rejected');
    expect(await decide({ reportData: '52'.repeat(64) })).toBe('accepted');
    expect(await decide({ reportData: '53'.repeat(64) })).toBe('rejected');
    const enclave = tighten(genuinePolicy, { measurement: '4d'.repeat(48) });
    expect((await verdictOf(enclaveScene(), enclave)).decision).toBe('rejected');
  });
});

describe('the enclave', () => {
  test('debug is refused unless dangerously allowed', async () => {
    const attributes = fromHex('0700000000000000e700000000000000', 'test');
    const scene = enclaveScene({ fields: { attributes } });
    expect(idsWith('fail', await verdictOf(scene, genuinePolicy))).toEqual(['policy.debug']);
    const allowing = toPolicy({
      ...quotePolicy,
      sgx: { ...strictSgx(), debug: 'dangerously-allowed' },
    });
    expect((await verdictOf(scene, allowing)).decision).toBe('accepted');
  });

  test('platform switches: what a certificate does not state is not off', async () => {
    const refusing = toPolicy({
      ...quotePolicy,
      sgx: {
        ...strictSgx(),
        platform: { ...strictSgx().platform, instanceId: 'any', smt: 'refused' },
      },
    });
    const off = { configuration: { dynamicPlatform: true, cachedKeys: true, smtEnabled: false } };
    expect((await verdictOf(enclaveScene({ intel: { machine: off } }), refusing)).decision).toBe(
      'accepted',
    );
    const silent = enclaveScene({ intel: { machine: { ca: 'processor' } } });
    const verdict = await verdictOf(silent, refusing);
    expect(checkOf('policy.platform-configuration', verdict).reason).toBe('SMT is not stated');
  });
});
