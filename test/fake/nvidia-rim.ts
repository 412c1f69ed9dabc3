/**
 * A simulated signer of NVIDIA's reference integrity manifests: its four certificates, and manifests as NVIDIA writes them. The
 * canonical form is written here a second time, from the plan and not from the text, so that a test of one is a test of both.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { RimSubject } from '#verifier/abi/nvidia/rim-subject.ts';
import { type Bytes, fromHex, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import {
  type Certificate,
  type CertificatePlan,
  type Change,
  changePlan,
  issueCertificate,
  type Name,
  unedited,
} from './certificates.ts';
import * as der from './der.ts';
import * as extensions from './extensions.ts';
import { generateEcKey, type KeyPair } from './keys.ts';

export const rimRoles = ['root', 'ca', 'level3', 'signer'] as const;
export type RimRole = (typeof rimRoles)[number];

export type RimSigner = {
  keys: Record<RimRole, KeyPair>;
  certificates: Record<RimRole, Certificate>;
  /** As `verify` takes it. */
  trusted: TrustedRoot;
};

const day = 24 * 60 * 60;
/** The moment that the dates are made for. */
export const rimNow: UnixTime = parseTime('2026-01-15T12:00:00Z') as UnixTime;

const names: Record<RimRole, string> = {
  root: 'NVIDIA CoRIM signing Root CA',
  ca: 'NVIDIA Reference Value GH100 CA',
  level3: 'NVIDIA Reference Value L3 GH100 002',
  signer: 'HCC RIM L4 Signer',
};
const issuers: Record<RimRole, RimRole> = {
  root: 'root',
  ca: 'root',
  level3: 'ca',
  signer: 'level3',
};
const years: Record<RimRole, number> = { root: 30, ca: 10, level3: 4, signer: 2 };

export type RimSignerOptions = {
  /** New values for some fields of a certificate's plan. */
  changes?: Partial<Record<RimRole, Change<CertificatePlan>>>;
  /** Default: new ones. */
  keys?: Record<RimRole, KeyPair>;
};

let processKeys: Promise<Record<RimRole, KeyPair>> | undefined;

async function makeKeys(): Promise<Record<RimRole, KeyPair>> {
  const [root, ca, level3, signer] = await Promise.all([
    generateEcKey(),
    generateEcKey(),
    generateEcKey(),
    generateEcKey(),
  ]);
  return { root, ca, level3, signer } as Record<RimRole, KeyPair>;
}

/** The same keys in each call of a process, unless others are given. */
export async function createRimSigner({
  changes = {},
  keys,
}: RimSignerOptions = {}): Promise<RimSigner> {
  processKeys ??= makeKeys();
  const used = keys ?? (await processKeys);
  const issue = (role: RimRole): Certificate =>
    issueCertificate(changePlan(planOf(role, used), changes[role] ?? {}));
  const certificates = {
    root: issue('root'),
    ca: issue('ca'),
    level3: issue('level3'),
    signer: issue('signer'),
  };
  const spki = used.root.publicKey.export({ type: 'spki', format: 'der' });
  const spkiSha256 = new Uint8Array(createHash('sha256').update(spki).digest());
  return {
    keys: used,
    certificates,
    trusted: { vendor: 'nvidia-rim', spkiSha256, insecure: true },
  };
}

function planOf(role: RimRole, keys: Record<RimRole, KeyPair>): CertificatePlan {
  const issuer = issuers[role];
  const isCa = role !== 'signer';
  return {
    ...unedited,
    algorithm: { name: 'ecdsa', hash: 'sha384' },
    signer: keys[issuer].privateKey,
    version: 3,
    serial: BigInt(1000 + rimRoles.indexOf(role)),
    issuer: nameOf(issuer),
    subject: nameOf(role),
    notBefore: rimNow - 200 * day,
    notAfter: rimNow + years[role] * 365 * day,
    publicKey: keys[role].publicKey,
    extensions: [
      extensions.basicConstraints(isCa, role === 'level3' ? 0 : null),
      extensions.keyUsage(isCa ? ['keyCertSign', 'cRLSign'] : ['digitalSignature']),
      extensions.subjectKeyIdentifier(keys[role].publicKey),
      extensions.authorityKeyIdentifier(keys[issuer].publicKey),
    ],
  };
}

function nameOf(role: RimRole): Name {
  return [
    { type: 'C', value: 'US', string: 'printable' },
    { type: 'O', value: role === 'root' ? 'NVIDIA' : 'NVIDIA Corporation', string: 'utf8' },
    { type: 'CN', value: names[role], string: 'utf8' },
  ];
}

export type RimPlan = {
  edition: 'GPU' | 'SWITCH';
  product: string;
  version: string;
  /** By index, the alternatives of an active measurement. */
  active: ReadonlyMap<number, readonly Bytes[]>;
  /** How many resources there are; those that are not active hold one hash of zeros. */
  resources: number;
  /** Applied to the text before its digest is made; the canonical form is changed alike. */
  edit: (text: string) => string;
  /** Applied to the text of SignedInfo before it is signed. */
  editSignedInfo: (text: string) => string;
  /** Applied to r ‖ s. */
  editSignature: (signature: Bytes) => Bytes;
  /** Applied to the whole file, signed and all. */
  editSigned: (text: string) => string;
};

const same = <T>(value: T): T => value;
const plain = {
  resources: 64,
  edit: same,
  editSignedInfo: same,
  editSignature: same,
  editSigned: same,
} as const;

/** Of the very version of a device's driver, with the measurements that it made at `indices`. */
export function driverRim(device: RimSubject, indices: readonly number[] = [7, 21, 22]): RimPlan {
  const version = device.driver ?? '';
  return { ...plain, ...partsOf(device, indices), version };
}

/** The same of its firmware. */
export function firmwareRim(device: RimSubject, indices: readonly number[] = [0, 1, 2]): RimPlan {
  return { ...plain, ...partsOf(device, indices), version: device.vbios };
}

function partsOf({ kind, architecture, measurements }: RimSubject, indices: readonly number[]) {
  const edition = kind === 'gpu' ? ('GPU' as const) : ('SWITCH' as const);
  const active = new Map(
    indices.map((index) => [index, [measurements.get(index + 1) as Bytes]] as const),
  );
  return { edition, product: architecture, active };
}

const swid = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd';
const hash = 'http://www.w3.org/2001/04/xmlenc#sha384';
const tcg =
  'https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/';

/** A manifest, signed. */
export function issueRim({ keys, certificates }: RimSigner, plan: RimPlan): Bytes {
  const [written, canonical] = bodyOf(plan).map(plan.edit) as [string, string];
  const digest = createHash('sha384').update(`${canonical}</SoftwareIdentity>`).digest('base64');
  const signedInfo = plan.editSignedInfo(signedInfoOf(digest));
  const inScope = `xmlns="${swid}" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:ns0="${swid}" xmlns:ns2="${hash}"`;
  const signed = signedInfo
    .replace('<ds:SignedInfo>', `<ds:SignedInfo ${inScope}>`)
    .replace(/<(ds:\w+)([^>]*)\/>/g, '<$1$2></$1>');
  const value = plan.editSignature(signatureOf(keys.signer.privateKey, signed));
  const x509 = (['signer', 'level3', 'ca', 'root'] as const)
    .map(
      (role) => `<ds:X509Certificate>${base64Lines(certificates[role].der)}</ds:X509Certificate>`,
    )
    .join('');
  const signature =
    `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${signedInfo}` +
    `<ds:SignatureValue>${toBase64(value)}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data>${x509}</ds:X509Data></ds:KeyInfo></ds:Signature>`;
  return utf8(plan.editSigned(`${written}${signature}</SoftwareIdentity>\n`));
}

function signedInfoOf(digest: string): string {
  const c14n = 'http://www.w3.org/2006/12/xml-c14n11';
  return (
    `<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="${c14n}"/>` +
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"/>' +
    '<ds:Reference URI=""><ds:Transforms>' +
    '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>' +
    `<ds:Transform Algorithm="${c14n}"/></ds:Transforms>` +
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"/>' +
    `<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  );
}

function signatureOf(key: KeyObject, text: string): Bytes {
  return new Uint8Array(sign('sha384', utf8(text), { key, dsaEncoding: 'ieee-p1363' }));
}

/** 64 characters a line and one at the end, as NVIDIA's. */
function base64Lines(bytes: Bytes): string {
  return `${(toBase64(bytes).match(/.{1,64}/g) ?? []).join('\n')}\n`;
}

/** Up to the signature: as NVIDIA writes it, and canonical. */
function bodyOf(plan: RimPlan): [written: string, canonical: string] {
  const tagId = createHash('sha384').update(plan.version).digest('hex');
  const root = `corpus="false" name="${plan.product}" patch="false" supplemental="false" tagId="${tagId}" version="1.0" tagVersion="0"`;
  const sortedRoot = `corpus="false" name="${plan.product}" patch="false" supplemental="false" tagId="${tagId}" tagVersion="0" version="1.0"`;
  const open = `<SoftwareIdentity xmlns="${swid}" xmlns:ns0="${swid}" xmlns:ns2="${hash}" `;
  const meta = `colloquialVersion="${plan.version}" edition="${plan.edition}" product="${plan.product}" revision="r1" PayloadType="direct"`;
  const sortedMeta = `PayloadType="direct" colloquialVersion="${plan.version}" edition="${plan.edition}" product="${plan.product}" revision="r1"`;
  const model = 'ns1:BindingSpec="RIMIM" ns1:BindingSpecVersion="1.01"';
  const entity = '<ns0:Entity name="NVIDIA Corporation" role="softwareCreator tagCreator"';
  const resources = Array.from({ length: plan.resources }, (_, i) => resourceOf(plan, i));
  const lines = (of: 0 | 1) => resources.map((one) => `        ${one[of]}\n`).join('');
  const payload = `<ns0:Payload xmlns:SHA384="${hash}">\n`;
  const metaOpen = `<ns0:Meta xmlns:ns1="${tcg}"`;
  return [
    `${open}${root}>\n    ${entity}/>\n    ${metaOpen} ${meta} ${model}/>\n    ${payload}${lines(0)}    </ns0:Payload>\n`,
    `${open}${sortedRoot}>\n    ${entity}></ns0:Entity>\n    ${metaOpen} ${sortedMeta} ${model}></ns0:Meta>\n    ${payload}${lines(1)}    </ns0:Payload>\n`,
  ];
}

function resourceOf({ active }: RimPlan, index: number): [written: string, canonical: string] {
  const values = active.get(index) ?? [new Uint8Array(48)];
  const state = active.has(index) ? 'True' : 'False';
  const hashes = values.map((value, i) => `ns2:Hash${i}="${toHex(value)}"`).join(' ');
  const name = `Measurement_${index}`;
  return [
    `<ns0:Resource type="Measurement" index="${index}" active="${state}" alternatives="${values.length}" ${hashes} name="${name}" size="48"/>`,
    `<ns0:Resource active="${state}" alternatives="${values.length}" index="${index}" name="${name}" size="48" type="Measurement" ${hashes}></ns0:Resource>`,
  ];
}

/** A GPU, or a switch, as a report would tell of it: 64 measurements, each another. */
export function rimSubject(change: Partial<RimSubject> = {}): RimSubject {
  const blocks = Array.from({ length: 64 }, (_, i) => i + 1);
  return {
    label: 'GPU 0',
    kind: 'gpu',
    architecture: 'GH100',
    driver: '570.124.03',
    vbios: '96.00.9F.00.01',
    project: '1010',
    projectSku: '0210',
    chipSku: '886',
    measurements: new Map(blocks.map((block) => [block, measurementOf(block)])),
    unmeasured: new Set(),
    ...change,
  };
}

function measurementOf(block: number): Bytes {
  return fromHex(createHash('sha384').update(`block ${block}`).digest('hex'), 'digest', 48);
}

/** The dates as GeneralizedTime before 2050, as NVIDIA writes those of `level3` and `ca`. */
export function generalizedDates({
  notBefore,
  notAfter,
}: CertificatePlan): Partial<CertificatePlan> {
  const usual = [notBefore, notAfter].map((at) => der.time(at));
  const edited = [notBefore, notAfter].map(generalizedTime);
  return {
    editToBeSigned: (bytes) =>
      replaceTimes(bytes, usual as [Bytes, Bytes], edited as [Bytes, Bytes]),
  };
}

/** `YYYYMMDDhhmmssZ` of any year. */
export function generalizedTime(at: UnixTime): Bytes {
  const digits = new Date(at * 1000).toISOString().replace(/\.\d{3}|[-:T]/g, '');
  return der.tlv(0x18, utf8(digits));
}

/** Writes the signed part again with another validity: its lengths change, those around it too. */
function replaceTimes(bytes: Bytes, usual: [Bytes, Bytes], edited: [Bytes, Bytes]): Bytes {
  const from = toHex(der.sequence(...usual));
  const hex = toHex(bytes.subarray(bytes.length > 0x102 ? 4 : 3));
  if (!hex.includes(from)) throw new RangeError('the validity is not as planned');
  return der.tlv(0x30, fromHex(hex.replace(from, toHex(der.sequence(...edited))), 'signed part'));
}
