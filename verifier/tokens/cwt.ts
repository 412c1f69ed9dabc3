/** Tokens as CWT: COSE_Sign1 (RFC 9052, RFC 8392), ES256, all of it in deterministic CBOR. */
import { type CborMap, type CborValue, encodeCbor, parseCbor } from '../abi/cbor.ts';
import { type Bytes, concat, fromUtf8, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  type Expected,
  expectCurrent,
  expectLength,
  expectSignature,
  signatureBy,
} from './accept.ts';
import type { EarClaims } from './ear.ts';
import { earFromCbor, earToCbor } from './ear-cbor.ts';
import type { Jwks, TokenSigner } from './keys.ts';

/** COSE_Sign1_Tagged */
const coseSign1 = 18;
/** Labels of the protected header, and the number of ES256. */
const labels = { alg: 1, kid: 4 } as const;
const es256 = -7;

export async function signCwt(claims: EarClaims, signer: TokenSigner): Promise<Bytes> {
  const header: CborMap = new Map<number, CborValue>([
    [labels.alg, es256],
    [labels.kid, utf8(signer.kid)],
  ]);
  const protectedHeader = encodeCbor(header);
  const payload = encodeCbor(earToCbor(claims));
  const signature = await signatureBy(signer, signedMessageOf(protectedHeader, payload));
  return encodeCbor({ tag: coseSign1, value: [protectedHeader, new Map(), payload, signature] });
}

/** What is signed: Sig_structure (RFC 9052, 4.4), without external data. @param protectedHeader encoded */
export function signedMessageOf(protectedHeader: Bytes, payload: Bytes): Bytes {
  return encodeCbor(['Signature1', protectedHeader, new Uint8Array(), payload]);
}

/**
 * As `verifyJwt`.
 * @throws AttestationError `cbor-malformed`, `length-wrong`, and as `verifyJwt`
 */
export async function verifyCwt(token: Bytes, jwks: Jwks, expected: Expected): Promise<EarClaims> {
  expectLength(token.length);
  // A copy: a caller who reuses his buffer while the signature is checked changes nothing here.
  const { header, payload, signature } = partsOf(parseCbor(concat(token), 'CWT'));
  const message = signedMessageOf(header, payload);
  await expectSignature({ message, signature, kid: kidOf(header) }, jwks, expected);
  return expectCurrent(earFromCbor(parseCbor(payload, 'claims')), expected);
}

function partsOf(token: CborValue): { header: Bytes; payload: Bytes; signature: Bytes } {
  const isTagged = typeof token === 'object' && token !== null && 'tag' in token;
  if (!isTagged || token.tag !== coseSign1 || !Array.isArray(token.value))
    throw malformed('CBOR tag 18 and an array were expected');
  const [header, open, payload, signature, ...more] = token.value as readonly CborValue[];
  if (!(open instanceof Map) || open.size > 0)
    throw malformed('the header outside the signature should be empty');
  if (
    !(header instanceof Uint8Array && payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array) ||
    more.length > 0
  ) {
    throw malformed('header, payload and signature should be byte strings');
  }
  return { header, payload, signature };
}

function kidOf(bytes: Bytes): string {
  const header = parseCbor(bytes, 'header');
  if (!(header instanceof Map) || header.size !== 2 || header.get(labels.alg) !== es256)
    throw malformed('the header should hold ES256 and a key id, nothing else');
  const kid = header.get(labels.kid);
  if (!(kid instanceof Uint8Array)) throw malformed('the key id should be a byte string');
  return fromUtf8(kid, 'kid');
}

function malformed(problem: string): AttestationError {
  return new AttestationError('token-malformed', `CWT: ${problem}`);
}
