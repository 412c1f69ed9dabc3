/** Which certificates a file holds is seen from the bytes, not from the option it was given with. */
import { readDerObjects } from '#verifier/abi/pem.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { parseCertificate, sameName } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral } from '#verifier/evidence.ts';

/** @param fallback the role of a certificate that cannot be read, so that its check can say why */
export function readCertificates(
  bytes: Bytes,
  what: string,
  fallback: 'vek' | 'ask',
): Collateral[] {
  return readDerObjects(bytes, 'CERTIFICATE', what).map((data) => ({
    kind: roleOf(data) ?? fallback,
    data,
  }));
}

export function readLists(
  bytes: Bytes,
  kind: 'ark-crl' | 'pck-crl' | 'intel-root-crl',
): Collateral[] {
  return readDerObjects(bytes, 'X509 CRL', 'revocation list').map((data) => ({ kind, data }));
}

/** The signer of one of Intel's documents, and the root above it. */
export function readSigningChain(
  bytes: Bytes,
  kind: 'tcb-signing' | 'qe-identity-signing',
): Collateral[] {
  return readDerObjects(bytes, 'CERTIFICATE', 'signing chain').map((data) => ({
    kind: isSelfIssued(data) ? 'intel-root' : kind,
    data,
  }));
}

function roleOf(der: Bytes): 'vek' | 'ask' | 'ark' | null {
  try {
    const { subject, issuer, commonName } = parseCertificate(der, 'certificate');
    if (sameName(subject, issuer)) return 'ark';
    return commonName === 'SEV-VCEK' || commonName === 'SEV-VLEK' ? 'vek' : 'ask';
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function isSelfIssued(der: Bytes): boolean {
  try {
    const { subject, issuer } = parseCertificate(der, 'certificate');
    return sameName(subject, issuer);
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}
