/** A machine with every kind of device beside it, simulated and good as it is: a test changes one thing. */
import { generateKeyPairSync } from 'node:crypto';
import { fakeNow } from '#test/fake/amd.ts';
import type { Certificate, CertificatePlan } from '#test/fake/certificates.ts';
import {
  createNitro,
  type FakeNitro,
  type NitroDocumentOptions,
  type NitroOptions,
} from '#test/fake/nitro.ts';
import {
  createNvidia,
  type FakeNvidia,
  type NvidiaOptions,
  nvidiaRoles,
} from '#test/fake/nvidia.ts';
import type { FakeReportOptions } from '#test/fake/nvidia-device.ts';
import type { NvidiaCertificate } from '#test/fake/nvidia-profile.ts';
import {
  createRimSigner,
  driverRim,
  firmwareRim,
  issueRim,
  type RimPlan,
  type RimSigner,
  type RimSignerOptions,
} from '#test/fake/nvidia-rim.ts';
import { type AnswerPlan, answerPlan, issueOcsp, ocspPlan } from '#test/fake/ocsp.ts';
import {
  allPcrs,
  createTpm,
  type FakeTpm,
  type FakeTpmOptions,
  type QuoteRequest,
} from '#test/fake/tpm.ts';
import type { Bundle } from '#verifier/abi/bundle.ts';
import { encodeNvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import { rimSubjectOf } from '#verifier/abi/nvidia/rim-subject.ts';
import { parseSpdm } from '#verifier/abi/nvidia/spdm.ts';
import { type Device, deviceNonce, freshnessOf } from '#verifier/abi/report-data.ts';
import { encodeTpmEvidence, type TpmEvidence } from '#verifier/abi/tpm/evidence.ts';
import type { DeviceList, NvidiaPolicy } from '#verifier/appraise/device-policy.ts';
import type { NitroPolicy } from '#verifier/appraise/nitro-policy.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import type { TpmPolicy } from '#verifier/appraise/tpm-policy.ts';
import { type Bytes, fromBigEndian, toHex, utf8 } from '#verifier/bytes.ts';
import type { DeviceVendor, TrustedRoot } from '#verifier/roots.ts';
import {
  type BundleOptions,
  bundleScene,
  type Scene,
  sampleChannel,
  sampleNonce,
  sampleTreeRoot,
  strictPolicy,
} from './scene.ts';

export type DeviceSceneOptions = {
  nvidia?: NvidiaOptions;
  report?: FakeReportOptions;
  rimSigner?: RimSignerOptions;
  /** Changes each manifest before it is signed. */
  rim?: (plan: RimPlan) => RimPlan;
  /** Changes the answer about a GPU's own certificate. */
  ocsp?: Partial<AnswerPlan>;
  tpm?: Omit<FakeTpmOptions, 'key'>;
  quote?: Partial<QuoteRequest>;
  editTpm?: (evidence: TpmEvidence) => Partial<TpmEvidence>;
  nitro?: Omit<NitroOptions, 'kind'>;
  document?: NitroDocumentOptions;
  /** Of each device, by its place; default the one made for it. */
  nonceOf?: (index: number) => Bytes;
  editDevices?: (devices: Device[]) => Device[];
  /** Null: none is served. */
  eventLog?: (log: Bytes) => Bytes | null;
  /** False: no manifest is given. */
  manifests?: boolean;
  /** Whose root the verifier does not know. */
  without?: DeviceVendor;
  bundle?: BundleOptions;
};

/** Keys that nobody certified. */
export const strangers = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
};

/** Made once: no test changes them. */
let plainRims: Promise<RimSigner> | undefined;
let plainNitro: FakeNitro | undefined;

/** The nonce that the machine makes for each of its devices. */
export function nonceOfDevice(index: number): Bytes {
  const freshness = freshnessOf(sampleNonce, sampleChannel, fakeNow);
  return deviceNonce(freshness, sampleTreeRoot, index);
}

/** Two GPUs and a switch, a TPM with its event log, a NitroTPM. */
export async function deviceScene(options: DeviceSceneOptions = {}): Promise<Scene> {
  const { nonceOf = nonceOfDevice, editDevices = (devices) => devices } = options;
  const nvidia = createNvidia(options.nvidia ?? { gpus: 2, switches: 1 });
  const gpus = nvidia.devices.map((device, index) => ({
    kind: 'nvidia',
    evidence: utf8(encodeNvidiaEvidence(device.evidence(nonceOf(index), options.report))),
  }));
  const tpm = await bootedTpm(options.tpm);
  const signer = await signerOf(options.rimSigner);
  const nitro = nitroOf(options.nitro);
  const tpmPlace = gpus.length;
  const quote = await tpm.quote(nonceOf(tpmPlace), {
    algorithm: 'sha256',
    indices: allPcrs,
    ...options.quote,
  });
  const plain = { quotes: [quote], certificates: tpm.certificates };
  const quotes = encodeTpmEvidence({ ...plain, ...options.editTpm?.(plain) });
  const devices = editDevices([
    ...gpus,
    { kind: 'tpm', evidence: quotes },
    {
      kind: 'nitro-tpm',
      evidence: nitro.document({ nonce: nonceOf(tpmPlace + 1), ...options.document }),
    },
  ]);
  const { eventLog = (log: Bytes) => log, manifests = true } = options;
  const served = eventLog(tpm.eventLog);
  const scene = await bundleScene({
    ...options.bundle,
    devices,
    edit: (bundle): Partial<Bundle> => ({
      ...(served !== null && { eventLog: served }),
      ...options.bundle?.edit?.(bundle),
    }),
  });
  const roots = await plainRoots();
  return {
    ...scene,
    roots: [...scene.roots, ...roots.filter(({ vendor }) => vendor !== options.without)],
    collateral: [
      ...(manifests ? rimsOf(nvidia, signer, options.rim) : []).map((data) => ({
        kind: 'nvidia-rim' as const,
        data,
      })),
      ...answersOf(nvidia, options.ocsp).map((data) => ({ kind: 'nvidia-ocsp' as const, data })),
    ],
  };
}

async function bootedTpm(options: Omit<FakeTpmOptions, 'key'> = {}): Promise<FakeTpm> {
  const tpm = await createTpm({ key: 'p256', ...options });
  tpm.extend(4, new Uint8Array(32).fill(0x44));
  tpm.extend(7, new Uint8Array(32).fill(0x77));
  return tpm;
}

function signerOf(options: RimSignerOptions | undefined): Promise<RimSigner> {
  if (options !== undefined) return createRimSigner(options);
  plainRims ??= createRimSigner();
  return plainRims;
}

function nitroOf(options: Omit<NitroOptions, 'kind'> | undefined): FakeNitro {
  plainNitro ??= createNitro({ kind: 'tpm' });
  return options === undefined
    ? plainNitro
    : createNitro({ kind: 'tpm', keys: plainNitro.keys, ...options });
}

/** Those of the plain hierarchies, whatever was changed in these. */
async function plainRoots(): Promise<TrustedRoot[]> {
  const { root: nvidia } = createNvidia();
  const { root: tpm } = await createTpm({ key: 'p256' });
  return [nvidia, tpm, nitroOf(undefined).root, (await signerOf(undefined)).trusted];
}

function rimsOf(
  nvidia: FakeNvidia,
  signer: RimSigner,
  change: (plan: RimPlan) => RimPlan = (plan) => plan,
): Bytes[] {
  const plans = new Map<string, RimPlan>();
  for (const [index, device] of nvidia.devices.entries()) {
    const report = parseSpdm(device.report(nonceOfDevice(index)));
    const subject = rimSubjectOf(report, `device ${index}`, null);
    if (subject.driver !== null) plans.set(`driver ${subject.driver}`, driverRim(subject));
    plans.set(`firmware ${subject.vbios}`, firmwareRim(subject));
  }
  return [...plans.values()].map((plan) => issueRim(signer, change(plan)));
}

/** One for each certificate but the root. */
function answersOf(nvidia: FakeNvidia, change: Partial<AnswerPlan> = {}): Bytes[] {
  const answers = new Map<string, Bytes>();
  for (const { certificates, keys } of nvidia.devices) {
    for (const [place, role] of nvidiaRoles.slice(0, -1).entries()) {
      const issuer = nvidiaRoles[place + 1] as (typeof nvidiaRoles)[number];
      const changed = role === 'leaf' ? change : {};
      const [of, by] = [role, issuer].map((one) => certificateOf(certificates[one])) as [
        Certificate,
        Certificate,
      ];
      const plan = answerPlan(of, by, fakeNow, changed);
      answers.set(toHex(of.der), issueOcsp(ocspPlan([plan], keys[issuer])));
    }
  }
  return [...answers.values()];
}

/** As the OCSP simulator reads certificates: bytes, key and serial number. */
function certificateOf({ der, pem, plan }: NvidiaCertificate): Certificate {
  const { serial, publicKey } = plan;
  return { der, pem, plan: { serial: fromBigEndian(serial), publicKey } as CertificatePlan };
}

export type DevicePolicyChange = {
  devices?: Partial<DeviceList>;
  nvidia?: Partial<NvidiaPolicy>;
  tpm?: Partial<TpmPolicy>;
  nitro?: Partial<NitroPolicy>;
};

/** Names every value of the scene, and waives nothing. */
export async function strictDevicePolicy(change: DevicePolicyChange = {}): Promise<Policy> {
  const tpm = await bootedTpm();
  const pcr = (index: number) => [toHex(tpm.pcrs().get('sha256')?.get(index) ?? new Uint8Array())];
  return toPolicy({
    ...(await strictPolicy()),
    devices: {
      nvidia: {
        architectures: ['HOPPER', 'LS10'],
        minimumDriver: { HOPPER: '535.86.09' },
        minimumFirmware: { HOPPER: '96.00.5E.00.01', LS10: '96.10.55.00.01' },
        confidentialMode: 'required',
        references: 'required',
        gpus: { minimum: 2, maximum: 2 },
        switches: { minimum: 1, maximum: 1 },
        ...change.nvidia,
      },
      tpm: 'required',
      nitroTpm: 'required',
      ...change.devices,
    },
    tpm: {
      key: ['certificate'],
      provider: ['google'],
      firmware: 'any',
      pcrs: { sha256: { '4': pcr(4), '7': pcr(7), others: 'any' } },
      eventLog: 'required',
      secureBoot: 'any',
      ...change.tpm,
    },
    nitro: {
      kind: ['tpm'],
      debug: 'refused',
      moduleId: 'any',
      pcrs: 'any',
      userData: 'any',
      publicKey: 'any',
      ...change.nitro,
    },
  });
}
