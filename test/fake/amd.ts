/**
 * A simulated AMD: ARK → ASK → VCEK, ARK → ASVK → VLEK and the ARK's CRL, with every field, type
 * and order as in AMD's own certificates of the product (AMD document 57230, and what AMD's key
 * service really sends). Its root is not AMD's: only a verifier that is handed it accepts what it
 * signs.
 */
import { createHash } from 'node:crypto';
import { hardwareIdLength, type SnpProduct, type TcbParts } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { amdProfiles, vekExtensions } from './amd-profile.ts';
import {
  type Certificate,
  type CertificatePlan,
  type Change,
  type Crl,
  type CrlPlan,
  changePlan,
  issueCertificate,
  issueCrl,
  type Name,
  type SignatureAlgorithm,
  unedited,
} from './certificates.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  crlDistributionPoint,
  crlNumber,
  keyUsage,
  subjectKeyIdentifier,
} from './extensions.ts';
import { type AmdKeys, processKeys } from './keys.ts';

/** The moment that the defaults are made for: 2026-01-15T00:00:00Z. */
export const fakeNow: UnixTime = 1_768_435_200;

const day = 86_400;
/** 2020-10-22 to 2045-10-22, Milan's own years. */
const caValidity = { notBefore: 1_603_324_800, notAfter: 2_392_243_200 };
/** 2021-01-01 to 2045-01-01; a real VCEK is valid for seven years, a VLEK for one. */
const vekValidity = { notBefore: 1_609_459_200, notAfter: 2_366_841_600 };

/**
 * PSS with SHA-384 and a salt of 48 bytes: CA certificates spell the trailer field out, VEKs and
 * CRLs do not.
 */
export const amdCaAlgorithm = {
  name: 'rsa-pss',
  hash: 'sha384',
  saltLength: 48,
  trailerField: true,
} as const satisfies SignatureAlgorithm;
export const amdAlgorithm = { ...amdCaAlgorithm, trailerField: false } as const;

export type AmdOverrides = {
  ark?: Change<CertificatePlan>;
  ask?: Change<CertificatePlan>;
  asvk?: Change<CertificatePlan>;
  vcek?: Change<CertificatePlan>;
  vlek?: Change<CertificatePlan>;
  crl?: Change<CrlPlan>;
};

export type AmdHierarchyOptions = {
  product: SnpProduct;
  /** Default: the process's own set (keys.ts). */
  keys?: AmdKeys;
  /** What VCEK and VLEK are issued for. Default: a plausible TCB with parts that differ. */
  tcb?: TcbParts;
  /** 64 bytes, 8 for Turin. */
  hardwareId?: Bytes;
  /** The cloud provider that the VLEK names. */
  cspId?: string;
  /** The CRL was issued the day before and lasts a year. Default: `fakeNow`. */
  now?: UnixTime;
  /**
   * One certificate's fields. A child takes issuer and signature from the changed parent's subject
   * and from its role's private key, so one change breaks one thing: change the child's `issuer` or
   * `signer` to break the link itself.
   */
  overrides?: AmdOverrides;
};

export type AmdHierarchy = {
  product: SnpProduct;
  keys: AmdKeys;
  tcb: TcbParts;
  hardwareId: Bytes;
  ark: Certificate;
  ask: Certificate;
  asvk: Certificate;
  vcek: Certificate;
  vlek: Certificate;
  crl: Crl;
  /** The ARK: what a verifier is handed as its root. */
  rootsPem: () => string;
  /** Issuer, then root, as AMD's `cert_chain` answers. */
  chainPem: (vek: 'vcek' | 'vlek') => string;
};

/** @throws RangeError when the hardware id has not the product's length */
export async function createAmdHierarchy(options: AmdHierarchyOptions): Promise<AmdHierarchy> {
  const { product, overrides = {}, now = fakeNow } = options;
  const profile = amdProfiles[product];
  const keys = options.keys ?? (await processKeys());
  const tcb = options.tcb ?? profile.defaultTcb;
  const hardwareId = options.hardwareId ?? defaultHardwareId(product);
  if (hardwareId.length !== hardwareIdLength[product]) {
    throw new RangeError(`${product}: a hardware id has ${hardwareIdLength[product]} bytes`);
  }
  const cspId = options.cspId ?? 'CN=cc-test.example';

  const arkName = amdName(`ARK-${product}`);
  const ark = issue(overrides.ark, {
    ...unedited,
    ...caValidity,
    version: 3,
    algorithm: amdCaAlgorithm,
    serial: profile.serials.ark,
    issuer: arkName,
    subject: arkName,
    publicKey: keys.ark.publicKey,
    signer: keys.ark.privateKey,
    extensions: [
      keyUsage(['keyCertSign', 'cRLSign']),
      subjectKeyIdentifier(keys.ark.publicKey),
      basicConstraints(true, null),
      crlDistributionPoint(crlUrl(product, 'vcek')),
    ],
  });
  const signingKey = (role: 'ask' | 'asvk'): Certificate =>
    issue(overrides[role], {
      ...unedited,
      ...caValidity,
      version: 3,
      algorithm: amdCaAlgorithm,
      serial: profile.serials[role],
      issuer: ark.plan.subject,
      subject: amdName(role === 'ask' ? `SEV-${product}` : `SEV-VLEK-${product}`),
      publicKey: keys[role].publicKey,
      signer: keys.ark.privateKey,
      extensions: [
        subjectKeyIdentifier(keys[role].publicKey),
        authorityKeyIdentifier(keys.ark.publicKey),
        basicConstraints(true, 0),
        keyUsage(['keyCertSign'], 1),
        crlDistributionPoint(crlUrl(product, role === 'ask' ? 'vcek' : 'vlek')),
      ],
    });
  const ask = signingKey('ask');
  const asvk = signingKey('asvk');
  const endorsementKey = (role: 'vcek' | 'vlek'): Certificate =>
    issue(overrides[role], {
      ...unedited,
      ...vekValidity,
      version: 3,
      algorithm: amdAlgorithm,
      serial: 0n,
      issuer: (role === 'vcek' ? ask : asvk).plan.subject,
      subject: amdName(role === 'vcek' ? 'SEV-VCEK' : 'SEV-VLEK'),
      publicKey: keys[role].publicKey,
      signer: keys[role === 'vcek' ? 'ask' : 'asvk'].privateKey,
      extensions: vekExtensions(product, tcb, role === 'vcek' ? { hardwareId } : { cspId }),
    });
  const crlPlan: CrlPlan = {
    ...unedited,
    version: 2,
    algorithm: amdAlgorithm,
    issuer: ark.plan.subject,
    signer: keys.ark.privateKey,
    thisUpdate: now - day,
    nextUpdate: now - day + 365 * day,
    revoked: profile.revoked,
    extensions: [authorityKeyIdentifier(keys.ark.publicKey), crlNumber(1)],
  };
  return {
    product,
    keys,
    tcb,
    hardwareId,
    ark,
    ask,
    asvk,
    vcek: endorsementKey('vcek'),
    vlek: endorsementKey('vlek'),
    crl: issueCrl(changePlan(crlPlan, overrides.crl)),
    rootsPem: () => ark.pem,
    chainPem: (vek) => (vek === 'vcek' ? ask : asvk).pem + ark.pem,
  };
}

/** AMD's attributes in AMD's order; the country alone is a PrintableString. */
export function amdName(commonName: string): Name {
  return [
    { type: 'OU', value: 'Engineering', string: 'utf8' },
    { type: 'C', value: 'US', string: 'printable' },
    { type: 'L', value: 'Santa Clara', string: 'utf8' },
    { type: 'ST', value: 'CA', string: 'utf8' },
    { type: 'O', value: 'Advanced Micro Devices', string: 'utf8' },
    { type: 'CN', value: commonName, string: 'utf8' },
  ];
}

function issue(change: Change<CertificatePlan> | undefined, plan: CertificatePlan): Certificate {
  return issueCertificate(changePlan(plan, change));
}

function crlUrl(product: SnpProduct, vek: 'vcek' | 'vlek'): string {
  return `https://kdsintf.amd.com/${vek}/v1/${product}/crl`;
}

function defaultHardwareId(product: SnpProduct): Bytes {
  const digest = createHash('sha512').update(`simulated ${product}`).digest();
  return new Uint8Array(digest.subarray(0, hardwareIdLength[product]));
}
