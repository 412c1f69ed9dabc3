/**
 * One verification of simulated evidence, built in one call and good as it is: a test changes one
 * thing and looks at what that breaks.
 */
import type { AmdHierarchy, AmdOverrides } from '#test/fake/amd.ts';
import { fakeNow } from '#test/fake/amd.ts';
import { createSnpDevice, type SnpFields, type SnpReportOptions } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import {
  type AmdCollateralKind,
  type Bundle,
  type CollateralKind,
  encodeBundle,
} from '#verifier/abi/bundle.ts';
import { encodeLogEntry, logDigest } from '#verifier/abi/log.ts';
import {
  type Bound,
  bindingOf,
  type Channel,
  type Device,
  deviceDigest,
  freshnessOf,
  reportDataOf,
} from '#verifier/abi/report-data.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { type Bytes, toHex, utf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { CheckStatus } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import { nodeCrypto } from '#verifier/cli/node-crypto.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { Collateral, Connection, CpuEvidence, Evidence } from '#verifier/evidence.ts';
import { type Field, fieldToBytes } from '#verifier/field.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { verify } from '#verifier/verify.ts';

/** What `verify` takes. */
export type Scene<E extends Evidence = CpuEvidence> = {
  evidence: E;
  collateral: readonly Collateral[];
  roots: readonly TrustedRoot[];
  now: UnixTime;
};

export type SceneOptions = {
  /** Default Milan. */
  product?: SnpProduct;
  /** Of the certificate, and what the report says signed it. Default `vcek`. */
  role?: 'vcek' | 'vlek';
  /** What is wrong with the certificates or the CRL. */
  overrides?: AmdOverrides;
  fields?: Partial<SnpFields>;
  /** What is wrong with the report. */
  report?: SnpReportOptions;
  /** Default: the moment that the simulator's dates are made for. */
  now?: UnixTime;
};

const plain = new Map<SnpProduct, Promise<AmdHierarchy>>();

/** Without overrides one and the same for each product: making one costs six RSA signatures. */
export function hierarchyOf(product: SnpProduct, overrides?: AmdOverrides): Promise<AmdHierarchy> {
  if (overrides !== undefined) return testHierarchy({ product, overrides });
  const found = plain.get(product) ?? testHierarchy({ product });
  plain.set(product, found);
  return found;
}

export function collateralOf(
  hierarchy: AmdHierarchy,
  role: 'vcek' | 'vlek' = 'vcek',
): Record<AmdCollateralKind, Bytes> {
  const { ark, ask, asvk, crl } = hierarchy;
  const issuer = role === 'vcek' ? ask : asvk;
  return { vek: hierarchy[role].der, ask: issuer.der, ark: ark.der, 'ark-crl': crl.der };
}

export function items(data: Partial<Record<CollateralKind, Bytes>>): Collateral[] {
  return Object.entries(data).map(([kind, der]) => ({ kind: kind as CollateralKind, data: der }));
}

/** The scene without its collateral of one kind. */
export function without(scene: Scene, kind: CollateralKind): Scene {
  return { ...scene, collateral: scene.collateral.filter((item) => item.kind !== kind) };
}

/** The scene with other DER objects of one kind. */
export function replaced(scene: Scene, kind: CollateralKind, ...data: readonly Bytes[]): Scene {
  const { collateral } = without(scene, kind);
  return { ...scene, collateral: [...collateral, ...data.map((der) => ({ kind, data: der }))] };
}

function rootsOf({ product }: AmdHierarchy, plainArk: Bytes): TrustedRoot[] {
  const { spkiSha256 } = insecureRoot(parseCertificate(plainArk, 'ARK'));
  return [{ vendor: 'amd', product, spkiSha256, insecure: true }];
}

/** The root is pinned from the product's right ARK, whatever the overrides did to theirs. */
async function setOf({ product = 'Milan', role = 'vcek', overrides }: SceneOptions) {
  const hierarchy = await hierarchyOf(product, overrides);
  const roots = rootsOf(hierarchy, (await hierarchyOf(product)).ark.der);
  return { hierarchy, roots, data: collateralOf(hierarchy, role) };
}

/** A raw report with everything given beside it. */
export async function reportScene(options: SceneOptions = {}): Promise<Scene> {
  const { hierarchy, roots, data } = await setOf(options);
  const device = createSnpDevice(hierarchy, {
    signingKey: options.role ?? 'vcek',
    ...options.fields,
  });
  const bytes = device.report(new Uint8Array(64).fill(0x52), options.report);
  return {
    evidence: { form: 'report', bytes },
    collateral: items(data),
    roots,
    now: options.now ?? fakeNow,
  };
}

export const sampleNonce = new Uint8Array(32).fill(0x6e);
export const sampleChannel: Channel = { kind: 'tls-key', hash: new Uint8Array(32).fill(0x63) };
export const sampleTreeRoot: Field = 0x7265n;
export const sampleDevices: Device[] = [{ kind: 'fake', evidence: utf8('x') }];

export function treeEntry(treeRoot: Field, reason = 'boot'): Bytes {
  return encodeLogEntry({ kind: 'tree', time: fakeNow, treeRoot, reason });
}

export type BundleOptions = SceneOptions & {
  devices?: Device[];
  /** Default: the boot's tree, which is the one bound. */
  log?: Bytes[];
  channel?: Channel;
  /** What the machine binds in place of the right digests; its report is signed over it. */
  bound?: Partial<Bound>;
  /** What is changed in the bundle after the report was signed. */
  edit?: (bundle: Bundle) => Partial<Bundle>;
  /** The nonce that the verifier drew. Default: the one in the bundle. */
  nonce?: Bytes | null;
  connection?: Connection;
};

/** A bundle that carries its collateral, fetched with a nonce over a channel that it binds. */
export async function bundleScene(options: BundleOptions = {}): Promise<Scene> {
  const { hierarchy, roots, data } = await setOf(options);
  const { channel = sampleChannel, devices = [], log = [treeEntry(sampleTreeRoot)] } = options;
  const bound: Bound = {
    closureDigest: new Uint8Array(32).fill(0xc1),
    treeRoot: sampleTreeRoot,
    deviceDigest: deviceDigest(devices),
    logDigest: logDigest(log),
    ...options.bound,
  };
  const fields = { signingKey: options.role ?? 'vcek', ...options.fields };
  const reportData = reportDataOf(bindingOf(bound), freshnessOf(sampleNonce, channel, fakeNow));
  const bundle: Bundle = {
    version: 1,
    platform: 'sev-snp',
    evidence: createSnpDevice(hierarchy, fields).report(reportData, options.report),
    nonce: sampleNonce,
    freshness: 'verifier',
    epoch: fakeNow,
    channel,
    bound,
    devices,
    log,
    collateral: items(data).map((item) => ({ ...item, source: 'simulator', fetched: fakeNow })),
  };
  return {
    evidence: {
      form: 'bundle',
      bytes: utf8(encodeBundle({ ...bundle, ...options.edit?.(bundle) })),
      nonce: options.nonce === undefined ? sampleNonce : options.nonce,
      connection: options.connection === undefined ? { channel } : options.connection,
    },
    collateral: [],
    roots,
    now: options.now ?? fakeNow,
  };
}

/** Names every value of the default Milan scenes and waives nothing. */
export async function strictPolicy(): Promise<Policy> {
  const { hardwareId, tcb } = await hierarchyOf('Milan');
  return {
    version: 1,
    name: 'strict',
    sevSnp: {
      product: ['Milan'],
      signingKey: ['vcek'],
      provider: 'any',
      guestPolicy: {
        minimumAbi: 'any',
        smt: 'allowed',
        migrateMa: 'refused',
        debug: 'refused',
        cxlAllow: 'refused',
        singleSocket: 'any',
        memAes256Xts: 'any',
        raplDis: 'any',
        ciphertextHidingDram: 'any',
        pageSwapDisable: 'any',
      },
      minimumGuestSvn: 'any',
      vmpl: [0],
      minimumFirmware: 'any',
      provisionalFirmware: 'refused',
      minimumTcb: { reported: { Milan: tcb }, current: 'any', committed: 'any', launch: 'any' },
      mitigations: { launch: 'any', current: 'any' },
      platformInfo: 'any',
      idBlock: 'any',
      certificateTable: { unknownGuids: 'refused', requiredGuids: [] },
      measurement: ['4d'.repeat(48)],
      chipId: [toHex(hardwareId)],
      hostData: ['00'.repeat(32)],
      reportData: 'any',
      familyId: 'any',
      imageId: 'any',
      reportId: 'any',
      reportIdMa: 'any',
    },
    closureDigest: ['c1'.repeat(32)],
    treeRoot: [toHex(fieldToBytes(sampleTreeRoot))],
    devices: 'none',
    freshness: 'verifier-nonce',
    channel: ['tls-key'],
    waivers: [],
  };
}

export function verifyScene(
  scene: Scene<Evidence>,
  crypto: CryptoPort = nodeCrypto,
): Promise<Verified> {
  const { evidence, collateral, roots, now } = scene;
  return verify(evidence, collateral, roots, now, crypto);
}

export async function verdictOf(
  scene: Scene<Evidence>,
  policy: Policy = genuinePolicy,
): Promise<Verdict> {
  return appraise(await verifyScene(scene), policy);
}

type Checks = Pick<Verified | Verdict, 'checks'>;

export function idsWith(status: CheckStatus, { checks }: Checks): CheckId[] {
  return checks.filter((check) => check.status === status).map(({ id }) => id);
}

/** The one check's result. @throws RangeError when it was not made */
export function checkOf(id: CheckId, { checks }: Checks) {
  const found = checks.find((check) => check.id === id);
  if (found === undefined) throw new RangeError(`${id} was not made`);
  return found;
}

/** What `verify` fails of a scene. */
export async function failuresOf(scene: Scene<Evidence>): Promise<CheckId[]> {
  return idsWith('fail', await verifyScene(scene));
}
