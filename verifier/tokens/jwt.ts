/** Tokens as JWT: JWS in compact serialisation (RFC 7515, RFC 7519), ES256, payload in canonical JSON. */
import { type Bytes, fromUtf8, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { canonicalJson, object, oneOf, parseJson, text } from '../json.ts';
import {
  type Expected,
  expectCurrent,
  expectLength,
  expectSignature,
  signatureBy,
} from './accept.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { type EarClaims, toEar } from './ear.ts';
import type { Jwks, TokenSigner } from './keys.ts';

/** RFC 9782, without its `application/`: a JWT of another kind by the same key is none of ours. */
const type = 'eat+jwt';

/** No algorithm is the reader's choice, and no key comes with the token: `jwk`, `jku`, `x5c` are unknown members. */
const headerShape = object({
  alg: oneOf('ES256'),
  kid: text(/^[A-Za-z0-9_-]{1,100}$/, 'the key’s thumbprint'),
  typ: oneOf(type),
});

export async function signJwt(claims: EarClaims, signer: TokenSigner): Promise<string> {
  const header = { alg: signer.alg, kid: signer.kid, typ: type };
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${toBase64Url(await signatureBy(signer, utf8(signed)))}`;
}

function encode(part: object): string {
  return toBase64Url(utf8(canonicalJson(part)));
}

/**
 * The claims of a token that one of these keys has signed and that holds now. Nothing in it is believed before.
 * @throws AttestationError `too-large`, `token-malformed`, `base64-malformed`, `utf8-malformed`, `json-malformed`, `json-shape`,
 * `value-out-of-range`, `token-key-unknown`, `token-false`, `token-expired`, `token-nonce`
 */
export async function verifyJwt(token: string, jwks: Jwks, expected: Expected): Promise<EarClaims> {
  expectLength(token.length);
  const [header, payload, signature, ...more] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw new AttestationError('token-malformed', 'a JWT has three parts between full stops');
  const { kid } = headerShape(jsonOf(fromBase64Url(header, 'header'), 'header'), 'header');
  const signed = {
    message: utf8(`${header}.${payload}`),
    signature: fromBase64Url(signature, 'signature'),
    kid,
  };
  await expectSignature(signed, jwks, expected);
  return expectCurrent(toEar(jsonOf(fromBase64Url(payload, 'claims'), 'claims')), expected);
}

function jsonOf(bytes: Bytes, what: string): unknown {
  return parseJson(fromUtf8(bytes, what), what);
}
