/** Keys that sign tokens: P-256 alone, as JWK (RFC 7517), named by their thumbprint (RFC 7638). */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, fromHex, fromUtf8, quote, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { arrayOf, canonicalJson, type Decoded, object, oneOf, parseJson, text } from '../json.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';

/** Before the thumbprint of a key that was made for one run: nobody can have come to trust it before. */
export const ephemeralPrefix = 'ephemeral-';

const coordinate = text(/^[A-Za-z0-9_-]{43}$/, '32 bytes as base64url');

const jwkShape = object({
  kty: oneOf('EC'),
  crv: oneOf('P-256'),
  x: coordinate,
  y: coordinate,
  kid: text(/^[A-Za-z0-9_-]{1,100}$/, 'the key’s thumbprint'),
  alg: oneOf('ES256'),
  use: oneOf('sig'),
});

const jwksShape = object({ keys: arrayOf(jwkShape, { min: 1, max: 100 }) });

/** The public half of a key. */
export type Jwk = Decoded<typeof jwkShape>;
export type Jwks = Decoded<typeof jwksShape>;

/** Where signatures come from: a file, a key service, WebCrypto. */
export type TokenSigner = {
  readonly alg: 'ES256';
  /** `publicJwk.kid` */
  readonly kid: string;
  readonly publicJwk: Jwk;
  /** ECDSA P-256 with SHA-256 over the message. @returns r ‖ s, 32 bytes each, big-endian */
  sign(message: Bytes): Promise<Bytes>;
};

/** RFC 7638: SHA-256 of the required members in their order, as base64url. */
export function thumbprintOf({ crv, kty, x, y }: Pick<Jwk, 'crv' | 'kty' | 'x' | 'y'>): string {
  return toBase64Url(sha256(utf8(canonicalJson({ crv, kty, x, y }))));
}

/** @param point 32 bytes each, big-endian; @param ephemeral the key lives for one run */
export function publicJwkOf(point: { x: Bytes; y: Bytes }, ephemeral = false): Jwk {
  if (point.x.length !== 32 || point.y.length !== 32)
    throw new RangeError('a P-256 coordinate has 32 bytes');
  const key = {
    kty: 'EC',
    crv: 'P-256',
    x: toBase64Url(point.x),
    y: toBase64Url(point.y),
  } as const;
  const kid = `${ephemeral ? ephemeralPrefix : ''}${thumbprintOf(key)}`;
  return { ...key, kid, alg: 'ES256', use: 'sig' };
}

/** What a verifier publishes: the public halves of its keys. */
export function jwksOf(keys: readonly Pick<TokenSigner, 'publicJwk'>[]): Jwks {
  return { keys: keys.map(({ publicJwk }) => publicJwk) };
}

/**
 * A JWKS of such keys and nothing else: one with a private half (`d`) is refused like every unknown member.
 * @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape`, `base64-malformed`, `value-out-of-range`
 */
export function parseJwks(bytes: Bytes): Jwks {
  const jwks = jwksShape(parseJson(fromUtf8(bytes, 'JWKS'), 'JWKS'), 'JWKS');
  for (const key of jwks.keys) {
    for (const part of [key.x, key.y]) fromBase64Url(part, 'JWKS: a coordinate');
    const thumbprint = thumbprintOf(key);
    if (key.kid !== thumbprint && key.kid !== `${ephemeralPrefix}${thumbprint}`) {
      throw new AttestationError(
        'value-out-of-range',
        `JWKS: kid ${quote(key.kid)} is not the thumbprint of its key, ${thumbprint}`,
      );
    }
  }
  if (new Set(jwks.keys.map(({ kid }) => kid)).size !== jwks.keys.length)
    throw new AttestationError('value-out-of-range', 'JWKS: a key occurs twice');
  return jwks;
}

/** @throws AttestationError `token-key-unknown` */
export function keyOf({ keys }: Jwks, kid: string): Jwk {
  const found = keys.find((key) => key.kid === kid);
  if (found === undefined) {
    throw new AttestationError(
      'token-key-unknown',
      `the token is signed by key ${quote(kid)}, which is not in the JWKS`,
    );
  }
  return found;
}

/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480). */
const spkiStart = fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'SPKI');

/** DER for a CryptoPort. @throws AttestationError `base64-malformed` */
export function spkiOf({ x, y }: Jwk): Bytes {
  return concat(spkiStart, fromBase64Url(x, 'JWK: x'), fromBase64Url(y, 'JWK: y'));
}
