/** `policy init`, as a library: the policy fits the evidence, and nothing that differs from it. */
import { describe, expect, test } from 'vitest';
import { appraise } from '#verifier/appraise/appraise.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { type PinOptions, pinPolicy } from '#verifier/policy-tools/pin.ts';
import type { Verified } from '#verifier/verified.ts';
import {
  azureMachine,
  bareGpus,
  bareNitro,
  bareTpm,
  bundleWith,
  gpu,
  hex,
  nvSwitch,
  pcrLog,
  run,
} from '../appraise/beside-scene.ts';
import { codeOf } from '../code-of.ts';
import { enclaveScene, quoteScene, tdxBundleScene } from '../intel-scene.ts';
import { bundleScene, idsWith, reportScene, type Scene, verifyScene, without } from '../scene.ts';

async function pinned(scene: Scene, options: PinOptions = {}) {
  const outcome = pinPolicy(await verifyScene(scene), options);
  if ('refusal' in outcome) throw new Error(outcome.refusal.verdict.decision);
  return outcome.pinned;
}

async function failuresUnder(policy: Policy, scene: Scene): Promise<string[]> {
  const verdict = appraise(await verifyScene(scene), policy);
  return idsWith('fail', verdict);
}

const scenes: [string, () => Scene | Promise<Scene>][] = [
  ['an SNP report', () => reportScene()],
  ['an SNP report under a VLEK', () => reportScene({ role: 'vlek' })],
  ['a Genoa report', () => reportScene({ product: 'Genoa' })],
  ['a Turin report', () => reportScene({ product: 'Turin' })],
  ['an SNP bundle', () => bundleScene()],
  ['a TDX 1.5 quote', () => quoteScene()],
  ['a TDX 1.0 quote', () => quoteScene({ fields: { version: 4 } })],
  ['a TDX bundle', () => tdxBundleScene()],
  ['an SGX quote', () => enclaveScene()],
];

test.each(scenes)(
  '%s: its policy accepts it, is marked, and has no dead or contradictory rule',
  async (title, make) => {
    const scene = await make();
    // A VLEK's report masks its chip.
    const pinChip = !title.includes('VLEK');
    for (const options of [{}, { pinChip, pinServices: true, name: 'mine' }]) {
      const { policy, believed, open } = await pinned(scene, options);
      expect(appraise(await verifyScene(scene), policy).decision).toBe('accepted');
      expect(policy.name).toMatch(
        /^(SEV-SNP guest|TD|enclave|mine).* \(trust on first use, \d{4}-\d\d-\d\d\)$/,
      );
      expect(believed.length).toBeGreaterThan(4);
      expect(open.every(({ value }) => value === 'any')).toBe(true);
      const found = lintPolicy(policy, scene.now).map(({ id }) => id);
      const raw = scene.evidence.form !== 'bundle';
      const allowed = raw ? ['freshness-any', 'channel-any'] : [];
      // Genuine Turin firmware sets bits without a name.
      if (title.includes('Turin')) allowed.push('unknown-bits-allowed');
      expect(found.filter((id) => ![...allowed, 'sept-ve', 'alias-check'].includes(id))).toEqual(
        [],
      );
    }
  },
);

const other48 = new Uint8Array(48).fill(0xee);

describe('the policy refuses what differs', () => {
  test.each([
    ['policy.measurement', { measurement: other48 }],
    ['policy.host-data', { hostData: new Uint8Array(32).fill(1) }],
    ['policy.family-id', { familyId: new Uint8Array(16).fill(1) }],
  ] as const)('%s', async (id, fields) => {
    const { policy } = await pinned(await bundleScene());
    const changed = await bundleScene({ fields });
    expect(await failuresUnder(policy, changed)).toEqual([id]);
    expect(await failuresUnder(policy, await bundleScene())).toEqual([]);
  });

  test('a closure, and services only when asked', async () => {
    const scene = await bundleScene();
    const closure = await bundleScene({ bound: { closureDigest: new Uint8Array(32).fill(9) } });
    const { policy } = await pinned(scene);
    expect(await failuresUnder(policy, closure)).toEqual(['policy.closure-digest']);
    expect(policy.treeRoot).toBe('any');
    const named = await pinned(scene, { pinServices: true });
    expect(named.policy.treeRoot).not.toBe('any');
    expect(named.believed.map(({ path }) => path)).toContain('treeRoot');
  });

  test('evidence without a nonce of ours, or over no channel, is undecided', async () => {
    const { policy } = await pinned(await bundleScene());
    for (const scene of [
      await bundleScene({ nonce: null }),
      await bundleScene({ connection: null }),
    ])
      expect(appraise(await verifyScene(scene), policy).decision).toBe('undecided');
  });

  test.each([
    ['policy.mrtd', { mrTd: other48 }],
    ['policy.rtmr2', { rtmr: [0xa0, 0xa1, 0xee, 0].map((n) => new Uint8Array(48).fill(n)) }],
  ])('%s of a TD', async (id, fields) => {
    const { policy } = await pinned(quoteScene());
    expect(await failuresUnder(policy, quoteScene({ fields: fields as object }))).toEqual([id]);
  });

  test('an enclave of an older version', async () => {
    const { policy } = await pinned(enclaveScene());
    expect(await failuresUnder(policy, enclaveScene({ fields: { isvSvn: 2 } }))).toEqual([
      'policy.isvsvn',
    ]);
    expect(await failuresUnder(policy, enclaveScene({ fields: { isvSvn: 4 } }))).toEqual([]);
  });

  test('another chip, when asked', async () => {
    const { policy } = await pinned(await reportScene(), { pinChip: true });
    expect(policy.sevSnp?.chipId).toHaveLength(1);
    expect((await pinned(quoteScene(), { pinChip: true })).policy.tdx?.platform.ppid).toHaveLength(
      1,
    );
    expect((await pinned(await reportScene())).policy.sevSnp?.chipId).toBe('any');
    const masked = await verifyScene(await reportScene({ role: 'vlek' }));
    expect(codeOf(() => pinPolicy(masked, { pinChip: true }))).toBe('value-out-of-range');
    expect(codeOf(() => pinPolicy(masked, { pinChip: false }))).toBe(null);
  });
});

describe('no policy is written', () => {
  const decisionOf = async (scene: Scene) => {
    const outcome = pinPolicy(await verifyScene(scene));
    return 'refusal' in outcome ? outcome.refusal.verdict.decision : 'accepted';
  };

  test('from forged evidence, from what cannot be decided, and from a guest in debug mode', async () => {
    const scene = await reportScene();
    expect(await decisionOf(scene)).toBe('accepted');
    const { evidence } = scene;
    const bytes = evidence.bytes.slice();
    bytes[0x90] = (bytes[0x90] as number) ^ 1;
    expect(await decisionOf({ ...scene, evidence: { ...evidence, bytes } })).toBe('invalid');
    expect(await decisionOf({ ...scene, roots: [] })).toBe('invalid');
    expect(await decisionOf(without(scene, 'vek'))).toBe('undecided');
    expect(await decisionOf(without(scene, 'ark-crl'))).toBe('undecided');
    const debug = quoteScene({
      fields: { tdAttributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0) },
    });
    expect(await decisionOf(debug)).toBe('rejected');
    const nothing = {
      form: 'bundle',
      bytes: new Uint8Array(2),
      nonce: null,
      connection: null,
    } as const;
    expect(await decisionOf({ ...scene, evidence: nothing })).toBe('invalid');
  });
});

test('a policy that was written can be read', async () => {
  const { policy } = await pinned(await bundleScene());
  expect(toPolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
});

describe('what stands beside a machine, or by itself', () => {
  const exact = (verified: Verified, options: PinOptions = {}) => {
    const outcome = pinPolicy(verified, options);
    if ('refusal' in outcome) throw new Error(outcome.refusal.verdict.decision);
    const { policy } = outcome.pinned;
    expect(toPolicy(structuredClone(policy))).toEqual(policy);
    expect(appraise(verified, policy).decision).toBe('accepted');
    const errors = lintPolicy(policy, verified.at).filter(({ severity }) => severity === 'error');
    expect(errors).toEqual([]);
    return outcome.pinned;
  };
  const failures = (verified: Verified, policy: Policy) =>
    idsWith('fail', appraise(verified, policy));

  test('a TPM: its PCRs, key and firmware', () => {
    const { policy, believed } = exact(bareTpm());
    expect(policy.tpm?.pcrs).toMatchObject({ sha256: { 0: [hex(0xa0, 32)], 23: [hex(0xb7, 32)] } });
    expect(policy).toMatchObject({ freshness: 'verifier-nonce', devices: 'none' });
    expect(policy.sevSnp).toBeUndefined();
    expect(believed.length).toBeGreaterThan(0);
    const pcrs = new Map([['sha256', new Map([[0, run(0xa0, 32)]])]] as const);
    expect(failures(bareTpm({ pcrs }), policy)).toEqual(['policy.pcrs']);
    const few = exact(bareTpm({ pcrs }));
    expect(few.policy.tpm?.pcrs).toEqual({ sha256: { 0: [hex(0xa0, 32)], others: 'any' } });
    expect(few.open.map(({ path }) => path)).toContain('tpm.pcrs.sha256.others');
    expect(failures(bareTpm({ provider: 'azure' }), policy)).toEqual(['policy.tpm-key']);
    expect(exact(bareTpm({ pcrs: new Map() })).policy.tpm?.pcrs).toBe('any');
  });

  test('a TPM with its event log: that, and Secure Boot', () => {
    const { policy } = exact(bareTpm({}, { eventLog: pcrLog() }));
    expect(policy.tpm).toMatchObject({ eventLog: 'required', secureBoot: 'required' });
    const off = exact(bareTpm({}, { eventLog: pcrLog({ secureBoot: false }) }));
    expect(off.policy.tpm).toMatchObject({ eventLog: 'required', secureBoot: 'any' });
  });

  test('an Azure machine: CPU and TPM, which is required', async () => {
    const { policy } = exact(await azureMachine());
    expect(policy.sevSnp).toBeDefined();
    expect(policy.tpm?.key).toEqual(['hcl']);
    expect(policy.devices).toMatchObject({ tpm: 'required', nvidia: 'refused' });
    // The report alone, without what it was with, is no longer enough.
    expect(appraise(await verifyScene(await reportScene()), policy).decision).not.toBe('accepted');
    expect(appraise(bareTpm({ key: 'hcl', provider: null }), policy).decision).toBe('rejected');
  });

  test('devices of NVIDIA’s: architectures, the lowest versions, how many', () => {
    const older = gpu({ driver: '570.124.03', id: 'c2' });
    const compared = { ...nvSwitch, matched: { driver: false, firmware: true } };
    const { policy } = exact(bareGpus([gpu(), older, compared]));
    expect(policy.devices).toEqual({
      nvidia: {
        architectures: ['HOPPER', 'LS10'],
        minimumDriver: { HOPPER: '570.124.03' },
        minimumFirmware: { HOPPER: '96.00.9F.00.01', LS10: '96.10.5E.00.01' },
        confidentialMode: 'required',
        references: 'required',
        gpus: { minimum: 2, maximum: 2 },
        switches: { minimum: 1, maximum: 1 },
      },
      tpm: 'refused',
      nitroTpm: 'refused',
    });
    expect(failures(bareGpus([gpu(), nvSwitch]), policy)).toEqual(['policy.gpu-count']);
    const unread = exact(bareGpus([gpu({ driver: 'r570', confidentialMode: null })])).policy;
    expect(unread.devices).toMatchObject({
      nvidia: { minimumDriver: 'any', confidentialMode: 'any' },
    });
  });

  test('a Nitro document: the registers that are used', () => {
    const { policy } = exact(bareNitro('enclave'));
    expect(policy.nitro).toMatchObject({
      kind: ['enclave'],
      moduleId: 'any',
      pcrs: { 0: [hex(0xb0, 48)], others: 'unused' },
      userData: ['none'],
    });
    const pcrs = new Map([0, 1, 2, 16].map((index) => [index, run(0xb0 + index, 48)]));
    expect(failures(bareNitro('enclave', { pcrs }), policy)).toEqual(['policy.nitro-pcrs']);
    expect(failures(bareNitro('enclave', { moduleId: 'i-2-enc2' }), policy)).toEqual([]);
    const pinnedHere = exact(bareNitro('enclave'), { pinChip: true }).policy;
    expect(failures(bareNitro('enclave', { moduleId: 'i-2-enc2' }), pinnedHere)).toEqual([
      'policy.nitro-module',
    ]);
    const debug = new Map([[0, new Uint8Array(48)]]);
    expect('refusal' in pinPolicy(bareNitro('enclave', { pcrs: debug }))).toBe(true);
  });

  test('a bundle: each kind is required, none is any more than allowed', async () => {
    const verified = await bundleWith(['nvidia', 'tpm', 'nitro-tpm'], { devices: [gpu()] });
    const { policy } = exact(verified);
    expect(policy.devices).toMatchObject({ tpm: 'required', nitroTpm: 'required' });
    expect(failures(await bundleWith(['nvidia', 'tpm'], { devices: [gpu()] }), policy)).toEqual([
      'policy.devices',
    ]);
    const unknown = exact(await bundleWith(['fake']));
    expect(unknown.policy.devices).toBe('any');
    expect(unknown.open.map(({ path }) => path)).toContain('devices');
  });
});
