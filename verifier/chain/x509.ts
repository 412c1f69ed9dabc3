/**
 * X.509 certificates and CRLs (RFC 5280), read strictly and only in the shapes that the accepted vendors issue. The
 * one place that knows their structure; what a certificate must say to be an ARK, ASK or VEK is in amd.ts, and what to be
 * one of Intel's in intel.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, compareBytes, equalBytes, fromBigEndian, fromUtf8 } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { UnixTime } from '../time.ts';
import {
  algorithmOf,
  type PublicKey,
  readPublicKey,
  readSignature,
  type SignatureAlgorithm,
} from './algorithms.ts';
import { context, DerReader, derTag } from './der.ts';

export { ecdsaSpki, p256Spki, rsaSpki } from '../abi/spki.ts';
export type { PublicKey, SignatureAlgorithm } from './algorithms.ts';

export type Extension = { oid: string; critical: boolean; value: Bytes };

export type Certificate = {
  der: Bytes;
  /** What the issuer signed. */
  tbs: Bytes;
  /** Big-endian without leading zeros; 0 is one zero byte. */
  serial: Bytes;
  signatureAlgorithm: SignatureAlgorithm;
  /** DER of the Name; two names are equal when their bytes are. */
  issuer: Bytes;
  subject: Bytes;
  /** Empty where the subject is. */
  commonName: string;
  notBefore: UnixTime;
  notAfter: UnixTime;
  /** DER of SubjectPublicKeyInfo */
  spki: Bytes;
  publicKey: PublicKey;
  extensions: readonly Extension[];
  /** Of RSA as it stands; of ECDSA r ‖ s, 32 or 48 bytes each, big-endian. */
  signature: Bytes;
};

export type RevocationList = {
  tbs: Bytes;
  signatureAlgorithm: SignatureAlgorithm;
  issuer: Bytes;
  thisUpdate: UnixTime;
  nextUpdate: UnixTime;
  /** Serial numbers as in `Certificate.serial`. */
  revoked: readonly Bytes[];
  /** Extension 2.5.29.20, null where it is left out. */
  crlNumber: bigint | null;
  /** As in `Certificate.signature`. */
  signature: Bytes;
};

const crlNumberOid = '2.5.29.20';

/** Real ones have eleven at most; hostile ones must not cost seconds. */
const maxExtensions = 32;
const maxRevoked = 100_000;

/** What a vendor writes against RFC 5280, and is read for that vendor alone. */
export type Lenience = {
  /** Dates before 2050 as GeneralizedTime too (4.1.2.5 asks for UTCTime). */
  earlyGeneralizedTime?: boolean;
};

/** @throws AttestationError `der-malformed`, `certificate-profile`, `utf8-malformed` */
export function parseCertificate(
  der: Bytes,
  what: string,
  { earlyGeneralizedTime = false }: Lenience = {},
): Certificate {
  const { body, tbs, algorithm, signatureAlgorithm, signature } = openSigned(der, what);
  const versionField = body.enter(context(0), 'version');
  const version = versionField.u8('version');
  versionField.end('the version');
  if (version !== 2) profile(what, `X.509 version 3 expected, got ${version + 1}`);
  const serial = body.unsigned('serial number');
  sameAlgorithm(body, algorithm, what);
  const issuer = body.expect(derTag.sequence, 'issuer').raw;
  const validity = body.enter(derTag.sequence, 'validity');
  const notBefore = validity.time('notBefore', earlyGeneralizedTime);
  const notAfter = validity.time('notAfter', earlyGeneralizedTime);
  validity.end('notAfter');
  const subject = body.expect(derTag.sequence, 'subject').raw;
  const spki = body.expect(derTag.sequence, 'subject public key').raw;
  const extensions = readExtensions(body.enter(context(3), 'extensions'), what);
  body.end('the extensions');
  return {
    der,
    tbs,
    serial,
    signatureAlgorithm,
    issuer,
    subject,
    commonName: isEmptyName(subject) ? '' : commonNameOf(subject, what),
    notBefore,
    notAfter,
    spki,
    publicKey: readPublicKey(spki, what),
    extensions,
    signature,
  };
}

/** @throws AttestationError `der-malformed`, `certificate-profile` */
export function parseRevocationList(der: Bytes, what: string): RevocationList {
  const { body, tbs, algorithm, signatureAlgorithm, signature } = openSigned(der, what);
  const version = body.u8('version');
  if (version !== 1) profile(what, `CRL version 2 expected, got ${version + 1}`);
  sameAlgorithm(body, algorithm, what);
  const issuer = body.expect(derTag.sequence, 'issuer').raw;
  const thisUpdate = body.time('thisUpdate');
  const nextUpdate = body.time('nextUpdate');
  const revoked: Bytes[] = [];
  if (body.peek === derTag.sequence) {
    const list = body.enter(derTag.sequence, 'revoked certificates');
    if (list.done) list.fail('an empty list must be left out');
    while (!list.done) {
      const entry = list.enter(derTag.sequence, 'entry');
      if (revoked.length === maxRevoked)
        profile(what, `more than ${maxRevoked} revoked certificates`);
      revoked.push(entry.unsigned('serial number'));
      entry.time('revocation date');
      // Entry extensions (reason, invalidity date) cannot make a revoked certificate good: critical ones are refused.
      if (!entry.done) noneCritical(readExtensionList(entry, what), what);
      entry.end('entry extensions');
    }
  }
  const extensions = body.done
    ? []
    : readExtensions(body.enter(context(0), 'CRL extensions'), what);
  noneCritical(extensions, what);
  body.end('the CRL extensions');
  return {
    tbs,
    signatureAlgorithm,
    issuer,
    thisUpdate,
    nextUpdate,
    revoked,
    crlNumber: crlNumberOf(extensions, what),
    signature,
  };
}

/**
 * Whether the issuer's key made the signature; false too when its key is of another kind than the algorithm. Names,
 * dates and what the issuer may sign are the caller's to check.
 */
export async function verifySignedBy(
  crypto: CryptoPort,
  { publicKey, spki }: Certificate,
  {
    tbs,
    signature,
    signatureAlgorithm,
  }: Pick<Certificate, 'tbs' | 'signature' | 'signatureAlgorithm'>,
): Promise<boolean> {
  switch (signatureAlgorithm) {
    case 'rsa-pss-sha384':
      return publicKey.kind === 'rsa' && crypto.verifyRsaPssSha384(spki, tbs, signature);
    case 'rsa-pkcs1-sha256':
      return publicKey.kind === 'rsa' && crypto.verifyRsaPkcs1Sha256(spki, tbs, signature);
    case 'rsa-pkcs1-sha384':
      return publicKey.kind === 'rsa' && crypto.verifyRsaPkcs1Sha384(spki, tbs, signature);
    case 'ecdsa-p256-sha256':
      return publicKey.kind === 'p256' && crypto.verifyP256Sha256(spki, tbs, signature);
    case 'ecdsa-p384-sha384':
      return publicKey.kind === 'p384' && crypto.verifyP384Sha384(spki, tbs, signature);
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, 32 bytes: what roots are pinned by. */
export function spkiFingerprint({ spki }: Certificate): Bytes {
  return sha256(spki);
}

export function sameSerial(a: Bytes, b: Bytes): boolean {
  return compareBytes(a, b) === 0;
}

export function sameName(a: Bytes, b: Bytes): boolean {
  return equalBytes(a, b);
}

/** SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING }, the frame of certificates and CRLs. */
function openSigned(der: Bytes, what: string) {
  const file = new DerReader(der, what);
  const outer = file.enter(derTag.sequence, 'outer sequence');
  file.end('the outer sequence');
  const { raw: tbs, content } = outer.expect(derTag.sequence, 'signed part');
  const algorithm = outer.expect(derTag.sequence, 'signature algorithm').raw;
  const written = outer.bitString('signature');
  outer.end('the signature');
  const signatureAlgorithm = algorithmOf(algorithm, what);
  const signature = readSignature(signatureAlgorithm, written, what);
  return { body: new DerReader(content, what), tbs, algorithm, signatureAlgorithm, signature };
}

function sameAlgorithm(body: DerReader, algorithm: Bytes, what: string): void {
  const inner = body.expect(derTag.sequence, 'inner signature algorithm').raw;
  if (!equalBytes(inner, algorithm))
    profile(what, 'the signed and the outer signature algorithm differ');
}

function readExtensions(wrapper: DerReader, what: string): Extension[] {
  const found = readExtensionList(wrapper, what);
  wrapper.end('the extension list');
  return found;
}

function readExtensionList(wrapper: DerReader, what: string): Extension[] {
  const list = wrapper.enter(derTag.sequence, 'extension list');
  if (list.done) list.fail('an extension list must not be empty');
  const found: Extension[] = [];
  while (!list.done) {
    const item = list.enter(derTag.sequence, 'extension');
    const oid = item.oid('extension id');
    const critical = item.peek === derTag.boolean;
    if (critical && !item.boolean('critical')) item.fail('critical FALSE must be left out');
    const value = item.expect(derTag.octetString, `extension ${oid}`).content;
    item.end(`extension ${oid}`);
    if (found.length === maxExtensions) profile(what, `more than ${maxExtensions} extensions`);
    if (found.some((other) => other.oid === oid)) profile(what, `extension ${oid} occurs twice`);
    found.push({ oid, critical, value });
  }
  return found;
}

/** INTEGER of at most 20 octets (RFC 5280, 5.2.3). */
function crlNumberOf(extensions: readonly Extension[], what: string): bigint | null {
  const value = extensions.find(({ oid }) => oid === crlNumberOid)?.value;
  if (value === undefined) return null;
  const reader = new DerReader(value, `${what}, CRL number`);
  const octets = reader.unsigned('the number');
  reader.end('the number');
  if (octets.length > 20) reader.fail('the number has more than 20 bytes');
  return fromBigEndian(octets);
}

function noneCritical(extensions: readonly Extension[], what: string): void {
  const critical = extensions.find((extension) => extension.critical);
  if (critical !== undefined) profile(what, `critical extension ${critical.oid} is not known`);
}

/** RFC 5280, 4.1.2.6: the subject may be empty, and then its alternative names say all. */
function isEmptyName(name: Bytes): boolean {
  return equalBytes(name, Uint8Array.of(derTag.sequence, 0));
}

/** CN occurs once. @param name DER of the Name */
export function commonNameOf(name: Bytes, what: string): string {
  const [commonName, ...others] = attributesOf(name, '2.5.4.3', what);
  if (commonName === undefined || others.length > 0)
    profile(what, 'the name should have exactly one common name');
  return commonName;
}

/** Each RDN holds one attribute. @param name DER of the Name @returns the values of one type, in their order */
export function attributesOf(name: Bytes, type: string, what: string): string[] {
  const reader = new DerReader(name, `${what}, name`).enter(derTag.sequence, 'name');
  const found: string[] = [];
  while (!reader.done) {
    const rdn = reader.enter(derTag.set, 'relative name');
    const attribute = rdn.enter(derTag.sequence, 'attribute');
    rdn.end('the attribute');
    const oid = attribute.oid('attribute type');
    const { content } = attribute.element('attribute value');
    attribute.end('the attribute value');
    if (oid === type)
      found.push(fromUtf8(content, `${what}, ${oid === '2.5.4.3' ? 'common name' : 'name'}`));
  }
  return found;
}

function profile(what: string, problem: string): never {
  throw new AttestationError('certificate-profile', `${what}: ${problem}`);
}
