/**
 * ID and author keys and their signatures as the processor's firmware takes them: AMD document 56860, chapter "Signature
 * Formats", ECDSA P-384 with SHA-384.
 *
 *   public key = curve (u32, 2 for P-384) ‖ x (72) ‖ y (72) ‖ zeros up to 0x404
 *   signature  = r (72) ‖ s (72) ‖ zeros up to 0x200
 *   key digest = SHA-384(public key), which a report shows as ID_KEY_DIGEST or AUTHOR_KEY_DIGEST
 *
 * Numbers are little-endian there, and big-endian everywhere else in this project.
 */
import { p384 } from '@noble/curves/nist.js';
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, fromBigEndian, Reader, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';

export const ownerKeyLength = 0x404;
export const ownerSignatureLength = 0x200;
const curveP384 = 2;
const size = 48;
const fieldLength = 72;

/** x ‖ y, 48 bytes each. */
export type OwnerKey = Bytes;
/** r ‖ s, 48 bytes each. */
export type OwnerSignature = Bytes;

export type OwnerSigner = {
  key: OwnerKey;
  /** ECDSA P-384 with SHA-384 of `message`. */
  sign(message: Bytes): Promise<OwnerSignature>;
};

/**
 * @throws AttestationError `length-wrong`, `value-out-of-range`, `reserved-not-zero`, `signature-malformed` for no point of P-384
 */
export function parseOwnerKey(bytes: Bytes, what: string): OwnerKey {
  const reader = new Reader(bytes, what);
  const curve = reader.u32le('CURVE');
  if (curve !== curveP384) {
    throw new AttestationError(
      'value-out-of-range',
      `${what}: curve ${curve}, expected 2 for P-384`,
    );
  }
  const key = concat(readNumber(reader, 'QX'), readNumber(reader, 'QY'));
  reader.zero(ownerKeyLength - reader.offset, 'after QY');
  reader.end();
  if (!isOnCurve(key)) {
    throw new AttestationError('signature-malformed', `${what}: it is no point of P-384`);
  }
  return key;
}

/** The inverse of `parseOwnerKey`. @throws RangeError for no point of P-384 */
export function encodeOwnerKey(key: OwnerKey): Bytes {
  if (key.length !== 2 * size || !isOnCurve(key)) {
    throw new RangeError('the key is no point of P-384');
  }
  const writer = new Writer(ownerKeyLength).u32le(curveP384);
  writeNumbers(writer, key);
  return writer.zero(ownerKeyLength - 4 - 2 * fieldLength).finish();
}

/** What a report shows of the key, 48 bytes. */
export function ownerKeyDigest(key: OwnerKey): Bytes {
  return sha384(encodeOwnerKey(key));
}

/** @throws AttestationError `length-wrong`, `reserved-not-zero`, `signature-malformed` for numbers that no signature has */
export function parseOwnerSignature(bytes: Bytes, what: string): OwnerSignature {
  const reader = new Reader(bytes, what);
  const signature = concat(readNumber(reader, 'R'), readNumber(reader, 'S'));
  reader.zero(ownerSignatureLength - reader.offset, 'after S');
  reader.end();
  if (!isInRange(signature)) {
    throw new AttestationError('signature-malformed', `${what}: r or s is not below the order`);
  }
  return signature;
}

/** The inverse of `parseOwnerSignature`. @throws RangeError */
export function encodeOwnerSignature(signature: OwnerSignature): Bytes {
  if (signature.length !== 2 * size || !isInRange(signature)) {
    throw new RangeError('the signature is not of P-384');
  }
  const writer = new Writer(ownerSignatureLength);
  writeNumbers(writer, signature);
  return writer.zero(ownerSignatureLength - 2 * fieldLength).finish();
}

/** A high s is as good as a low one: neither AMD nor OpenSSL makes it low. */
export function verifyOwner(key: OwnerKey, message: Bytes, signature: OwnerSignature): boolean {
  return p384.verify(signature, message, uncompressed(key), { lowS: false, prehash: true });
}

function readNumber(reader: Reader, field: string): Bytes {
  const number = reader.bytes(size, field).toReversed();
  reader.zero(fieldLength - size, `upper part of ${field}`);
  return number;
}

function writeNumbers(writer: Writer, both: Bytes): void {
  for (const at of [0, size]) {
    writer.bytes(both.slice(at, at + size).reverse(), size).zero(fieldLength - size);
  }
}

function isOnCurve(key: OwnerKey): boolean {
  try {
    p384.Point.fromBytes(uncompressed(key)).assertValidity();
    return true;
  } catch {
    return false;
  }
}

function isInRange(signature: OwnerSignature): boolean {
  const order = p384.Point.Fn.ORDER;
  return [signature.slice(0, size), signature.slice(size)]
    .map(fromBigEndian)
    .every((number) => number > 0n && number < order);
}

function uncompressed(key: OwnerKey): Bytes {
  return concat(Uint8Array.of(4), key);
}
