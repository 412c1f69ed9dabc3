/** The certificate and CRL extensions of the simulated vendors (RFC 5280, sections 4.2 and 5.2). */
import { createHash, type KeyObject } from 'node:crypto';
import { type Bytes, utf8 } from '#verifier/bytes.ts';
import type { Extension } from './certificates.ts';
import * as der from './der.ts';

export const oids = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  crlDistributionPoints: '2.5.29.31',
  authorityKeyIdentifier: '2.5.29.35',
} as const;

/**
 * SHA-1 of the key's bits, without the SubjectPublicKeyInfo around them (section 4.2.1.2, method
 * 1).
 */
export function keyIdentifier(key: KeyObject): Bytes {
  return new Uint8Array(createHash('sha1').update(keyBits(key)).digest());
}

function keyBits(key: KeyObject): Bytes {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'der' });
  // An EC point has no export of its own: it is what SubjectPublicKeyInfo ends with.
  const length = key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 97 : 65;
  return key.export({ type: 'spki', format: 'der' }).subarray(-length);
}

export function subjectKeyIdentifier(key: KeyObject): Extension {
  return extension(oids.subjectKeyIdentifier, false, der.octetString(keyIdentifier(key)));
}

export function authorityKeyIdentifier(key: KeyObject): Extension {
  const value = der.sequence(der.contextPrimitive(0, keyIdentifier(key)));
  return extension(oids.authorityKeyIdentifier, false, value);
}

/** @param pathLength null: no limit */
export function basicConstraints(ca: boolean, pathLength: number | null): Extension {
  const value = der.sequence(
    ...(ca ? [der.derTrue()] : []),
    ...(pathLength === null ? [] : [der.integer(pathLength)]),
  );
  return extension(oids.basicConstraints, true, value);
}

/** The bits by their numbers (section 4.2.1.3); no bit of the second octet. */
export const keyUsageBits = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

/** @param unused bits at the end; DER wants as many as there are, AMD's intermediates say 1 */
export function keyUsage(uses: readonly (keyof typeof keyUsageBits)[], unused?: number): Extension {
  const bits: number[] = uses.map((use) => keyUsageBits[use]);
  const octet = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  const least = bits.length === 0 ? 0 : 7 - Math.max(...bits);
  return extension(oids.keyUsage, true, der.bitString(Uint8Array.of(octet), unused ?? least));
}

export function crlDistributionPoint(url: string): Extension {
  const uri = der.contextPrimitive(6, utf8(url));
  const point = der.sequence(der.context(0, der.context(0, uri)));
  return extension(oids.crlDistributionPoints, false, der.sequence(point));
}

export function crlNumber(value: bigint | number): Extension {
  return extension(oids.crlNumber, false, der.integer(value));
}

export function extension(oid: string, critical: boolean, value: Bytes): Extension {
  return { oid, critical, value };
}
