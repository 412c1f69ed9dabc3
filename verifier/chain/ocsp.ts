/** OCSP responses (RFC 6960), read strictly in DER, and who may sign them. */
import { hashOf, type TpmHash } from '../abi/tpm/hash.ts';
import { type Bytes, equalBytes } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { UnixTime } from '../time.ts';
import { algorithmOf, readSignature, type SignatureAlgorithm } from './algorithms.ts';
import { context, DerReader, derTag } from './der.ts';
import {
  type Certificate,
  parseCertificate,
  sameName,
  sameSerial,
  verifySignedBy,
} from './x509.ts';

export type OcspStatus =
  | { kind: 'good' | 'unknown' }
  /** `reason`: CRLReason (RFC 5280, 5.3.1), null when it is not said; 6 is certificateHold. */
  | { kind: 'revoked'; at: UnixTime; reason: number | null };

/** certID (4.1.1): names a certificate by the hashes of its issuer's name and key. */
type CertificateId = { hash: TpmHash; issuerName: Bytes; issuerKey: Bytes; serial: Bytes };

export type OcspAnswer = {
  id: CertificateId;
  status: OcspStatus;
  thisUpdate: UnixTime;
  /** null: newer information may be had at any time. */
  nextUpdate: UnixTime | null;
};

export type OcspResponse = {
  tbs: Bytes;
  signatureAlgorithm: SignatureAlgorithm;
  signature: Bytes;
  responder: { kind: 'name'; name: Bytes } | { kind: 'key'; sha1: Bytes };
  producedAt: UnixTime;
  answers: readonly OcspAnswer[];
  certificates: readonly Certificate[];
};

const oids = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  extendedKeyUsage: '2.5.29.37',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

const hashes: Readonly<Record<string, TpmHash>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
};

/** 64 KiB; NVIDIA's have some 1 KB. */
export const maxOcspLength = 64 * 1024;
const maxAnswers = 64;
const maxCertificates = 4;
const maxReason = 10;

/**
 * @returns null for a responder's error (responseStatus other than successful): nobody signs it, and it says nothing
 * @throws AttestationError `too-large`, `der-malformed`, `certificate-profile`, `utf8-malformed`
 */
export function parseOcsp(der: Bytes, what: string): OcspResponse | null {
  if (der.length > maxOcspLength)
    throw new AttestationError('too-large', `${what} has ${der.length} bytes`);
  const file = new DerReader(der, what);
  const outer = file.enter(derTag.sequence, 'OCSPResponse');
  file.end('OCSPResponse');
  const { content } = outer.expect(derTag.enumerated, 'responseStatus');
  const status = content.length === 1 ? (content[0] as number) : 0xff;
  // 4 is not used (4.2.1).
  if (status > 6 || status === 4) outer.fail('responseStatus is none of RFC 6960');
  if (status !== 0) {
    outer.end('the status of an error');
    return null;
  }
  const wrapper = outer.enter(context(0), 'responseBytes');
  outer.end('responseBytes');
  const typed = wrapper.enter(derTag.sequence, 'ResponseBytes');
  wrapper.end('ResponseBytes');
  if (typed.oid('responseType') !== oids.basicResponse) typed.fail('it is no basic response');
  const basic = typed.expect(derTag.octetString, 'response').content;
  typed.end('the response');
  return readBasic(basic, what);
}

function readBasic(der: Bytes, what: string): OcspResponse {
  const file = new DerReader(der, what);
  const outer = file.enter(derTag.sequence, 'BasicOCSPResponse');
  file.end('BasicOCSPResponse');
  const { raw: tbs, content } = outer.expect(derTag.sequence, 'tbsResponseData');
  const signatureAlgorithm = algorithmOf(
    outer.expect(derTag.sequence, 'signature algorithm').raw,
    what,
  );
  const signature = readSignature(signatureAlgorithm, outer.bitString('signature'), what);
  const certificates = readCertificates(outer, what);
  outer.end('the certificates');
  const body = new DerReader(content, what);
  if (body.peek === context(0)) body.fail('version should be left out: it is 1');
  const responder = readResponder(body);
  const producedAt = generalizedTime(body, 'producedAt');
  const list = body.enter(derTag.sequence, 'responses');
  const answers: OcspAnswer[] = [];
  while (!list.done) {
    if (answers.length === maxAnswers) list.fail(`more than ${maxAnswers} answers`);
    answers.push(readAnswer(list.enter(derTag.sequence, 'SingleResponse')));
  }
  // The nonce may be asked for as critical; whoever replays an answer to another verifier does no more than its dates allow.
  if (body.peek === context(1)) readExtensions(body, [oids.nonce]);
  body.end('the extensions');
  return { tbs, signatureAlgorithm, signature, responder, producedAt, answers, certificates };
}

function readCertificates(outer: DerReader, what: string): Certificate[] {
  if (outer.peek !== context(0)) return [];
  const wrapper = outer.enter(context(0), 'certs');
  const list = wrapper.enter(derTag.sequence, 'list of certificates');
  wrapper.end('the list of certificates');
  const found: Certificate[] = [];
  while (!list.done) {
    if (found.length === maxCertificates) list.fail(`more than ${maxCertificates} certificates`);
    const der = list.expect(derTag.sequence, 'certificate').raw;
    found.push(parseCertificate(der, `${what}, certificate`, { earlyGeneralizedTime: true }));
  }
  return found;
}

function readResponder(body: DerReader): OcspResponse['responder'] {
  const byName = body.peek === context(1);
  const wrapper = body.enter(context(byName ? 1 : 2), 'responderID');
  const responder = byName
    ? ({ kind: 'name', name: wrapper.expect(derTag.sequence, 'name').raw } as const)
    : ({ kind: 'key', sha1: wrapper.octets('key hash', 20) } as const);
  wrapper.end('the responder');
  return responder;
}

function readAnswer(answer: DerReader): OcspAnswer {
  const id = readCertificateId(answer.enter(derTag.sequence, 'certID'));
  const status = readStatus(answer);
  const thisUpdate = generalizedTime(answer, 'thisUpdate');
  let nextUpdate: UnixTime | null = null;
  if (answer.peek === context(0)) {
    const wrapper = answer.enter(context(0), 'nextUpdate');
    nextUpdate = generalizedTime(wrapper, 'nextUpdate');
    wrapper.end('nextUpdate');
  }
  if (answer.peek === context(1)) readExtensions(answer, []);
  answer.end('the extensions of an answer');
  return { id, status, thisUpdate, nextUpdate };
}

function readCertificateId(reader: DerReader): CertificateId {
  const algorithm = reader.enter(derTag.sequence, 'hash algorithm');
  const hash = hashes[algorithm.oid('hash')] ?? algorithm.fail('the hash is not known');
  // Parameters are NULL or left out: both are in use (RFC 5754, 2).
  if (!algorithm.done && algorithm.expect(derTag.null, 'parameters').content.length > 0)
    algorithm.fail('NULL has a content');
  algorithm.end('the hash');
  const { length } = hashOf(hash, new Uint8Array());
  const issuerName = reader.octets('issuerNameHash', length);
  const issuerKey = reader.octets('issuerKeyHash', length);
  const serial = reader.unsigned('serial number');
  reader.end('the serial number');
  return { hash, issuerName, issuerKey, serial };
}

/** good [0] and unknown [2] IMPLICIT NULL, revoked [1] IMPLICIT SEQUENCE */
function readStatus(answer: DerReader): OcspStatus {
  if (answer.peek !== context(1)) {
    const { tag, content } = answer.element('certStatus');
    if ((tag !== 0x80 && tag !== 0x82) || content.length > 0)
      answer.fail('certStatus is none of RFC 6960');
    return { kind: tag === 0x80 ? 'good' : 'unknown' };
  }
  const revoked = answer.enter(context(1), 'revoked');
  const at = generalizedTime(revoked, 'revocationTime');
  let reason: number | null = null;
  if (revoked.peek === context(0)) {
    const wrapper = revoked.enter(context(0), 'revocationReason');
    const { content } = wrapper.expect(derTag.enumerated, 'reason');
    wrapper.end('the reason');
    reason = content.length === 1 ? (content[0] as number) : 0xff;
    if (reason > maxReason || reason === 7) wrapper.fail('the reason is none of RFC 5280');
  }
  revoked.end('the reason');
  return { kind: 'revoked', at, reason };
}

/** All of RFC 6960 are GeneralizedTime, of whatever year. */
function generalizedTime(reader: DerReader, field: string): UnixTime {
  if (reader.peek !== derTag.generalizedTime) reader.fail(`${field} should be a GeneralizedTime`);
  return reader.time(field, true);
}

/** [1] EXPLICIT Extensions: none of them is used, none that is critical may be unknown. */
function readExtensions(outer: DerReader, known: readonly string[]): void {
  const wrapper = outer.enter(context(1), 'extensions');
  const list = wrapper.enter(derTag.sequence, 'extension list');
  wrapper.end('the extension list');
  while (!list.done) {
    const item = list.enter(derTag.sequence, 'extension');
    const oid = item.oid('extension id');
    const critical = item.peek === derTag.boolean && item.boolean('critical');
    if (critical && !known.includes(oid)) item.fail(`critical extension ${oid} is not known`);
    item.expect(derTag.octetString, 'extension value');
    item.end('the extension');
  }
}

/** Whether the answer is about this certificate of this issuer. */
export function isAbout(
  { id }: OcspAnswer,
  certificate: Certificate,
  issuer: Certificate,
): boolean {
  return (
    sameSerial(id.serial, certificate.serial) &&
    sameName(certificate.issuer, issuer.subject) &&
    equalBytes(id.issuerName, hashOf(id.hash, issuer.subject)) &&
    equalBytes(id.issuerKey, hashOf(id.hash, keyBits(issuer)))
  );
}

/** The BIT STRING of SubjectPublicKeyInfo, without its tag, length and count of unused bits (4.1.1). */
function keyBits({ spki, commonName }: Certificate): Bytes {
  const reader = new DerReader(spki, commonName).enter(derTag.sequence, 'SubjectPublicKeyInfo');
  reader.expect(derTag.sequence, 'algorithm');
  return reader.bitString('key');
}

/**
 * Whether the issuer signed the response, or a delegate that it certified for that (4.2.2.2).
 * @returns what is wrong, null when nothing is
 */
export async function responderFault(
  response: OcspResponse,
  issuer: Certificate,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<string | null> {
  const signers = [issuer, ...response.certificates].filter((one) => isNamed(response, one));
  const [signer] = signers;
  if (signer === undefined)
    return `it is signed by neither ${issuer.commonName} nor a certificate that it holds`;
  for (const one of signers) {
    if (!(await verifySignedBy(crypto, one, response))) continue;
    return one === issuer ? null : delegateFault(one, issuer, now, crypto);
  }
  return `the signature is not by the key of ${signer.commonName}`;
}

function isNamed({ responder }: OcspResponse, certificate: Certificate): boolean {
  return responder.kind === 'name'
    ? sameName(responder.name, certificate.subject)
    : equalBytes(responder.sha1, hashOf('sha1', keyBits(certificate)));
}

/**
 * A delegate's own revocation is not asked for: it is the issuer's to certify it for a short time only, or to say that it need
 * not be (4.2.2.2.1).
 */
async function delegateFault(
  delegate: Certificate,
  issuer: Certificate,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<string | null> {
  const { commonName, notBefore, notAfter, extensions } = delegate;
  const known: readonly string[] = [oids.extendedKeyUsage, oids.keyUsage, oids.basicConstraints];
  const stranger = extensions.find(({ oid, critical }) => critical && !known.includes(oid));
  if (stranger !== undefined)
    return `${commonName} has the unknown critical extension ${stranger.oid}`;
  if (!mayAnswer(delegate)) return `${commonName} is not certified to answer (id-kp-OCSPSigning)`;
  if (!sameName(delegate.issuer, issuer.subject))
    return `${commonName} is not issued by ${issuer.commonName}`;
  if (!(await verifySignedBy(crypto, issuer, delegate)))
    return `the signature on ${commonName} is not by the key of ${issuer.commonName}`;
  return notBefore <= now && now <= notAfter ? null : `${commonName} is not valid at this time`;
}

function mayAnswer({ extensions, commonName }: Certificate): boolean {
  const value = extensions.find(({ oid }) => oid === oids.extendedKeyUsage)?.value;
  if (value === undefined) return false;
  try {
    const list = new DerReader(value, commonName).enter(derTag.sequence, 'extended key usage');
    const uses: string[] = [];
    while (!list.done) uses.push(list.oid('use'));
    return uses.includes(oids.ocspSigning);
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}
