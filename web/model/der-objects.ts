/** Certificates and revocation lists from files: PEM or DER, one or several, and what each is, even where it is damaged. */
import { readAkCertificate } from '#verifier/abi/azure-evidence.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { withoutPadding } from '#verifier/chain/tpm-chain.ts';
import {
  type Certificate,
  commonNameOf,
  parseCertificate,
  parseRevocationList,
  sameName,
} from '#verifier/chain/x509.ts';
import { orNull } from './refused-file.ts';

export type GivenCertificate = {
  der: Bytes;
  /** Null for one that cannot be read: its check says why. */
  certificate: Certificate | null;
  isSelfIssued: boolean;
};

export type GivenList = {
  der: Bytes;
  /** Common name; null where it cannot be read. */
  issuer: string | null;
};

const asn1 = { sequence: 0x30, integer: 0x02, objectId: 0x06, enumerated: 0x0a };

/**
 * By the tags that each begins with (RFC 5280, 4.1 and 5.1; RFC 6960, 4.2.1): a response has a status, a list no explicit
 * version, a public key an algorithm. Null for what is not DER.
 */
export function derKindOf(
  bytes: Bytes,
): 'certificates' | 'revocation-lists' | 'ocsp' | 'public-key' | null {
  const outer = contentOf(bytes);
  if (outer === null || bytes.length < 64) return null;
  if (outer[0] === asn1.enumerated) return 'ocsp';
  const inner = contentOf(outer);
  if (inner === null) return null;
  if (inner[0] === asn1.objectId) return 'public-key';
  if (inner[0] !== asn1.integer) return 'certificates';
  // A list's version has one byte: in a certificate without a version a longer serial number stands here.
  return inner[1] === 1 ? 'revocation-lists' : 'certificates';
}

/** What a SEQUENCE of definite length holds; null for anything else. */
function contentOf(bytes: Bytes): Bytes | null {
  const [tag, first = 0] = bytes;
  if (tag !== asn1.sequence) return null;
  if (first < 0x80) return bytes.subarray(2);
  return first >= 0x81 && first <= 0x83 ? bytes.subarray(2 + first - 0x80) : null;
}

/** Null for a file whose objects cannot even be cut apart. */
export function certificatesOf(bytes: Bytes): GivenCertificate[] | null {
  const objects = orNull(() => readDerObjects(bytes, 'CERTIFICATE', 'certificate'));
  // As a TPM's NV index holds it: filled up behind its end.
  const padded = objects ?? orNull(() => [readAkCertificate(bytes)]);
  return padded?.map(givenCertificate) ?? null;
}

function givenCertificate(der: Bytes): GivenCertificate {
  const read = (one: Bytes) => orNull(() => parseCertificate(one, 'certificate'));
  const bare = withoutPadding(der);
  const certificate = read(der) ?? read(bare);
  if (certificate === null) return { der, certificate, isSelfIssued: false };
  const isSelfIssued = sameName(certificate.subject, certificate.issuer);
  return { der: certificate.der, certificate, isSelfIssued };
}

/** Null for a file whose objects cannot even be cut apart. */
export function listsOf(bytes: Bytes): GivenList[] | null {
  const objects = orNull(() => readDerObjects(bytes, 'X509 CRL', 'revocation list'));
  return (
    objects?.map((der) => ({
      der,
      issuer: orNull(() =>
        commonNameOf(parseRevocationList(der, 'revocation list').issuer, 'revocation list'),
      ),
    })) ?? null
  );
}
