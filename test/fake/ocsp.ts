/** OCSP responses of a simulated authority (RFC 6960, 4.2.1), each written from a plan that a test may change in any field. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { Bytes } from '#verifier/bytes.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { UnixTime } from '#verifier/time.ts';
import {
  type Certificate,
  type CertificatePlan,
  issueCertificate,
  unedited,
} from './certificates.ts';
import * as der from './der.ts';
import { extension, keyUsage } from './extensions.ts';
import type { KeyPair } from './keys.ts';
import { generalizedTime } from './nvidia-rim.ts';

export type OcspHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';
const hashOids: Record<OcspHash, string> = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};

export type AnswerPlan = {
  /** What is asked about, and who issued it. */
  certificate: Certificate;
  issuer: Certificate;
  hash: OcspHash;
  /** Whether the hash's AlgorithmIdentifier has NULL for parameters, or none. */
  parameters: boolean;
  status: 'good' | 'unknown' | { revokedAt: UnixTime; reason?: number };
  thisUpdate: UnixTime;
  nextUpdate: UnixTime | null;
};

export type OcspPlan = {
  answers: readonly AnswerPlan[];
  signer: KeyObject;
  /** Whose name, or key's SHA-1, is that of the responder. */
  responder: Certificate;
  byKey: boolean;
  certificates: readonly Bytes[];
  nonce: Bytes | null;
  /** Applied to ResponseData before it is signed. */
  edit: (toBeSigned: Bytes) => Bytes;
};

const day = 24 * 60 * 60;

/** An answer of the issuer itself, good and current at `now`. */
export function answerPlan(
  certificate: Certificate,
  issuer: Certificate,
  now: UnixTime,
  change: Partial<AnswerPlan> = {},
): AnswerPlan {
  return {
    certificate,
    issuer,
    hash: 'sha384',
    parameters: true,
    status: 'good',
    thisUpdate: now - 3600,
    nextUpdate: now + day,
    ...change,
  };
}

/** Signed by the issuer of what the first answer is about. */
export function ocspPlan(
  answers: readonly AnswerPlan[],
  issuerKey: KeyPair,
  change: Partial<OcspPlan> = {},
): OcspPlan {
  return {
    answers,
    signer: issuerKey.privateKey,
    responder: (answers[0] as AnswerPlan).issuer,
    byKey: false,
    certificates: [],
    nonce: null,
    edit: (bytes) => bytes,
    ...change,
  };
}

export function issueOcsp(plan: OcspPlan): Bytes {
  const { answers, signer, responder, byKey, certificates, nonce, edit } = plan;
  const [first] = answers as [AnswerPlan];
  const id = byKey
    ? der.context(2, der.octetString(hashOf('sha1', keyBits(responder))))
    : der.context(1, subjectOf(responder));
  const nonceExtension = () =>
    der.sequence(
      der.objectIdentifier('1.3.6.1.5.5.7.48.1.2'),
      der.octetString(der.octetString(nonce as Bytes)),
    );
  const toBeSigned = edit(
    der.sequence(
      id,
      generalizedTime(first.thisUpdate),
      der.sequence(...answers.map(encodeAnswer)),
      ...(nonce === null ? [] : [der.context(1, der.sequence(nonceExtension()))]),
    ),
  );
  const basic = der.sequence(
    toBeSigned,
    der.sequence(der.objectIdentifier('1.2.840.10045.4.3.3')),
    der.bitString(new Uint8Array(sign('sha384', toBeSigned, signer))),
    ...(certificates.length === 0 ? [] : [der.context(0, der.sequence(...certificates))]),
  );
  const typed = der.sequence(der.objectIdentifier('1.3.6.1.5.5.7.48.1.1'), der.octetString(basic));
  return der.sequence(der.enumerated(0), der.context(0, typed));
}

/** `tryLater` and its like: nobody signs them. @param status OCSPResponseStatus, 1 to 6 */
export function ocspError(status: number): Bytes {
  return der.sequence(der.enumerated(status));
}

function encodeAnswer(plan: AnswerPlan): Bytes {
  const { certificate, issuer, hash, parameters, status, thisUpdate, nextUpdate } = plan;
  const algorithm = der.sequence(
    der.objectIdentifier(hashOids[hash]),
    ...(parameters ? [der.derNull()] : []),
  );
  const id = der.sequence(
    algorithm,
    der.octetString(hashOf(hash, subjectOf(issuer))),
    der.octetString(hashOf(hash, keyBits(issuer))),
    der.integer(certificate.plan.serial),
  );
  return der.sequence(
    id,
    encodeStatus(status),
    generalizedTime(thisUpdate),
    ...(nextUpdate === null ? [] : [der.context(0, generalizedTime(nextUpdate))]),
  );
}

function encodeStatus(status: AnswerPlan['status']): Bytes {
  if (status === 'good') return der.contextPrimitive(0, new Uint8Array());
  if (status === 'unknown') return der.contextPrimitive(2, new Uint8Array());
  const { revokedAt, reason } = status;
  const why = reason === undefined ? [] : [der.context(0, der.enumerated(reason))];
  return der.context(1, generalizedTime(revokedAt), ...why);
}

function hashOf(hash: OcspHash, bytes: Bytes): Bytes {
  return new Uint8Array(createHash(hash).update(bytes).digest());
}

/** The point, as the BIT STRING of a P-384 SubjectPublicKeyInfo ends. */
function keyBits({ plan }: Certificate): Bytes {
  return new Uint8Array(plan.publicKey.export({ type: 'spki', format: 'der' }).subarray(-97));
}

function subjectOf({ der: bytes }: Certificate): Bytes {
  return parseCertificate(bytes, 'issuer', { earlyGeneralizedTime: true }).subject;
}

/** A certificate of the issuer for who answers in its place. */
export function issueDelegate(
  issuer: Certificate,
  issuerKey: KeyPair,
  delegateKey: KeyPair,
  now: UnixTime,
  change: Partial<CertificatePlan> = {},
): Certificate {
  const uses = der.sequence(der.objectIdentifier('1.3.6.1.5.5.7.3.9'));
  return issueCertificate({
    ...unedited,
    algorithm: { name: 'ecdsa', hash: 'sha384' },
    signer: issuerKey.privateKey,
    version: 3,
    serial: 77n,
    issuer: issuer.plan.subject,
    subject: [{ type: 'CN', value: 'NVIDIA OCSP Responder', string: 'utf8' }],
    notBefore: now - day,
    notAfter: now + 7 * day,
    publicKey: delegateKey.publicKey,
    extensions: [keyUsage(['digitalSignature']), extension('2.5.29.37', false, uses)],
    ...change,
  });
}
