/** check-rows.ts's rows of what stands beside a CPU or without it: for each check what makes it fail. */
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import type { RimPlan } from '#test/fake/nvidia-rim.ts';
import { encodeNvidiaEvidence, parseNvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import type { PcrValues } from '#verifier/abi/tpm/hash.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { TpmPolicy } from '#verifier/appraise/tpm-policy.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import { azureRows } from './azure/rows.ts';
import { azureScene } from './azure/scene.ts';
import { put } from './chain/profile.ts';
import type { Row } from './check-rows.ts';
import {
  type DevicePolicyChange,
  type DeviceSceneOptions,
  deviceScene,
  nonceOfDevice,
  strangers,
  strictDevicePolicy,
} from './device-scene.ts';
import { sampleNonce, verifyScene } from './scene.ts';

const changes: DevicePolicyChange[] = [{}];
const policies = new Map<DevicePolicyChange, Policy>();

/** To be called before any row. */
export async function prepareDevices(): Promise<void> {
  for (const change of changes) policies.set(change, await strictDevicePolicy(change));
}

function strictWith(change: DevicePolicyChange): () => Policy {
  return () => {
    const found = policies.get(change);
    if (found === undefined) throw new RangeError('prepareDevices was not called');
    return found;
  };
}

/** A machine one of whose devices is wrong, under the strict policy. */
const invalid = (options: DeviceSceneOptions, more: Partial<Row> = {}): Row => ({
  verified: async () => verifyScene(await deviceScene(options)),
  policy: strictWith(changes[0] as DevicePolicyChange),
  decision: 'invalid',
  ...more,
});
/** A machine whose devices are genuine, under a policy that does not accept one. */
const rejected = (change: DevicePolicyChange, options: DeviceSceneOptions = {}): Row => {
  changes.push(change);
  return { ...invalid(options), policy: strictWith(change), decision: 'rejected' };
};
const azure = (options: Parameters<typeof azureScene>[0]): Row => ({
  verified: async () => verifyScene(await azureScene(options)),
  policy: () => genuinePolicy,
  decision: 'invalid',
});

const past = { notBefore: 1, notAfter: 2 };
const others = (length: number) => ['ee'.repeat(length)];
const none = { minimum: 0, maximum: 0 };
const flipped = (bytes: Bytes, at: number) => bytes.with(at, (bytes[at] as number) ^ 1);
/** The evidence of one device, changed. */
const device =
  (
    place: number,
    edit: (evidence: Bytes) => Bytes,
  ): NonNullable<DeviceSceneOptions['editDevices']> =>
  (devices) =>
    devices.map((one, i) => (i === place ? { ...one, evidence: edit(one.evidence) } : one));
const [gpu, secondGpu, tpm] = [0, 1, 3];
const lastOff = (bytes: Bytes) => bytes.subarray(0, -1);
const withChain = (edit: (certificates: readonly Bytes[]) => readonly Bytes[]) =>
  device(gpu, (bytes) => {
    const { evidence, certificates } = parseNvidiaEvidence(bytes);
    return utf8(encodeNvidiaEvidence({ evidence, certificates: edit(certificates) }));
  });

/** FEATURE_FLAG of GPUs whose links, not whose memory, are kept from the host. */
const protectedPcie = 2;
const otherPcr = (pcrs: PcrValues, index: number): PcrValues => {
  const bank = new Map(pcrs.get('sha256')).set(index, new Uint8Array(32).fill(index));
  return new Map([['sha256', bank]]);
};
const otherValues = (plan: RimPlan): RimPlan => ({
  ...plan,
  active: new Map([...plan.active].map(([index]) => [index, [new Uint8Array(48).fill(3)]])),
});

export const deviceRows = {
  ...azureRows,
  'parse.tpm-quote': invalid({ editDevices: device(tpm, lastOff) }),
  'parse.event-log': invalid({ eventLog: lastOff }),
  'parse.nitro': invalid({ document: { with: { digest: 'SHA512' } } }),
  'parse.gpu': invalid(
    { editDevices: device(gpu, lastOff) },
    { fails: ['parse.gpu', 'policy.gpu-count'] },
  ),
  'chain.ak-certificates': invalid(
    { tpm: { overrides: { ca: put(basicConstraints(false, null)) } } },
    { fails: ['chain.ak-certificates', 'policy.tpm-key'] },
  ),
  'chain.ak-root-pinned': invalid(
    { without: 'google-tpm' },
    { fails: ['chain.ak-root-pinned', 'policy.tpm-key'] },
  ),
  'chain.ak-validity': invalid({ tpm: { overrides: { ak: past } } }),
  'chain.ak-signatures': invalid({ tpm: { overrides: { ak: { signer: strangers.rsa } } } }),
  'chain.nitro-certificates': invalid({
    nitro: { overrides: { zone: put(basicConstraints(false, null)) } },
  }),
  'chain.nitro-root-pinned': invalid({ without: 'aws-nitro' }),
  'chain.nitro-validity': invalid({ nitro: { overrides: { zone: past } } }),
  'chain.nitro-signatures': invalid({
    nitro: { overrides: { zone: { signer: strangers.p384 } } },
  }),
  'chain.gpu-certificates': invalid(
    { editDevices: withChain(([leaf, , ...rest]) => [leaf as Bytes, ...rest]) },
    { fails: ['chain.gpu-certificates', 'policy.gpu-count'] },
  ),
  'chain.gpu-root-pinned': invalid({ without: 'nvidia' }),
  'chain.gpu-validity': invalid({
    nvidia: { gpus: 2, switches: 1, overrides: { brom: () => past } },
  }),
  'chain.gpu-signatures': invalid({
    nvidia: { gpus: 2, switches: 1, overrides: { brom: () => ({ signer: strangers.p384 }) } },
  }),
  'collateral.gpu-revocation': invalid({ ocsp: { status: { revokedAt: fakeNow - 9 } } }),
  'collateral.rim-signature': invalid({
    rim: (plan) => ({ ...plan, editSignature: (signature) => flipped(signature, 5) }),
  }),
  'collateral.rim-validity': {
    ...invalid({ rimSigner: { changes: { signer: past } } }, { fails: [] }),
    decision: 'undecided',
  },
  'collateral.gpu-driver': invalid({
    rim: (plan) => (plan.version === '590.12' ? otherValues(plan) : plan),
  }),
  'collateral.gpu-firmware': invalid({
    rim: (plan) => (plan.version === '590.12' ? plan : otherValues(plan)),
  }),
  'evidence.ak-key': azure({
    tee: 'sev-snp',
    edit: (_, { tpm }) => ({ akCertificate: tpm.certificates[1] as Bytes }),
  }),
  'evidence.tpm-signature': invalid({
    editTpm: ({ quotes }) => ({
      quotes: quotes.map((quote) => ({ ...quote, signature: flipped(quote.signature, 20) })),
    }),
  }),
  'evidence.pcr-digest': invalid(
    {
      editTpm: ({ quotes }) => ({
        quotes: quotes.map((quote) => ({ ...quote, pcrs: otherPcr(quote.pcrs, 9) })),
      }),
    },
    { fails: ['evidence.pcr-digest', 'policy.pcrs'] },
  ),
  'evidence.event-log': invalid({ eventLog: (log) => flipped(log, log.length - 60) }),
  'evidence.nitro-signature': invalid({ document: { signer: strangers.p384 } }),
  'evidence.gpu-signature': invalid({ report: { signer: strangers.p384 } }),
  'evidence.gpu-identity': invalid(
    {
      editDevices: (devices) =>
        devices.map((one, i) => (i === secondGpu ? (devices[gpu] as typeof one) : one)),
    },
    { fails: ['evidence.gpu-identity', 'binding.device-nonces'] },
  ),
  'binding.quote-nonce': azure({ tee: 'sev-snp', edit: () => ({ nonce: sampleNonce }) }),
  'binding.device-nonces': invalid({
    nonceOf: (index) => (index === secondGpu ? sampleNonce : nonceOfDevice(index)),
  }),
  'policy.tpm-key': rejected({ tpm: { provider: ['azure'] } }),
  'policy.tpm-firmware': rejected({ tpm: { firmware: others(8) } }),
  'policy.pcrs': rejected({ tpm: { pcrs: { sha256: { '4': others(32), others: 'any' } } } }),
  'policy.event-log': {
    ...invalid({ eventLog: () => null }, { fails: [] }),
    decision: 'undecided',
  },
  'policy.secure-boot': {
    ...azure({ tee: 'sev-snp', report: { claims: { secureBoot: false } } }),
    policy: () => {
      const tpm = { ...(genuinePolicy.tpm as TpmPolicy), secureBoot: 'required' as const };
      return toPolicy({ ...genuinePolicy, tpm });
    },
    decision: 'rejected',
  },
  'policy.gpu-architecture': rejected({ nvidia: { architectures: ['BLACKWELL', 'LS10'] } }),
  'policy.gpu-driver': rejected({ nvidia: { minimumDriver: { HOPPER: '600.01' } } }),
  'policy.gpu-firmware': rejected({
    nvidia: { minimumFirmware: { HOPPER: '96.00.A5.00.02', LS10: '96.10.55.00.01' } },
  }),
  'policy.gpu-confidential-mode': rejected(
    {},
    { nvidia: { gpus: [{ featureFlag: protectedPcie }, {}], switches: 1 } },
  ),
  'policy.gpu-references': {
    ...invalid({ manifests: false }, { fails: [] }),
    decision: 'undecided',
  },
  'policy.gpu-count': rejected({ nvidia: { switches: none } }),
  'policy.nitro-debug': rejected(
    {},
    {
      document: {
        pcrs: new Map([
          [0, new Uint8Array(48)],
          [4, new Uint8Array(48).fill(4)],
        ]),
      },
    },
  ),
  'policy.nitro-pcrs': rejected({ nitro: { pcrs: { '4': others(48), others: 'any' } } }),
  'policy.nitro-module': rejected({ nitro: { moduleId: ['i-0'] } }),
  'policy.nitro-user-data': rejected({ nitro: { userData: others(4) } }),
  'policy.nitro-public-key': rejected({ nitro: { publicKey: others(4) } }),
} as const satisfies Record<string, Row>;
