/** A TPM or devices by themselves, under policies that are about machines. */
import { describe, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, tighten, toPolicy } from '#verifier/appraise/policy.ts';
import type { Verified } from '#verifier/verified.ts';
import { idsWith } from '../scene.ts';
import {
  bareGpus,
  bareNitro,
  bareTpm,
  bundleWith,
  gpu,
  hex,
  noMachines,
  tpmPolicyWith,
} from './beside-scene.ts';

function outcome(verified: Verified, policy: Policy) {
  const verdict = appraise(verified, policy);
  const failed = idsWith('fail', verdict);
  return [verdict.decision, ...(failed.length > 0 ? failed : idsWith('skip', verdict))];
}

describe('nothing passes for a machine', () => {
  const alone: [string, () => Verified][] = [
    ['a TPM', () => bareTpm()],
    ['an instance of AWS', () => bareNitro('tpm')],
    ['GPUs', () => bareGpus([gpu()])],
  ];
  const named = toPolicy({
    ...genuinePolicy,
    sevSnp: { ...genuinePolicy.sevSnp, measurement: [hex(0x4d, 48)] },
  });

  test.each(alone)('%s by itself, under a policy that names a machine’s software', (_, make) => {
    const verdict = appraise(make(), named);
    expect(verdict.decision).toBe('rejected');
    expect(verdict.checks.at(-1)?.reason).toContain('the policy is about machines');
    expect(outcome(make(), genuinePolicy)).toEqual(['accepted']);
  });

  test.each([
    ['chip', { sevSnp: { ...genuinePolicy.sevSnp, chipId: [hex(1, 64)] } }],
    ['platform', { tdx: { ...genuinePolicy.tdx, mrOwner: [hex(1, 48)] } }],
    ['PCR', { tpm: tpmPolicyWith().tpm }],
    ['channel', { channel: ['noise'] }],
  ])('a %s that is named is enough', (_, change) => {
    expect(outcome(bareGpus([gpu()]), toPolicy({ ...genuinePolicy, ...change }))[0]).toBe(
      'rejected',
    );
  });

  test('an enclave of AWS is a machine of its own', () => {
    expect(outcome(bareNitro('enclave'), named)).toEqual(['accepted']);
  });

  test('what only a bundle has is asked in vain', () => {
    const nitro = { ...noMachines, nitro: genuinePolicy.nitro };
    expect(outcome(bareNitro('enclave'), toPolicy(nitro))).toEqual(['accepted']);
    const closure = toPolicy({ ...nitro, closureDigest: [hex(1, 32)] });
    const verdict = appraise(bareNitro('enclave'), closure);
    expect(verdict.decision).toBe('rejected');
    expect(verdict.checks.at(-1)?.reason).toContain('closureDigest');
  });

  test('nor when a measurement or report data is asked for on the command line', () => {
    const policies = [
      genuinePolicy,
      tpmPolicyWith(),
      toPolicy({ ...noMachines, nitro: genuinePolicy.nitro, devices: 'any' }),
    ];
    const all = [...alone.map(([, make]) => make()), bareNitro('enclave')];
    for (const policy of policies) {
      for (const wanted of [{ measurement: hex(0x4d, 48) }, { reportData: hex(0x52, 64) }]) {
        for (const verified of all)
          expect(appraise(verified, tighten(policy, wanted)).decision).toBe('rejected');
      }
    }
  });

  test('but what stands beside a machine stays, when it is narrowed', async () => {
    const narrow = tighten(genuinePolicy, { measurement: hex(0x4d, 48) });
    expect(outcome(await bundleWith(['nitro-tpm', 'tpm']), narrow)).toEqual(['accepted']);
  });
});
