/** base64url without padding, as JWS and JWK write bytes (RFC 7515, 2). */
import { type Bytes, fromBase64, toBase64 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export function toBase64Url(bytes: Bytes): string {
  return toBase64(bytes).replace(/[+/=]/g, (sign) => ({ '+': '-', '/': '_' })[sign] ?? '');
}

/** In its one canonical form. @throws AttestationError `base64-malformed` */
export function fromBase64Url(text: string, what: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new AttestationError('base64-malformed', `${what}: expected base64url without padding`);
  }
  const standard = text.replace(/-/g, '+').replace(/_/g, '/');
  return fromBase64(standard.padEnd(4 * Math.ceil(text.length / 4), '='), what);
}
