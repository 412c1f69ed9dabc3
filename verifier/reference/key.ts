/** Keys of builders: P-256 alone, named by SHA-256 of their SubjectPublicKeyInfo. */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, fromHex, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point's coordinates (RFC 5480). */
const spkiStart = fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'SPKI');
const spkiLength = 91;

/**
 * fingerprint = SHA-256(SPKI), hex. A key has one spelling, or one builder would have two fingerprints. A point off the curve is
 * let through: no signature is good under it.
 * @param spki DER, the point uncompressed: 91 bytes
 * @throws AttestationError `signature-malformed` for anything else
 */
export function fingerprintOf(spki: Bytes, what: string): string {
  const start = spki.subarray(0, spkiStart.length);
  if (spki.length !== spkiLength || !equalBytes(start, spkiStart)) {
    throw new AttestationError(
      'signature-malformed',
      `${what}: expected an uncompressed P-256 key of ${spkiLength} bytes (SPKI)`,
    );
  }
  return toHex(sha256(spki));
}
