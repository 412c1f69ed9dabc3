/**
 * A simulated NVIDIA: its root, the CAs of each architecture, and machines with GPUs and switches that sign reports, with every
 * name, extension and field as in genuine ones. Its root is not NVIDIA's: only a verifier that is handed it accepts what it signs.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { NvidiaEvidence } from '#verifier/abi/nvidia/evidence.ts';
import type { NvidiaArchitecture } from '#verifier/abi/nvidia/opaque.ts';
import { type Bytes, concat, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { parseCertificate, spkiFingerprint } from '#verifier/chain/x509.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { KeyPair } from './keys.ts';
import {
  type DeviceFacts,
  type FakeDeviceOptions,
  type FakeReportOptions,
  measurementsOf,
  writeReport,
} from './nvidia-device.ts';
import {
  alternativeName,
  bytesFor,
  caExtensions,
  caName,
  chipProfiles,
  compositeDeviceId,
  deviceName,
  issueNvidia,
  leafExtensions,
  type NvidiaCertificate,
  type NvidiaChange,
  nvidiaValidity,
  tcbInfo,
} from './nvidia-profile.ts';

/** From the key that signs reports to the root. */
export const nvidiaRoles = ['leaf', 'brom', 'ica', 'identity', 'root'] as const;
export type NvidiaRole = (typeof nvidiaRoles)[number];

export type NvidiaOptions = {
  /** How many, or what each is; default one. */
  gpus?: number | readonly FakeDeviceOptions[];
  /** Default none. */
  switches?: number | readonly FakeDeviceOptions[];
  /**
   * Changes in the certificates of every device. A child takes issuer and signature from the changed parent's subject and from
   * its role's private key, so one change breaks one thing.
   */
  overrides?: Partial<Record<NvidiaRole, NvidiaChange>>;
  /** Keys of its own, the root's too; by default those that every simulated NVIDIA of this process has. */
  stranger?: boolean;
};

export type FakeNvidiaDevice = {
  architecture: NvidiaArchitecture;
  /** As its certificate names it. */
  id: string;
  certificates: Readonly<Record<NvidiaRole, NvidiaCertificate>>;
  keys: Readonly<Record<NvidiaRole, KeyPair>>;
  /** By block index, from 1. */
  measurements: ReadonlyMap<number, Bytes>;
  /** @param nonce 32 bytes @returns the signed request and response */
  report: (nonce: Bytes, options?: FakeReportOptions) => Bytes;
  evidence: (nonce: Bytes, options?: FakeReportOptions) => NvidiaEvidence;
};

export type FakeNvidia = {
  /** GPUs first. */
  devices: readonly FakeNvidiaDevice[];
  root: TrustedRoot;
  rootPem: string;
  /** Of every device, in order. */
  evidence: (nonceOf: (index: number) => Bytes) => Promise<NvidiaEvidence[]>;
  /** The list that NVIDIA's tools print: one nonce for all. */
  toolOutput: (nonce: Bytes) => string;
};

export function createNvidia(options: NvidiaOptions = {}): FakeNvidia {
  const { overrides = {}, stranger = false } = options;
  const keysOf = stranger ? keyStore() : processKeys;
  const cas = createCas(overrides, keysOf);
  const wanted = [
    ...listed(options.gpus ?? 1).map((one) => ({ architecture: 'HOPPER' as const, ...one })),
    ...listed(options.switches ?? 0).map((one) => ({ architecture: 'LS10' as const, ...one })),
  ];
  const devices = wanted.map((one, place) => createDevice(one, place, cas, overrides, keysOf));
  const evidence = (nonceOf: (index: number) => Bytes) =>
    devices.map((device, index) => device.evidence(nonceOf(index)));
  return {
    devices,
    root: {
      vendor: 'nvidia',
      spkiSha256: spkiFingerprint(parseCertificate(cas.root.certificate.der, 'root')),
      insecure: true,
    },
    rootPem: cas.root.certificate.pem,
    evidence: async (nonceOf) => evidence(nonceOf),
    toolOutput: (nonce) =>
      JSON.stringify(
        devices.map((device) => ({
          arch: device.architecture,
          certificate: toBase64(utf8(pemChain(device))),
          evidence: toBase64(device.report(nonce)),
          nonce: toHex(nonce),
          version: '1.0',
        })),
      ),
  };
}

/** As NVIDIA's library gives it: the attestation key's certificate first. */
export function pemChain({ certificates }: FakeNvidiaDevice): string {
  return nvidiaRoles.map((role) => certificates[role].pem).join('');
}

function listed(wanted: number | readonly FakeDeviceOptions[]): readonly FakeDeviceOptions[] {
  return typeof wanted === 'number' ? Array.from({ length: wanted }, () => ({})) : wanted;
}

type Ca = { keys: KeyPair; certificate: NvidiaCertificate };
type Cas = {
  root: Ca;
  identity: (family: string) => Ca;
  ica: (architecture: NvidiaArchitecture) => Ca;
};

type KeysOf = (name: string) => KeyPair;

/** One pair for each name, made when first asked for. */
function keyStore(): KeysOf {
  const made = new Map<string, KeyPair>();
  return (name) => {
    const pair = made.get(name) ?? generateKeyPairSync('ec', { namedCurve: 'P-384' });
    made.set(name, pair);
    return pair;
  };
}

const processKeys = keyStore();

/** Each CA is made once, when first asked for. */
function createCas(overrides: NonNullable<NvidiaOptions['overrides']>, keysOf: KeysOf): Cas {
  const made = new Map<string, Ca>();
  const once = (name: string, make: () => Ca): Ca => {
    const ca = made.get(name) ?? make();
    made.set(name, ca);
    return ca;
  };
  const issue = (role: 'root' | 'identity' | 'ica', subject: Bytes, issuer: Ca | null): Ca => {
    const keys = keysOf(toHex(subject));
    const signer = issuer?.keys ?? keys;
    const plan = {
      ...nvidiaValidity,
      serial: concat(Uint8Array.of(0x2d), bytesFor(toHex(subject), 15)),
      issuer: issuer?.certificate.plan.subject ?? subject,
      subject,
      publicKey: keys.publicKey,
      signer: signer.privateKey,
      hash: 'sha384' as const,
      extensions: caExtensions(keys, signer, true),
    };
    return { keys, certificate: issueNvidia(plan, overrides[role]) };
  };
  const root = issue('root', caName('NVIDIA Device Identity CA', 'NVIDIA', false), null);
  const corporation = 'NVIDIA Corporation';
  const identity = (family: string): Ca =>
    once(`identity ${family}`, () =>
      issue('identity', caName(`NVIDIA ${family} Identity`, corporation, false), root),
    );
  const ica = (architecture: NvidiaArchitecture): Ca => {
    const { chip, family, ica: number } = chipProfiles[architecture];
    const name = caName(`NVIDIA ${chip} Provisioner ICA ${number}`, corporation, true);
    return once(`ica ${architecture}`, () => issue('ica', name, identity(family)));
  };
  return { root, identity, ica };
}

function createDevice(
  options: FakeDeviceOptions & { architecture: NvidiaArchitecture },
  place: number,
  cas: Cas,
  overrides: NonNullable<NvidiaOptions['overrides']>,
  keysOf: KeysOf,
): FakeNvidiaDevice {
  const { architecture } = options;
  const { chip, model, family } = chipProfiles[architecture];
  const [leafKeys, bromKeys] = [keysOf(`leaf ${place}`), keysOf(`boot ROM ${place}`)];
  const [ica, identity] = [cas.ica(architecture), cas.identity(family)];
  const pdi = bytesFor(`${architecture} PDI ${place}`, 8);
  const fwid = bytesFor(`${architecture} FMC`, 48);
  const id = `NVIDIA:${chip}:${toHex(bytesFor(`device ${place}`, 8)).toUpperCase()}`;

  const bromSerial = concat(Uint8Array.of(architecture === 'LS10' ? 0x50 : 0x41), pdi);
  const brom = issueNvidia(
    {
      ...nvidiaValidity,
      serial: bromSerial,
      issuer: ica.certificate.plan.subject,
      subject: deviceName(bromSerial, `${model} BROM`),
      publicKey: bromKeys.publicKey,
      signer: ica.keys.privateKey,
      hash: 'sha384',
      extensions: caExtensions(bromKeys, ica.keys, false),
    },
    overrides.brom,
  );
  const leafSerial = concat(Uint8Array.of(0x51), bytesFor(`leaf ${place}`, 19));
  const dice =
    architecture === 'BLACKWELL'
      ? tcbInfo(model, fwid)
      : compositeDeviceId(bromKeys.publicKey, fwid);
  const leaf = issueNvidia(
    {
      ...nvidiaValidity,
      serial: leafSerial,
      issuer: brom.plan.subject,
      subject: deviceName(leafSerial, `${model} FMC LF`),
      publicKey: leafKeys.publicKey,
      signer: bromKeys.privateKey,
      hash: 'sha384',
      extensions: leafExtensions(leafKeys, bromKeys, [alternativeName(id), dice]),
    },
    overrides.leaf,
  );
  const root = cas.root;
  const certificates = {
    leaf,
    brom,
    ica: ica.certificate,
    identity: identity.certificate,
    root: root.certificate,
  };
  const keys = {
    leaf: leafKeys,
    brom: bromKeys,
    ica: ica.keys,
    identity: identity.keys,
    root: root.keys,
  };
  const facts: DeviceFacts = { options, fwid, pdi, key: leafKeys.privateKey };
  const report: FakeNvidiaDevice['report'] = (nonce, changes) => writeReport(facts, nonce, changes);
  return {
    architecture,
    id,
    certificates,
    keys,
    measurements: measurementsOf(options),
    report,
    evidence: (nonce, changes) => ({
      evidence: report(nonce, changes),
      certificates: nvidiaRoles.map((role) => certificates[role].der),
    }),
  };
}
