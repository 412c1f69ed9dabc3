/**
 * X.509 certificates and CRLs (RFC 5280), read strictly and only in the shapes that the accepted vendors issue. The
 * one place that knows their structure; what a certificate must say to be an ARK, ASK or VEK is in amd.ts.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, compareBytes, equalBytes, fromHex, fromUtf8, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { UnixTime } from '../time.ts';
import { context, DerReader, derTag } from './der.ts';

export type SignatureAlgorithm = 'rsa-pss-sha384';
export type PublicKey =
  /** `modulus` big-endian without leading zeros */
  | { kind: 'rsa'; modulus: Bytes; exponent: number }
  /** `point` = x ‖ y, 48 bytes each */
  | { kind: 'p384'; point: Bytes };

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
  commonName: string;
  notBefore: UnixTime;
  notAfter: UnixTime;
  /** DER of SubjectPublicKeyInfo */
  spki: Bytes;
  publicKey: PublicKey;
  extensions: readonly Extension[];
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
  signature: Bytes;
};

// AlgorithmIdentifier of RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48 (RFC 4055). AMD writes the trailer field, a
// DEFAULT that DER leaves out, in its older certificates: these two encodings are all that is accepted.
const pssParameters =
  'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130';
const rsaPssSha384 = [
  fromHex(`304106092a864886f70d01010a3034${pssParameters}`, 'RSASSA-PSS'),
  fromHex(`304606092a864886f70d01010a3039${pssParameters}a303020101`, 'RSASSA-PSS'),
];
const rsaEncryption = fromHex('300d06092a864886f70d0101010500', 'rsaEncryption');
const ecP384 = fromHex('301006072a8648ce3d020106052b81040022', 'id-ecPublicKey secp384r1');

/** Real ones have eleven at most; hostile ones must not cost seconds. */
const maxExtensions = 32;
const maxRevoked = 100_000;

/** @throws AttestationError `der-malformed`, `certificate-profile`, `utf8-malformed` */
export function parseCertificate(der: Bytes, what: string): Certificate {
  const { body, tbs, signatureAlgorithm, signature } = openSigned(der, what);
  const versionField = body.enter(context(0), 'version');
  const version = versionField.u8('version');
  versionField.end('the version');
  if (version !== 2) profile(what, `X.509 version 3 expected, got ${version + 1}`);
  const serial = body.unsigned('serial number');
  sameAlgorithm(body, signatureAlgorithm, what);
  const issuer = body.expect(derTag.sequence, 'issuer').raw;
  const validity = body.enter(derTag.sequence, 'validity');
  const notBefore = validity.time('notBefore');
  const notAfter = validity.time('notAfter');
  validity.end('notAfter');
  const subject = body.expect(derTag.sequence, 'subject').raw;
  const spki = body.expect(derTag.sequence, 'subject public key').raw;
  const extensions = readExtensions(body.enter(context(3), 'extensions'), what);
  body.end('the extensions');
  return {
    der,
    tbs,
    serial,
    signatureAlgorithm: 'rsa-pss-sha384',
    issuer,
    subject,
    commonName: commonNameOf(subject, what),
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
  const { body, tbs, signatureAlgorithm, signature } = openSigned(der, what);
  const version = body.u8('version');
  if (version !== 1) profile(what, `CRL version 2 expected, got ${version + 1}`);
  sameAlgorithm(body, signatureAlgorithm, what);
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
  if (!body.done)
    noneCritical(readExtensions(body.enter(context(0), 'CRL extensions'), what), what);
  body.end('the CRL extensions');
  return {
    tbs,
    signatureAlgorithm: 'rsa-pss-sha384',
    issuer,
    thisUpdate,
    nextUpdate,
    revoked,
    signature,
  };
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
  const signatureAlgorithm = outer.expect(derTag.sequence, 'signature algorithm').raw;
  const signature = outer.bitString('signature');
  outer.end('the signature');
  if (!rsaPssSha384.some((known) => equalBytes(known, signatureAlgorithm))) {
    profile(
      what,
      'signature algorithm should be RSASSA-PSS with SHA-384, MGF1-SHA-384 and salt 48',
    );
  }
  return { body: new DerReader(content, what), tbs, signatureAlgorithm, signature };
}

function sameAlgorithm(body: DerReader, signatureAlgorithm: Bytes, what: string): void {
  const inner = body.expect(derTag.sequence, 'inner signature algorithm').raw;
  if (!equalBytes(inner, signatureAlgorithm))
    profile(what, 'the signed and the outer signature algorithm differ');
}

function readPublicKey(spki: Bytes, what: string): PublicKey {
  const reader = new DerReader(spki, `${what}, public key`).enter(
    derTag.sequence,
    'SubjectPublicKeyInfo',
  );
  const algorithm = reader.expect(derTag.sequence, 'algorithm').raw;
  const key = reader.bitString('key');
  reader.end('the key');
  if (equalBytes(algorithm, ecP384)) {
    if (key.length !== 97 || key[0] !== 4)
      profile(what, 'the P-384 key should be an uncompressed point of 97 bytes');
    return { kind: 'p384', point: key.subarray(1) };
  }
  if (!equalBytes(algorithm, rsaEncryption))
    profile(what, 'the public key is neither RSA nor P-384');
  const outer = new DerReader(key, `${what}, RSA key`);
  const fields = outer.enter(derTag.sequence, 'RSAPublicKey');
  outer.end('RSAPublicKey');
  const modulus = fields.unsigned('modulus');
  const exponent = fields.unsigned('exponent');
  fields.end('the exponent');
  if (exponent.length > 4) profile(what, 'the RSA exponent is over 32 bits');
  return { kind: 'rsa', modulus, exponent: Number.parseInt(toHex(exponent), 16) };
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

function noneCritical(extensions: readonly Extension[], what: string): void {
  const critical = extensions.find((extension) => extension.critical);
  if (critical !== undefined) profile(what, `critical extension ${critical.oid} is not known`);
}

/** Each RDN holds one attribute; CN occurs once. @param name DER of the Name */
export function commonNameOf(name: Bytes, what: string): string {
  const reader = new DerReader(name, `${what}, name`).enter(derTag.sequence, 'name');
  const found: string[] = [];
  while (!reader.done) {
    const rdn = reader.enter(derTag.set, 'relative name');
    const attribute = rdn.enter(derTag.sequence, 'attribute');
    rdn.end('the attribute');
    const oid = attribute.oid('attribute type');
    const { content } = attribute.element('attribute value');
    attribute.end('the attribute value');
    if (oid === '2.5.4.3') found.push(fromUtf8(content, `${what}, common name`));
  }
  const [commonName, ...others] = found;
  if (commonName === undefined || others.length > 0)
    profile(what, 'the name should have exactly one common name');
  return commonName;
}

function profile(what: string, problem: string): never {
  throw new AttestationError('certificate-profile', `${what}: ${problem}`);
}
