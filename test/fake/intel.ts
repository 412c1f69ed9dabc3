/**
 * A simulated Intel: the root CA, the two PCK CAs, the TCB signing certificate, a machine's PCK
 * certificate, the CRLs, and TCB info and QE identity signed by it, with every field, type and order
 * as in Intel's own. Its root is not Intel's: only a verifier that is handed it accepts what it
 * signs.
 */
import { createHash } from 'node:crypto';
import type { IntelCollateralKind } from '#verifier/abi/bundle.ts';
import type { Tee } from '#verifier/abi/quote.ts';
import { type Bytes, fromBigEndian } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';
import { fakeNow } from './amd.ts';
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
  keyIdentifier,
  keyUsage,
  subjectKeyIdentifier,
} from './extensions.ts';
import {
  issueQeIdentity,
  issueTcbInfo,
  type QeIdentityPlan,
  type SignedDocument,
  type TcbInfoPlan,
} from './intel-collateral.ts';
import {
  intelNames,
  type PckCa,
  type PckValues,
  pckCrlUrl,
  pckValues,
  rootCrlUrl,
  sgxExtension,
  sgxExtensionMembers,
} from './intel-profile.ts';
import { generateIntelKeys, type IntelKeys, type KeyPair } from './keys.ts';

const day = 86_400;
/** 2018-05-21 to the end of 2049, and to 2033-05-21: Intel's own. */
const rootValidity = { notBefore: 1_526_899_510, notAfter: 2_524_607_999 };
const caValidity = { notBefore: 1_526_899_810, notAfter: 2_000_285_410 };
/** 2025-05-06 to 2032-05-06, Intel's own. */
const signingValidity = { notBefore: 1_746_523_500, notAfter: 1_967_448_300 };
/** 2024-03-20 to 2031-03-20: seven years, as genuine ones. */
const pckValidity = { notBefore: 1_710_936_000, notAfter: 1_931_774_400 };

export const intelAlgorithm = {
  name: 'ecdsa',
  hash: 'sha256',
} as const satisfies SignatureAlgorithm;

export type IntelOverrides = {
  root?: Change<CertificatePlan>;
  platformCa?: Change<CertificatePlan>;
  processorCa?: Change<CertificatePlan>;
  tcbSigning?: Change<CertificatePlan>;
  /** Intel signs both documents with one certificate; a change here makes a second one of it. */
  qeIdentitySigning?: Change<CertificatePlan>;
  pck?: Change<CertificatePlan>;
  rootCrl?: Change<CrlPlan>;
  platformCrl?: Change<CrlPlan>;
  processorCrl?: Change<CrlPlan>;
  tcbInfo?: Change<TcbInfoPlan>;
  qeIdentity?: Change<QeIdentityPlan>;
};

/** Certificates that can be revoked by their role; they get into the CRL of their issuer. */
export type Revocable = 'pck' | 'platformCa' | 'processorCa' | 'tcbSigning' | 'qeIdentitySigning';

export type IntelOptions = {
  /** Whose TCB info and QE identity there are. Default `tdx`. */
  tee?: Tee;
  /** Default: new ones. */
  keys?: IntelKeys;
  /** What the PCK certificate says. Default: an up-to-date machine under the platform CA. */
  machine?: Partial<PckValues>;
  revoked?: readonly Revocable[];
  /** Documents and CRLs were issued the day before. Default: `fakeNow`. */
  now?: UnixTime;
  /**
   * One object's fields. A child takes issuer and signature from the changed parent's subject and
   * from its role's private key, so one change breaks one thing: change the child's `issuer` or
   * `signer` to break the link itself.
   */
  overrides?: IntelOverrides;
};

export type Intel = {
  tee: Tee;
  keys: IntelKeys;
  machine: PckValues;
  root: Certificate;
  platformCa: Certificate;
  processorCa: Certificate;
  tcbSigning: Certificate;
  qeIdentitySigning: Certificate;
  pck: Certificate;
  rootCrl: Crl;
  platformCrl: Crl;
  processorCrl: Crl;
  tcbInfo: SignedDocument<TcbInfoPlan>;
  qeIdentity: SignedDocument<QeIdentityPlan>;
  /** The CA that issued the PCK certificate, and its CRL. */
  pckCa: Certificate;
  pckCrl: Crl;
  /** What a verifier is handed as its root. */
  rootsPem: () => string;
  /** PCK certificate, PCK CA, root, and the NUL that genuine quotes end this text with. */
  pckChainPem: () => string;
};

export function createIntel(options: IntelOptions = {}): Intel {
  const { tee = 'tdx', overrides = {}, revoked = [], now = fakeNow } = options;
  const keys = options.keys ?? generateIntelKeys();
  const machine = pckValues(options.machine);

  const root = issue(overrides.root, {
    ...plan(keys.root, keys.root),
    ...rootValidity,
    issuer: intelNames.root,
    subject: intelNames.root,
    extensions: extensionsOf(keys.root, keys.root, rootCrlUrl, { pathLength: 1 }),
  });
  const underRoot = (role: 'platformCa' | 'processorCa' | 'tcbSigning', subject: Name) => ({
    ...plan(keys[role], keys.root),
    ...(role === 'tcbSigning' ? signingValidity : caValidity),
    issuer: root.plan.subject,
    subject,
    extensions: extensionsOf(
      keys[role],
      keys.root,
      rootCrlUrl,
      role === 'tcbSigning' ? null : { pathLength: 0 },
    ),
  });
  const platformCa = issue(overrides.platformCa, underRoot('platformCa', intelNames.platform));
  const processorCa = issue(overrides.processorCa, underRoot('processorCa', intelNames.processor));
  const tcbSigning = issue(overrides.tcbSigning, underRoot('tcbSigning', intelNames.tcbSigning));
  const qeIdentitySigning =
    overrides.qeIdentitySigning === undefined
      ? tcbSigning
      : issue(overrides.qeIdentitySigning, underRoot('tcbSigning', intelNames.tcbSigning));

  const ofPlatform = machine.ca === 'platform';
  const pckCa = ofPlatform ? platformCa : processorCa;
  const caKeys = ofPlatform ? keys.platformCa : keys.processorCa;
  const pck = issue(overrides.pck, {
    ...plan(keys.pck, caKeys),
    ...pckValidity,
    serial: pckSerial(keys.pck),
    issuer: pckCa.plan.subject,
    subject: intelNames.pck,
    extensions: [
      ...extensionsOf(keys.pck, caKeys, pckCrlUrl(machine.ca), null),
      sgxExtension(sgxExtensionMembers(machine)),
    ],
  });

  const certificates = { pck, platformCa, processorCa, tcbSigning, qeIdentitySigning };
  const crlPlan = (issuer: Certificate, signer: KeyPair, days: number): CrlPlan => ({
    ...unedited,
    version: 2,
    algorithm: intelAlgorithm,
    issuer: issuer.plan.subject,
    signer: signer.privateKey,
    thisUpdate: now - day,
    nextUpdate: now - day + days * day,
    revoked: revoked
      .filter((role) => (role === 'pck' ? pckCa : root) === issuer)
      // Intel's entries all say key compromise, at the moment of the list.
      .map((role) => ({ serial: certificates[role].plan.serial, at: now - day, reason: 1 })),
    extensions: [crlNumber(1), authorityKeyIdentifier(signer.publicKey)],
  });
  const pckCrl = (ca: PckCa): Crl =>
    ca === 'platform'
      ? issueCrl(changePlan(crlPlan(platformCa, keys.platformCa, 30), overrides.platformCrl))
      : issueCrl(changePlan(crlPlan(processorCa, keys.processorCa, 30), overrides.processorCrl));
  const platformCrl = pckCrl('platform');
  const processorCrl = pckCrl('processor');
  const signed = { tee, machine, signer: keys.tcbSigning.privateKey, issueDate: now - day };
  return {
    tee,
    keys,
    machine,
    root,
    ...certificates,
    rootCrl: issueCrl(changePlan(crlPlan(root, keys.root, 365), overrides.rootCrl)),
    platformCrl,
    processorCrl,
    tcbInfo: issueTcbInfo(signed, overrides.tcbInfo),
    qeIdentity: issueQeIdentity(signed, overrides.qeIdentity),
    pckCa,
    pckCrl: ofPlatform ? platformCrl : processorCrl,
    rootsPem: () => root.pem,
    pckChainPem: () => `${pck.pem}${pckCa.pem}${root.pem}\0`,
  };
}

/** What travels beside a quote of this machine, in the spelling of the evidence bundle. */
export function collateralOf(intel: Intel): { kind: IntelCollateralKind; data: Bytes }[] {
  return [
    { kind: 'tcb-info', data: intel.tcbInfo.bytes },
    { kind: 'tcb-signing', data: intel.tcbSigning.der },
    { kind: 'qe-identity', data: intel.qeIdentity.bytes },
    { kind: 'qe-identity-signing', data: intel.qeIdentitySigning.der },
    { kind: 'pck-crl', data: intel.pckCrl.der },
    { kind: 'intel-root-crl', data: intel.rootCrl.der },
    { kind: 'intel-root', data: intel.root.der },
  ];
}

/** What all of Intel's certificates share. Where Intel numbers a CA, it takes the key identifier. */
function plan(subject: KeyPair, issuer: KeyPair) {
  return {
    ...unedited,
    version: 3,
    algorithm: intelAlgorithm,
    serial: fromBigEndian(keyIdentifier(subject.publicKey)),
    publicKey: subject.publicKey,
    signer: issuer.privateKey,
  };
}

/** @param ca null: no CA, but a key that signs data */
function extensionsOf(
  subject: KeyPair,
  issuer: KeyPair,
  crlUrl: string,
  ca: { pathLength: number } | null,
) {
  return [
    authorityKeyIdentifier(issuer.publicKey),
    crlDistributionPoint(crlUrl),
    subjectKeyIdentifier(subject.publicKey),
    keyUsage(ca === null ? ['digitalSignature', 'nonRepudiation'] : ['keyCertSign', 'cRLSign']),
    basicConstraints(ca !== null, ca?.pathLength ?? null),
  ];
}

/** 20 bytes, as all of Intel's; unlike a CA's, not the key identifier. */
function pckSerial(pck: KeyPair): bigint {
  const digest = createHash('sha1').update('PCK').update(keyIdentifier(pck.publicKey)).digest();
  return fromBigEndian(new Uint8Array(digest));
}

function issue(change: Change<CertificatePlan> | undefined, wanted: CertificatePlan): Certificate {
  return issueCertificate(changePlan(wanted, change));
}
