/**
 * DER SubjectPublicKeyInfo of bare keys, as quotes, TPMs and JWKs hold them (RFC 5480, RFC 3279), and how long a signature by an RSA key
 * must be.
 */
import { type Bytes, bigEndian, concat, fromHex } from '../bytes.ts';

const rsaEncryption = fromHex('300d06092a864886f70d0101010500', 'rsaEncryption');
const ecP384 = fromHex('301006072a8648ce3d020106052b81040022', 'id-ecPublicKey secp384r1');
const ecP256 = fromHex('301306072a8648ce3d020106082a8648ce3d030107', 'id-ecPublicKey prime256v1');
/** AlgorithmIdentifier of each kind of key. */
export const keyAlgorithms = { rsa: rsaEncryption, p384: ecP384, p256: ecP256 } as const;

const tags = { integer: 0x02, bitString: 0x03, sequence: 0x30 } as const;
/** SubjectPublicKeyInfo of a key up to the coordinates: their lengths are fixed, and so is every other. */
const spkiStarts = {
  p256: concat(
    fromHex('3059', 'SEQUENCE'),
    ecP256,
    fromHex('03420004', 'BIT STRING of an uncompressed point'),
  ),
  p384: concat(
    fromHex('3076', 'SEQUENCE'),
    ecP384,
    fromHex('03620004', 'BIT STRING of an uncompressed point'),
  ),
};

/**
 * DER SubjectPublicKeyInfo of a bare key, as quotes, TPMs and JWKs hold it. Whether the point is on the curve is the crypto
 * port's to check.
 * @param point x ‖ y, 32 or 48 bytes each
 */
export function ecdsaSpki(curve: 'p256' | 'p384', point: Bytes): Bytes {
  const size = curve === 'p256' ? 64 : 96;
  if (point.length !== size)
    throw new RangeError(`a point of ${curve} has ${size} bytes, got ${point.length}`);
  return concat(spkiStarts[curve], point);
}

/** @param point x ‖ y, 64 bytes */
export function p256Spki(point: Bytes): Bytes {
  return ecdsaSpki('p256', point);
}

/**
 * DER SubjectPublicKeyInfo of a bare RSA key.
 * @param modulus big-endian without leading zeros, 128 to 1024 bytes @param exponent odd, 3 to 2^32 - 1
 */
export function rsaSpki(modulus: Bytes, exponent: number): Bytes {
  if (modulus.length < 128 || modulus.length > 1024 || modulus[0] === 0)
    throw new RangeError(`an RSA modulus has 128 to 1024 bytes, got ${modulus.length}`);
  if (!Number.isInteger(exponent) || exponent < 3 || exponent > 0xffffffff || exponent % 2 === 0)
    throw new RangeError(`${exponent} is no RSA exponent`);
  const digits = bigEndian(exponent, 4);
  const written = concat(
    unsignedDer(modulus),
    unsignedDer(digits.subarray(digits.findIndex((byte) => byte !== 0))),
  );
  const key = concat(Uint8Array.of(0), element(tags.sequence, written));
  return element(tags.sequence, concat(rsaEncryption, element(tags.bitString, key)));
}

function unsignedDer(digits: Bytes): Bytes {
  const sign = (digits[0] as number) >= 0x80 ? Uint8Array.of(0) : new Uint8Array();
  return element(tags.integer, concat(sign, digits));
}

/** X.690, 8.1.3: one byte of length below 128, else the bytes of it counted first. */
function element(tag: number, content: Bytes): Bytes {
  const { length } = content;
  const size =
    length < 0x80
      ? Uint8Array.of(length)
      : length < 0x100
        ? Uint8Array.of(0x81, length)
        : Uint8Array.of(0x82, length >> 8, length & 0xff);
  return concat(Uint8Array.of(tag), size, content);
}

/**
 * RFC 8017, 8.1.2 and 8.2.2, step 1: as long as the modulus, leading zeros too. OpenSSL takes a signature as the integer that it stands for, of whatever length, so that one has two spellings when it begins with
 * zero. Ports compare lengths before they ask it.
 * @param spki DER of an RSA SubjectPublicKeyInfo
 * @returns bytes of the modulus; null for what is no such key
 */
export function rsaSignatureLength(spki: Bytes): number | null {
  let at = 0;
  const enter = (tag: number): number | null => {
    if (spki[at] !== tag) return null;
    const first = spki[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first - 0x80;
    let length = more === 0 ? first : 0;
    for (let i = 0; i < more; i++) length = length * 256 + (spki[at + 2 + i] ?? 0);
    at += 2 + more;
    return length;
  };
  if (enter(tags.sequence) === null) return null;
  at += rsaEncryption.length;
  if (enter(tags.bitString) === null || spki[at++] !== 0 || enter(tags.sequence) === null)
    return null;
  const length = enter(tags.integer);
  if (length === null) return null;
  // The sign's octet is none of the modulus.
  return spki[at] === 0 ? length - 1 : length;
}
