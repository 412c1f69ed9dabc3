/** Verifications of TPMs, Nitro documents and devices, good as they are: what is tried here is the policy alone. */
import { fakeNow } from '#test/fake/amd.ts';
import type { HclClaims } from '#verifier/abi/hcl-claims.ts';
import type { NitroDocument, NitroKind } from '#verifier/abi/nitro.ts';
import type { PcrValues } from '#verifier/abi/tpm/hash.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import { type Policy, toPolicy } from '#verifier/appraise/policy.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { Checklist } from '#verifier/checklist.ts';
import { applicableChecks, type CheckId, type Subject } from '#verifier/checks.ts';
import {
  type EventClaimOfLog,
  type EventLogClaims,
  makeVerified,
  type NvidiaClaims,
  type TpmClaims,
  type Verified,
  type VerifiedRecord,
} from '#verifier/verified.ts';
import { tdxBundleScene } from '../intel-scene.ts';
import { bundleScene, reportScene, verifyScene } from '../scene.ts';

/** `length` times the byte. */
export const run = (byte: number, length: number): Bytes => new Uint8Array(length).fill(byte);
export const hex = (byte: number, length: number): string => toHex(run(byte, length));

const bareSubject: Subject = {
  form: 'tpm-quote',
  tee: 'tpm',
  ak: 'certificate',
  gpu: false,
  nitroTpm: false,
  eventLog: false,
  challenged: true,
  connected: false,
  proof: null,
};

/** @param missing checks that were skipped; all others passed */
function verified(subject: Subject, record: Partial<VerifiedRecord>, missing: CheckId[] = []) {
  const list = new Checklist(applicableChecks(subject, 'verify'));
  for (const id of missing) list.skip(id, 'what it needs');
  for (const id of applicableChecks(subject, 'verify')) if (!missing.includes(id)) list.pass(id);
  return makeVerified({
    subject,
    at: fakeNow,
    checks: list.finish(),
    claims: null,
    tpm: null,
    nitroTpm: null,
    eventLog: null,
    devices: [],
    hcl: null,
    bundle: null,
    proof: null,
    insecureRoot: false,
    expires: null,
    ends: [],
    ...record,
  });
}

export const samplePcrs: PcrValues = new Map([
  ['sha256', new Map(Array.from({ length: 24 }, (_, index) => [index, run(0xa0 + index, 32)]))],
]);

export function tpmClaims(change: Partial<TpmClaims> = {}): TpmClaims {
  return {
    nonce: run(0x6e, 32),
    firmwareVersion: '2020031200120003',
    clock: 1n,
    resetCount: 1,
    restartCount: 0,
    pcrs: samplePcrs,
    key: 'certificate',
    provider: 'google',
    instance: null,
    ...change,
  };
}

export const eventOf = (register: number, byte: number): EventClaimOfLog => ({
  register,
  type: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  digest: hex(byte, 32),
  what: 'a boot loader',
});

export function pcrLog(change: Partial<EventLogClaims> = {}): EventLogClaims {
  const events = [eventOf(4, 1), eventOf(4, 2), eventOf(5, 3)];
  return { kind: 'pcr', algorithm: 'sha256', events, secureBoot: true, ...change };
}

/** A TPM's quote by itself. */
export function bareTpm(tpm: Partial<TpmClaims> = {}, record: Partial<VerifiedRecord> = {}) {
  const claims = tpmClaims(tpm);
  const subject = { ...bareSubject, ak: claims.key, eventLog: 'eventLog' in record };
  return verified(subject, { claims: { platform: 'tpm' }, tpm: claims, ...record });
}

export function gpu(change: Partial<NvidiaClaims> = {}): NvidiaClaims {
  return {
    kind: 'gpu',
    architecture: 'HOPPER',
    driver: '570.124.06',
    vbios: '96.00.9F.00.01',
    nonce: run(0x6e, 32),
    id: 'c1',
    confidentialMode: 'on',
    matched: { driver: true, firmware: true },
    ...change,
  };
}

export const nvSwitch = gpu({
  kind: 'switch',
  architecture: 'LS10',
  driver: null,
  vbios: '96.10.5E.00.01',
  confidentialMode: null,
  matched: { driver: false, firmware: true },
});

const gpuSubject: Subject = {
  ...bareSubject,
  form: 'gpu',
  tee: 'nvidia',
  ak: null,
  gpu: true,
};

/** Reports of devices by themselves. */
export function bareGpus(devices: readonly NvidiaClaims[], missing: CheckId[] = []): Verified {
  return verified(gpuSubject, { claims: { platform: 'nvidia' }, devices }, missing);
}

export function nitroDocument(kind: NitroKind, change: Partial<NitroDocument> = {}): NitroDocument {
  const pcrs = kind === 'enclave' ? [0, 1, 2] : [0, 4, 12];
  const empty = new Uint8Array();
  return {
    kind,
    moduleId: kind === 'enclave' ? 'i-1-enc1' : 'i-1-tpm1',
    digest: 'SHA384',
    timestamp: fakeNow * 1000,
    pcrs: new Map(pcrs.map((index) => [index, run(0xb0 + index, 48)])),
    certificate: empty,
    cabundle: [],
    publicKey: null,
    userData: null,
    nonce: run(0x6e, 32),
    cose: { protectedHeader: empty, payload: empty, signature: empty },
    ...change,
  };
}

/** A Nitro document by itself. */
export function bareNitro(kind: NitroKind, change: Partial<NitroDocument> = {}): Verified {
  const subject: Subject = { ...bareSubject, form: 'nitro', tee: 'nitro', ak: null };
  const document = nitroDocument(kind, change);
  return verified(subject, { claims: { platform: 'nitro', document } });
}

/** What the paravisor claims. */
export function hclClaims(secureBoot: boolean): HclClaims {
  return {
    akPublicKey: new Uint8Array(),
    akOperation: 'sign',
    ekPublicKey: null,
    consoleEnabled: false,
    secureBoot,
    tpmEnabled: true,
    vmUniqueId: 'vm',
    configuration: new Map(),
    userData: null,
  };
}

/** A genuine SEV-SNP report below Azure's HCL report, with what it says beside. */
export async function azureMachine(
  tpm: Partial<TpmClaims> = {},
  record: Partial<VerifiedRecord> = {},
): Promise<Verified> {
  const { claims } = await verifyScene(await reportScene());
  const key = tpm.key ?? 'hcl';
  const subject: Subject = { ...bareSubject, form: 'hcl', tee: 'sev-snp', ak: key };
  const quoted = tpmClaims({ provider: null, ...tpm, key });
  return verified(subject, { claims, tpm: quoted, hcl: hclClaims(true), ...record });
}

/** An accepted bundle, and devices of these kinds as if they had been in it. */
export async function bundleWith(
  kinds: readonly string[],
  record: Partial<VerifiedRecord> = {},
): Promise<Verified> {
  const { claims, bundle, subject } = await verifyScene(await bundleScene());
  if (bundle === null) throw new Error('the scene has no bundle');
  return verified(
    {
      ...subject,
      ak: kinds.includes('tpm') ? 'certificate' : null,
      gpu: kinds.includes('nvidia'),
      nitroTpm: kinds.includes('nitro-tpm'),
    },
    {
      claims,
      bundle: { ...bundle, deviceKinds: kinds, deviceCount: kinds.length },
      tpm: kinds.includes('tpm') ? tpmClaims() : null,
      nitroTpm: kinds.includes('nitro-tpm') ? nitroDocument('tpm') : null,
      ...record,
    },
  );
}

/** A TD's bundle with an event log that replays to its RTMRs; null: with none. */
export async function tdWithLog(eventLog: EventLogClaims | null): Promise<Verified> {
  const { subject, claims, bundle } = await verifyScene(tdxBundleScene());
  const given = { ...subject, eventLog: eventLog !== null };
  return verified(given, { claims, bundle, eventLog });
}

const { sevSnp: _, tdx: __, sgx: ___, tpm: ____, nitro: _____, ...rest } = genuinePolicy;
/** Asks nothing of the moment, and takes no machine. */
export const noMachines = { ...rest, devices: 'none', waivers: [] } as const;

export const tpmRules = {
  key: ['certificate'],
  provider: ['google'],
  firmware: ['2020031200120003'],
  pcrs: { sha256: { 4: [hex(0xa4, 32)], 7: [hex(0xa7, 32)], others: 'any' } },
  eventLog: 'any',
  secureBoot: 'any',
};

/** For TPMs alone. */
export function tpmPolicyWith(change: object = {}): Policy {
  return toPolicy({ ...noMachines, tpm: { ...tpmRules, ...change } });
}

export const nvidiaRules = {
  architectures: ['HOPPER', 'LS10'],
  minimumDriver: { HOPPER: '570.124.03' },
  minimumFirmware: { HOPPER: '96.00.9F.00.01', LS10: '96.10.5E.00.00' },
  confidentialMode: 'required',
  references: 'required',
  gpus: { minimum: 1, maximum: 8 },
  switches: { minimum: 0, maximum: 4 },
};

/** For devices of NVIDIA's alone. */
export function gpuPolicyWith(change: object = {}): Policy {
  return toPolicy({
    ...noMachines,
    devices: { nvidia: { ...nvidiaRules, ...change }, tpm: 'refused', nitroTpm: 'refused' },
  });
}
