/** A response that a service signed with its measured key (protocol, "Signed response"). */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Bytes,
  bigEndian,
  concat,
  fromBigEndian,
  toBase64,
  toHex,
  Writer,
} from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { base64Bytes, hexBytes, object, parseJson, unixTime, version } from '#verifier/json.ts';
import { tag } from '#verifier/tags.ts';
import { checkPublicKey, serviceId, serviceName } from './service.ts';

/** What is signed. */
export type ResponseContent = {
  /** Name of the service. */
  readonly service: string;
  /** 32 bytes of the client; all zero when it gave none, and then the response can be replayed. */
  readonly nonce: Bytes;
  /** The service's clock: Unix seconds, below 2^53. */
  readonly time: number;
  readonly request: Bytes;
  readonly body: Bytes;
};

export type SignedResponse = ResponseContent & {
  /** r ‖ s, 64 bytes. Never an identity. */
  readonly signature: Bytes;
};

const messageLength = 158;
/** The message is hashed here, so the library must not hash again. */
const ecdsaOptions = { prehash: false, lowS: true, format: 'compact' } as const;

/**
 * message = tag(response) ‖ service id ‖ nonce ‖ time ‖ SHA-256(request) ‖ SHA-256(body): always
 * 158 bytes.
 * @throws AttestationError `value-out-of-range` for a name that no service can have
 * @throws RangeError for a nonce that has not 32 bytes, or a time that is no u64 below 2^53
 */
export function responseMessage(content: ResponseContent): Bytes {
  const { service, nonce, time, request, body } = content;
  if (!Number.isSafeInteger(time) || time < 0) {
    throw new RangeError(`time is whole Unix seconds below 2^53, got ${time}`);
  }
  const head = tag('response');
  return new Writer(messageLength)
    .bytes(head, head.length)
    .bytes(serviceId(service), 32)
    .bytes(nonce, 32)
    .bytes(bigEndian(time, 8), 8)
    .bytes(sha256(request), 32)
    .bytes(sha256(body), 32)
    .finish();
}

/** response hash = SHA-256(message) */
export function responseHash(content: ResponseContent): Bytes {
  return sha256(responseMessage(content));
}

/**
 * signature = ECDSA secp256k1 over the response hash, 64 bytes r ‖ s, 0 < r < order, 0 < s ≤ (order
 * − 1)/2, made with RFC 6979.
 * @param privateKey 32 bytes, 0 < key < order
 * @throws RangeError for any other private key, and what `responseMessage` throws
 */
export function signResponse(content: ResponseContent, privateKey: Bytes): SignedResponse {
  if (!secp256k1.utils.isValidSecretKey(privateKey)) {
    throw new RangeError('a private key has 32 bytes and lies between 0 and the order');
  }
  const options = { ...ecdsaOptions, extraEntropy: false };
  const signature = secp256k1.sign(responseHash(content), privateKey, options);
  const { service, nonce, time, request, body } = content;
  return { service, nonce, time, request, body, signature };
}

/**
 * Says who signed, not when and for whom: nonce, request and time are the client's to compare.
 * @param publicKey x ‖ y, 64 bytes, as the tree holds it under the name in this response, never
 * another
 * @returns whether this key made the signature
 * @throws AttestationError `signature-malformed` for a signature or public key not in its canonical
 * form
 */
export function verifyResponse(response: SignedResponse, publicKey: Bytes): boolean {
  checkPublicKey(publicKey);
  checkSignature(response.signature);
  const uncompressed = concat(Uint8Array.of(4), publicKey);
  return secp256k1.verify(response.signature, responseHash(response), uncompressed, ecdsaOptions);
}

/**
 * 0 < r < order, 0 < s ≤ (order − 1)/2, 64 bytes r ‖ s.
 * @throws AttestationError `signature-malformed`
 */
export function checkSignature(signature: Bytes): void {
  if (signature.length !== 64) {
    throw signatureError(`expected 64 bytes r ‖ s, got ${signature.length}`);
  }
  const r = fromBigEndian(signature.subarray(0, 32));
  const s = fromBigEndian(signature.subarray(32));
  const order = secp256k1.Point.Fn.ORDER;
  if (r === 0n || r >= order) throw signatureError('r is not between 0 and the order');
  if (s === 0n || s > (order - 1n) / 2n) {
    throw signatureError('s is not in the lower half (0 < s ≤ (order − 1)/2)');
  }
}

function signatureError(problem: string): AttestationError {
  return new AttestationError('signature-malformed', `signature of a response: ${problem}`);
}

const members = object({
  version: version(1),
  service: serviceName,
  nonce: hexBytes(32),
  time: unixTime,
  request: base64Bytes,
  body: base64Bytes,
  signature: hexBytes(64),
});

/**
 * JSON: `version` 1 · `service` (name) · `nonce` · `time` · `request` · `body` (base64) ·
 * `signature` (hex), in any order. The signature is not looked at: that is `verifyResponse`.
 * @throws AttestationError `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 * `base64-malformed`
 */
export function parseResponse(text: string): SignedResponse {
  const { version: _, ...response } = members(parseJson(text, 'response'), 'response');
  return response;
}

/** The mirror of `parseResponse`: that JSON in the order above, no spaces. */
export function encodeResponse(response: SignedResponse): string {
  return JSON.stringify({
    version: 1,
    service: response.service,
    nonce: toHex(response.nonce),
    time: response.time,
    request: toBase64(response.request),
    body: toBase64(response.body),
    signature: toHex(response.signature),
  });
}
