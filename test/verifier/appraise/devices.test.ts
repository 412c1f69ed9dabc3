/** The policy on devices: their kinds, and NVIDIA's check by check, each refusal beside what is accepted. */
import { describe, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { NvidiaClaims, Verified } from '#verifier/verified.ts';
import { codeOf } from '../code-of.ts';
import { checkOf, idsWith } from '../scene.ts';
import {
  bareGpus,
  bundleWith,
  gpu,
  gpuPolicyWith,
  noMachines,
  nvidiaRules,
  nvSwitch,
} from './beside-scene.ts';

function outcome(verified: Verified, policy: Policy) {
  const verdict = appraise(verified, policy);
  const failed = idsWith('fail', verdict);
  return [verdict.decision, ...(failed.length > 0 ? failed : idsWith('skip', verdict))];
}

describe('the member', () => {
  const { devices: _, ...rest } = genuinePolicy;
  const code = (devices: unknown) => codeOf(() => toPolicy({ ...rest, devices }));
  const listed = (nvidia: unknown, change: object = {}) =>
    code({ nvidia, tpm: 'refused', nitroTpm: 'refused', ...change });
  const rules = (change: object) => listed({ ...nvidiaRules, ...change });

  test('a word, or every kind', () => {
    expect([code('none'), code('any'), listed('refused'), rules({})]).toEqual(Array(4).fill(null));
    for (const wrong of ['refused', 'NONE', null, [], {}, { nvidia: 'refused' }, true])
      expect(code(wrong), String(wrong)).toBe('json-shape');
    expect(listed('any')).toBe('json-shape');
    expect(listed('refused', { tpm: 'any' })).toBe('json-shape');
    expect(listed('refused', { tpm: 'required', nitroTpm: 'allowed' })).toBe(null);
    expect(listed('refused', { amd: 'refused' })).toBe('json-shape');
  });

  test.each<[string, object, string | null]>([
    ['no architecture', { architectures: [] }, 'json-shape'],
    ['an architecture in small letters', { architectures: ['hopper'] }, 'json-shape'],
    ['any architecture, which is no word here', { architectures: 'any' }, 'json-shape'],
    ['any driver', { minimumDriver: 'any' }, null],
    ['no floor', { minimumDriver: {} }, 'json-shape'],
    ['a floor of one', { minimumDriver: { HOPPER: '535' } }, null],
    ['a floor of no architecture', { minimumDriver: { hopper: '535' } }, 'json-shape'],
    ['a floor that is a number', { minimumDriver: { HOPPER: 535 } }, 'json-shape'],
    ['a driver in hex', { minimumDriver: { HOPPER: '5E.00' } }, 'json-shape'],
    ['firmware of five parts', { minimumFirmware: { LS10: '31.2E.36.39.30' } }, null],
    ['firmware of four', { minimumFirmware: { LS10: '31.2E.36.39' } }, 'json-shape'],
    ['firmware in small letters', { minimumFirmware: { LS10: '31.2e.36.39.30' } }, 'json-shape'],
    ['a list of floors', { minimumFirmware: ['31.2E.36.39.30'] }, 'json-shape'],
    ['257 GPUs', { gpus: { minimum: 0, maximum: 257 } }, 'json-shape'],
    ['no maximum', { gpus: { minimum: 1 } }, 'json-shape'],
    ['a mode that is no word', { confidentialMode: 'on' }, 'json-shape'],
    ['an unknown member', { ids: 'any' }, 'json-shape'],
  ])('%s', (_name, change, expected) => {
    expect(rules(change)).toBe(expected);
  });

  test.each(Object.keys(nvidiaRules))('without %s', (member) => {
    const { [member as keyof typeof nvidiaRules]: _left, ...left } = nvidiaRules;
    expect(listed(left)).toBe('json-shape');
  });
});

describe('devices of NVIDIA’s by themselves', () => {
  const good = [gpu(), gpu({ id: 'c2' }), nvSwitch];

  test('that fit are accepted', () => {
    expect(outcome(bareGpus(good), gpuPolicyWith())).toEqual(['accepted']);
    expect(appraise(bareGpus(good), gpuPolicyWith()).warnings).toEqual([]);
  });

  test('"any" asks nothing, and says so; "none" and "refused" refuse them', () => {
    const any = appraise(bareGpus(good), toPolicy({ ...noMachines, devices: 'any' }));
    expect(any.decision).toBe('accepted');
    expect(any.warnings.join()).toContain('asks nothing of devices');
    for (const devices of ['none', { nvidia: 'refused', tpm: 'allowed', nitroTpm: 'allowed' }]) {
      const verdict = appraise(bareGpus(good), toPolicy({ ...noMachines, devices }));
      expect(verdict.decision).toBe('rejected');
      expect(idsWith('fail', verdict)).toContain('policy.devices');
      expect(idsWith('fail', verdict)).toContain('policy.gpu-count');
    }
  });

  test.each<[CheckId, Partial<NvidiaClaims>]>([
    ['policy.gpu-architecture', { architecture: 'LS10' }],
    ['policy.gpu-driver', { driver: '570.124.02' }],
    ['policy.gpu-driver', { driver: null }],
    ['policy.gpu-driver', { driver: 'unknown' }],
    ['policy.gpu-firmware', { vbios: '96.00.9E.00.01' }],
    ['policy.gpu-confidential-mode', { confidentialMode: 'off' }],
    ['policy.gpu-confidential-mode', { confidentialMode: 'devtools' }],
  ])('%s: %j, in one of two', (id, change) => {
    const rules = id === 'policy.gpu-architecture' ? { architectures: ['HOPPER'] } : {};
    const floors = {
      minimumDriver: { HOPPER: '570.124.03', LS10: '0' },
      minimumFirmware: { HOPPER: '96.00.9F.00.01', LS10: '00.00.00.00.00' },
    };
    const policy = gpuPolicyWith({ ...floors, ...rules });
    expect(outcome(bareGpus([gpu(), gpu(change)]), policy)).toEqual(['rejected', id]);
    expect(outcome(bareGpus([gpu(), gpu()]), policy)).toEqual(['accepted']);
    expect(checkOf(id, appraise(bareGpus([gpu(), gpu(change)]), policy)).reason).toContain('GPU 1');
  });

  test('an architecture without a floor is refused', () => {
    const blackwell = [gpu({ architecture: 'BLACKWELL', vbios: '97.00.88.00.0F' })];
    const accepted = { architectures: ['HOPPER', 'BLACKWELL'] };
    expect(outcome(bareGpus(blackwell), gpuPolicyWith(accepted))).toEqual([
      'rejected',
      'policy.gpu-driver',
      'policy.gpu-firmware',
    ]);
    const floors = { minimumDriver: { BLACKWELL: '570' }, minimumFirmware: 'any' };
    expect(outcome(bareGpus(blackwell), gpuPolicyWith({ ...accepted, ...floors }))).toEqual([
      'accepted',
    ]);
    // Not even one that has the name of a member of every object.
    const odd = [gpu({ architecture: 'constructor' })];
    expect(outcome(bareGpus(odd), gpuPolicyWith())).toContain('policy.gpu-driver');
  });

  test('what the report does not tell, and what was compared with nothing, is undecided', () => {
    const untold = bareGpus([gpu({ confidentialMode: null })]);
    expect(outcome(untold, gpuPolicyWith())).toEqual(['undecided', 'policy.gpu-confidential-mode']);
    expect(outcome(untold, gpuPolicyWith({ confidentialMode: 'any' }))).toEqual(['accepted']);
    for (const matched of [
      { driver: false, firmware: true },
      { driver: true, firmware: false },
    ]) {
      const verified = bareGpus([gpu(), gpu({ matched })]);
      expect(outcome(verified, gpuPolicyWith())).toEqual(['undecided', 'policy.gpu-references']);
      const verdict = appraise(verified, gpuPolicyWith({ references: 'any' }));
      expect(verdict.decision).toBe('accepted');
      expect(verdict.warnings.join()).toContain('1 of 2 NVIDIA devices were not compared');
    }
  });

  test('one that is off is refused though another does not tell', () => {
    const mixed = [gpu({ confidentialMode: null }), gpu({ confidentialMode: 'off' })];
    expect(outcome(bareGpus(mixed), gpuPolicyWith())[0]).toBe('rejected');
  });

  test('GPUs and switches are counted each', () => {
    const exactly = (count: number) => ({ minimum: count, maximum: count });
    const policy = gpuPolicyWith({ gpus: exactly(2), switches: exactly(1) });
    expect(outcome(bareGpus(good), policy)).toEqual(['accepted']);
    for (const wrong of [
      [gpu(), nvSwitch],
      [...good, gpu()],
      [gpu(), gpu()],
      [...good, nvSwitch],
    ])
      expect(outcome(bareGpus(wrong), policy)).toEqual(['rejected', 'policy.gpu-count']);
  });

  test('without OCSP and manifests: accepted where they are waived, and then with warnings', () => {
    const missing: CheckId[] = [
      'collateral.gpu-revocation',
      'collateral.rim-signature',
      'collateral.rim-validity',
      'collateral.gpu-driver',
      'collateral.gpu-firmware',
    ];
    const verified = bareGpus([gpu({ matched: { driver: false, firmware: false } })], missing);
    const verdict = appraise(verified, genuinePolicy);
    expect(verdict.decision).toBe('accepted');
    expect(idsWith('waived', verdict)).toEqual(missing);
    expect(verdict.warnings.join()).toContain('not compared with reference values');
    expect(verdict.warnings.join()).toContain('stolen keys go unseen');
    expect(outcome(verified, toPolicy({ ...genuinePolicy, waivers: [] }))).toEqual([
      'undecided',
      ...missing,
    ]);
  });
});

describe('the kinds in a bundle', () => {
  const refusing = { nvidia: 'refused', tpm: 'refused', nitroTpm: 'refused' };
  const list = (change: object) =>
    toPolicy({ ...genuinePolicy, devices: { ...refusing, ...change } });
  const nvidia = { ...nvidiaRules, gpus: { minimum: 0, maximum: 8 } };

  test('only what is allowed', async () => {
    const withGpu = await bundleWith(['nvidia'], { devices: [gpu()] });
    expect(outcome(withGpu, list({ nvidia }))).toEqual(['accepted']);
    expect(outcome(withGpu, list({ tpm: 'allowed' }))).toContain('policy.devices');
    expect(outcome(await bundleWith(['tpm']), list({ nvidia }))).toEqual([
      'rejected',
      'policy.devices',
    ]);
    const aws = await bundleWith(['nitro-tpm']);
    expect(outcome(aws, list({ nitroTpm: 'allowed' }))).toEqual(['accepted']);
    expect(outcome(aws, list({ tpm: 'allowed' }))).toEqual(['rejected', 'policy.devices']);
  });

  test('an unknown kind is refused by every list, and bound but unverified under "any"', async () => {
    const verified = await bundleWith(['fake']);
    const all = list({ nvidia, tpm: 'allowed', nitroTpm: 'allowed' });
    expect(outcome(verified, all)).toEqual(['rejected', 'policy.devices']);
    const verdict = appraise(verified, genuinePolicy);
    expect(verdict.decision).toBe('accepted');
    expect(checkOf('policy.devices', verdict).actual).toMatch(/1, fake .*not verified/);
  });

  test('what is required and not there', async () => {
    const none = await bundleWith([]);
    for (const change of [{ tpm: 'required' }, { nitroTpm: 'required' }, { nvidia: nvidiaRules }])
      expect(outcome(none, list(change))).toEqual(['rejected', 'policy.devices']);
    const allowed = { nvidia, tpm: 'allowed', nitroTpm: 'allowed' };
    expect(outcome(none, list(allowed))).toEqual(['accepted']);
  });

  test('NitroTPM: its own member, or nothing where nothing is asked of devices', async () => {
    const verified = await bundleWith(['nitro-tpm']);
    const { nitro, ...rest } = genuinePolicy;
    expect(outcome(verified, toPolicy(rest))).toEqual(['accepted']);
    const listed = { ...rest, devices: { ...refusing, nitroTpm: 'required' } };
    expect(outcome(verified, toPolicy(listed))).toEqual([
      'rejected',
      'policy.nitro-debug',
      'policy.nitro-pcrs',
      'policy.nitro-module',
      'policy.nitro-user-data',
      'policy.nitro-public-key',
    ]);
    expect(outcome(verified, toPolicy({ ...listed, nitro }))).toEqual(['accepted']);
    const enclaves = toPolicy({ ...listed, nitro: { ...nitro, kind: ['enclave'] } });
    expect(outcome(verified, enclaves)).toEqual(['rejected', 'policy.nitro-module']);
  });
});
