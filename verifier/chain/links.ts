/** What every chain of certificates is asked, whoever the vendor: one check a question. */
import { type Bytes, equalBytes, toHex } from '../bytes.ts';
import { type Checklist, signatureComparison } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { type Certificate, parseCertificate, spkiFingerprint, verifySignedBy } from './x509.ts';

/** What a certificate says in its role, beside the certificate. */
export type Held<T> = T & { certificate: Certificate };

/** @throws AttestationError what `parseCertificate` and the profile throw */
export function hold<T>(
  id: CheckId,
  der: Bytes,
  as: (certificate: Certificate) => T,
  crypto: CryptoPort,
): Held<T> {
  const make = (bytes: Bytes): Held<T> => {
    const certificate = parseCertificate(bytes, 'certificate');
    return { ...as(certificate), certificate };
  };
  return crypto.remember?.(id, der, make) ?? make(der);
}

/** By certificate as it was read: a port that remembers certificates spares their hash too. */
const fingerprints = new WeakMap<Certificate, Bytes>();

function fingerprintOf(certificate: Certificate): Bytes {
  const known = fingerprints.get(certificate);
  if (known !== undefined) return known;
  const made = spkiFingerprint(certificate);
  fingerprints.set(certificate, made);
  return made;
}

/**
 * The root's key is one of those trusted for its vendor (and product). `name` is what the root calls itself.
 * @returns the root that is trusted, null when it is none
 */
export function checkPin(
  list: Checklist,
  root: { certificate: Certificate } | null,
  { roots, name, lacks }: { roots: readonly TrustedRoot[]; name: string; lacks: string },
): TrustedRoot | null {
  const id = 'chain.root-pinned';
  if (root === null) {
    list.skip(id, lacks);
    return null;
  }
  const fingerprint = fingerprintOf(root.certificate);
  const trusted = roots.find(({ spkiSha256 }) => equalBytes(spkiSha256, fingerprint));
  const whose = roots.some(({ insecure }) => insecure)
    ? 'the root that was handed over'
    : `the vendor's ${name}`;
  const expected = roots.map(({ spkiSha256 }) => toHex(spkiSha256)).join(' or ');
  list.decide(id, trusted !== undefined, {
    expected: roots.length === 0 ? `no root for ${name}` : expected,
    actual: toHex(fingerprint),
    reason: `the chain ends in a root that calls itself ${name} but does not have the key of ${whose}: simulated hardware or a forged chain`,
  });
  return trusted ?? null;
}

export function checkValidity(
  list: Checklist,
  id: CheckId,
  held: { certificate: Certificate } | null,
  lacks: string,
  now: UnixTime,
): void {
  if (held === null) return list.skip(id, lacks);
  const { notBefore, notAfter } = held.certificate;
  list.decide(id, notBefore <= now && now <= notAfter, {
    expected: `${formatTime(notBefore)} to ${formatTime(notAfter)}`,
    actual: formatTime(now),
    reason: now < notBefore ? 'the certificate is not valid yet' : 'the certificate has expired',
  });
}

export async function checkSignature(
  list: Checklist,
  id: CheckId,
  child: { certificate: Certificate } | null,
  issuer: { certificate: Certificate } | null,
  lacks: string,
  crypto: CryptoPort,
): Promise<void> {
  if (child === null || issuer === null) return list.skip(id, lacks);
  const valid = await verifySignedBy(crypto, issuer.certificate, child.certificate);
  const reason = `the signature on ${child.certificate.commonName} is not by the key of ${issuer.certificate.commonName} that was given`;
  list.decide(id, valid, {
    ...signatureComparison(`the key of ${issuer.certificate.commonName}`, valid),
    reason,
  });
}
