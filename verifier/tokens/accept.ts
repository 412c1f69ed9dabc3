/** What JWT and CWT have in common: whose signature it must be, and when and for whom a token holds. */
import { type Bytes, equalBytes } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { fromBase64Url } from './base64url.ts';
import { type EarClaims, maxRawEvidenceLength } from './ear.ts';
import { type Jwks, keyOf, spkiOf, type TokenSigner } from './keys.ts';

/** What the reader of a token asks of it; all of it is to be said. */
export type Expected = {
  now: UnixTime;
  /** That he drew and sent to the verifier; `any` for a token that nobody asked for. */
  nonce: Bytes | 'any';
  crypto: CryptoPort;
};

/** Raw evidence as base64 in base64, and room for the rest. */
export const maxTokenLength = 2 * maxRawEvidenceLength;

/** r ‖ s, of P-256 */
export const signatureLength = 64;

/** Clocks differ: a token may be from this much later. */
const clockSkew = 60;

export async function signatureBy(signer: TokenSigner, message: Bytes): Promise<Bytes> {
  const signature = await signer.sign(message);
  if (signature.length !== signatureLength)
    throw new RangeError(`the signer gave ${signature.length} bytes, not r and s of 32 each`);
  return signature;
}

/** @throws AttestationError `token-key-unknown`, `token-false`, `base64-malformed` */
export async function expectSignature(
  { message, signature, kid }: { message: Bytes; signature: Bytes; kid: string },
  jwks: Jwks,
  { crypto }: Expected,
): Promise<void> {
  const key = keyOf(jwks, kid);
  const isTrue =
    signature.length === signatureLength &&
    (await crypto.verifyP256Sha256(spkiOf(key), message, signature));
  if (!isTrue)
    throw new AttestationError('token-false', `the token is not signed by key ${kid}, or altered`);
}

/** @throws AttestationError `token-expired`, `token-nonce` */
export function expectCurrent(claims: EarClaims, { now, nonce }: Expected): EarClaims {
  const { iat, exp, eat_nonce: answered } = claims;
  if (iat > now + clockSkew) {
    throw new AttestationError(
      'token-expired',
      `the token is of ${formatTime(iat)}, later than ${formatTime(now)}`,
    );
  }
  if (exp !== undefined && now >= exp)
    throw new AttestationError('token-expired', `the token has expired at ${formatTime(exp)}`);
  if (nonce === 'any') return claims;
  if (answered === undefined || !equalBytes(fromBase64Url(answered, 'eat_nonce'), nonce)) {
    const shown = answered === undefined ? 'no nonce' : 'another nonce';
    throw new AttestationError('token-nonce', `the token answers ${shown}`);
  }
  return claims;
}

/** @throws AttestationError `too-large` */
export function expectLength(length: number): void {
  if (length > maxTokenLength) {
    throw new AttestationError(
      'too-large',
      `the token has ${length} bytes, at most ${maxTokenLength} are read`,
    );
  }
}
