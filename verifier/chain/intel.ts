/**
 * What Intel's certificates must say to be the SGX root CA, a PCK CA, the TCB signer and a PCK certificate: "Intel SGX PCK
 * Certificate and Certificate Revocation List Profile Specification". Signatures are verify's.
 */
import { type Bytes, equalBytes, fromHex, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { derTag, tlv } from './der.ts';
import { type PckExtension, readPckExtension, sgxExtension } from './pck-extension.ts';
import type { Certificate } from './x509.ts';

/** Which of the two CAs issues a machine's PCK certificates: platform for multi-package ones, processor for the others. */
export type PckIssuer = 'platform' | 'processor';

export type IntelRoot = { role: 'root' };
export type PckCa = { role: 'pck-ca'; ca: PckIssuer };
/** Signs TCB info and QE identities. */
export type TcbSigning = { role: 'tcb-signing' };
/** Certifies the key that a machine's provisioning enclave (PCE) signs quoting enclaves with, and the TCB it is for. */
export type Pck = { role: 'pck'; ca: PckIssuer } & PckExtension;

const intelArc = '1.2.840.113741';
const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
} as const;

/** What the certificates of one role have in common. */
type Profile = { constraints: Bytes; usage: Bytes };

// Whole extension values, for Intel writes them in one way; key usage BIT STRINGs are of the minimal length.
const certificateAndCrlSign = fromHex('03020106', 'keyCertSign and cRLSign');
const signs = fromHex('030206c0', 'digitalSignature and nonRepudiation');
const rootProfile: Profile = {
  constraints: fromHex('30060101ff020101', 'CA, path length 1'),
  usage: certificateAndCrlSign,
};
const caProfile: Profile = {
  constraints: fromHex('30060101ff020100', 'CA, path length 0'),
  usage: certificateAndCrlSign,
};
const leafProfile: Profile = { constraints: fromHex('3000', 'no CA'), usage: signs };

type IntelName = { commonName: string; der: Bytes };
const rootName = intelName('Intel SGX Root CA');
const tcbSigningName = intelName('Intel SGX TCB Signing');
const pckName = intelName('Intel SGX PCK Certificate');
const caNames: readonly (IntelName & { ca: PckIssuer })[] = [
  { ca: 'platform', ...intelName('Intel SGX PCK Platform CA') },
  { ca: 'processor', ...intelName('Intel SGX PCK Processor CA') },
];

/** @throws AttestationError `certificate-profile` */
export function asIntelRoot(certificate: Certificate): IntelRoot {
  const what = 'Intel SGX root CA';
  named(certificate, 'subject', rootName, what);
  named(certificate, 'issuer', rootName, what);
  conforms(certificate, rootProfile, what);
  noIntelExtensions(certificate, what);
  return { role: 'root' };
}

/** @throws AttestationError `certificate-profile` */
export function asPckCa(certificate: Certificate): PckCa {
  const what = 'PCK CA';
  const ca = pckCaNamed(certificate, 'subject', what);
  named(certificate, 'issuer', rootName, what);
  conforms(certificate, caProfile, what);
  noIntelExtensions(certificate, what);
  return { role: 'pck-ca', ca };
}

/** @throws AttestationError `certificate-profile` */
export function asTcbSigning(certificate: Certificate): TcbSigning {
  const what = 'TCB signing certificate';
  named(certificate, 'subject', tcbSigningName, what);
  named(certificate, 'issuer', rootName, what);
  conforms(certificate, leafProfile, what);
  noIntelExtensions(certificate, what);
  return { role: 'tcb-signing' };
}

/** @throws AttestationError `certificate-profile`; `der-malformed` when the SGX extension is not DER */
export function asPck(certificate: Certificate): Pck {
  const what = 'PCK certificate';
  named(certificate, 'subject', pckName, what);
  const ca = pckCaNamed(certificate, 'issuer', what);
  conforms(certificate, leafProfile, what);
  noIntelExtensions(certificate, what, sgxExtension);
  const found = certificate.extensions.find(({ oid }) => oid === sgxExtension);
  if (found === undefined) throw profile(what, `the SGX extension ${sgxExtension} is missing`);
  const extension = readPckExtension(found.value, what);
  if ((ca === 'platform') !== (extension.platformInstanceId !== null)) {
    const does = ca === 'platform' ? 'should' : 'should not';
    throw profile(
      what,
      `issued by the ${ca} CA, it ${does} hold a platform instance id and a configuration`,
    );
  }
  return { role: 'pck', ca, ...extension };
}

/** The rules for all roles. The key identifiers and the CRL's address must be there, but name nothing that counts. */
function conforms(certificate: Certificate, { constraints, usage }: Profile, what: string): void {
  const { publicKey, signatureAlgorithm, extensions } = certificate;
  if (publicKey.kind !== 'p256') throw profile(what, 'its key should be on P-256');
  if (signatureAlgorithm !== 'ecdsa-p256-sha256')
    throw profile(what, 'its signature algorithm should be ECDSA with SHA-256');
  for (const { oid, critical } of extensions) {
    if (critical && oid !== oids.basicConstraints && oid !== oids.keyUsage)
      throw profile(what, `critical extension ${oid} is not known`);
  }
  for (const oid of Object.values(oids)) {
    if (!extensions.some((extension) => extension.oid === oid))
      throw profile(what, `extension ${oid} is missing`);
  }
  const says = (wanted: string, value: Bytes) =>
    extensions.some(
      (found) => found.oid === wanted && found.critical && equalBytes(found.value, value),
    );
  if (!says(oids.basicConstraints, constraints)) {
    throw profile(
      what,
      'basic constraints should be critical and say whether it is a CA, with the path length of its place',
    );
  }
  if (!says(oids.keyUsage, usage)) {
    throw profile(
      what,
      'key usage should be critical and allow what its place needs, no more and no less',
    );
  }
}

/** Intel's own arc, where an extension left unread could be a part of the TCB left unchecked. */
function noIntelExtensions({ extensions }: Certificate, what: string, but: string = ''): void {
  const found = extensions.find(({ oid }) => oid !== but && oid.startsWith(`${intelArc}.`));
  if (found !== undefined) throw profile(what, `extension ${found.oid} does not belong here`);
}

function named(
  certificate: Certificate,
  field: 'subject' | 'issuer',
  { commonName, der }: IntelName,
  what: string,
): void {
  if (!equalBytes(certificate[field], der))
    throw profile(what, `the ${field} should be Intel's with CN=${commonName}`);
}

function pckCaNamed(
  certificate: Certificate,
  field: 'subject' | 'issuer',
  what: string,
): PckIssuer {
  const found = caNames.find(({ der }) => equalBytes(certificate[field], der));
  if (found !== undefined) return found.ca;
  const expected = caNames.map(({ commonName }) => commonName).join(' or ');
  throw profile(what, `the ${field} should be Intel's with CN=${expected}`);
}

/** CN, O=Intel Corporation, L=Santa Clara, ST=CA, C=US, in this order and these types. */
function intelName(commonName: string): IntelName {
  const attribute = (oid: string, type: number, text: string) =>
    tlv(derTag.set, tlv(derTag.sequence, fromHex(oid, 'oid'), tlv(type, utf8(text))));
  const der = tlv(
    derTag.sequence,
    attribute('0603550403', derTag.utf8String, commonName),
    attribute('060355040a', derTag.utf8String, 'Intel Corporation'),
    attribute('0603550407', derTag.utf8String, 'Santa Clara'),
    attribute('0603550408', derTag.utf8String, 'CA'),
    attribute('0603550406', derTag.printableString, 'US'),
  );
  return { commonName, der };
}

function profile(what: string, problem: string): AttestationError {
  return new AttestationError('certificate-profile', `${what}: ${problem}`);
}
