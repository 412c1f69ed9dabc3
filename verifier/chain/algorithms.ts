/**
 * The algorithms, public keys and signatures that occur in certificates of the accepted vendors, each in its one
 * spelling: AMD's RSA, the P-384 of its chips, of NVIDIA and of AWS Nitro, Intel's P-256, and the RSA of those who
 * certify TPMs.
 */
import { type Bytes, bigEndian, concat, equalBytes, fromHex, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { DerReader, derTag } from './der.ts';

/** RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48; RSASSA-PKCS1-v1_5; ECDSA by a key on the curve that goes with the hash. */
export type SignatureAlgorithm =
  | 'rsa-pss-sha384'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pkcs1-sha384'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384';
export type PublicKey =
  /** `modulus` big-endian without leading zeros */
  | { kind: 'rsa'; modulus: Bytes; exponent: number }
  /** `point` = x ‖ y, 48 bytes each */
  | { kind: 'p384'; point: Bytes }
  /** `point` = x ‖ y, 32 bytes each */
  | { kind: 'p256'; point: Bytes };

// AlgorithmIdentifier of RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48 (RFC 4055). AMD writes the trailer field, a
// DEFAULT that DER leaves out, in its older certificates: these two encodings are all that is accepted.
const pssParameters =
  'a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130';
const rsaPssSha384 = [
  fromHex(`304106092a864886f70d01010a3034${pssParameters}`, 'RSASSA-PSS'),
  fromHex(`304606092a864886f70d01010a3039${pssParameters}a303020101`, 'RSASSA-PSS'),
];
const rsaEncryption = fromHex('300d06092a864886f70d0101010500', 'rsaEncryption');
const ecP384 = fromHex('301006072a8648ce3d020106052b81040022', 'id-ecPublicKey secp384r1');
const ecP256 = fromHex('301306072a8648ce3d020106082a8648ce3d030107', 'id-ecPublicKey prime256v1');
const rsaPkcs1Sha256 = fromHex('300d06092a864886f70d01010b0500', 'sha256WithRSAEncryption');
const rsaPkcs1Sha384 = fromHex('300d06092a864886f70d01010c0500', 'sha384WithRSAEncryption');
// Without parameters (RFC 5758, 3.2).
const ecdsaWithSha256 = fromHex('300a06082a8648ce3d040302', 'ecdsa-with-SHA256');
const ecdsaWithSha384 = fromHex('300a06082a8648ce3d040303', 'ecdsa-with-SHA384');
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

/** @throws AttestationError `certificate-profile` */
export function algorithmOf(algorithm: Bytes, what: string): SignatureAlgorithm {
  if (rsaPssSha384.some((known) => equalBytes(known, algorithm))) return 'rsa-pss-sha384';
  if (equalBytes(algorithm, ecdsaWithSha256)) return 'ecdsa-p256-sha256';
  if (equalBytes(algorithm, ecdsaWithSha384)) return 'ecdsa-p384-sha384';
  if (equalBytes(algorithm, rsaPkcs1Sha256)) return 'rsa-pkcs1-sha256';
  if (equalBytes(algorithm, rsaPkcs1Sha384)) return 'rsa-pkcs1-sha384';
  profile(
    what,
    'signature algorithm should be RSASSA-PSS with SHA-384, MGF1-SHA-384 and salt 48, RSASSA-PKCS1-v1_5 with SHA-256 or SHA-384, or ECDSA with SHA-256 or SHA-384',
  );
}

/** As in a certificate's BIT STRING to what the crypto port takes. @throws AttestationError `der-malformed` */
export function readSignature(algorithm: SignatureAlgorithm, written: Bytes, what: string): Bytes {
  if (algorithm === 'ecdsa-p256-sha256') return readEcdsaSignature(written, what, 32);
  if (algorithm === 'ecdsa-p384-sha384') return readEcdsaSignature(written, what, 48);
  return written;
}

/**
 * Ecdsa-Sig-Value (RFC 3279, 2.2.3) to r ‖ s, each of `size` bytes; written in any other way than DER, it is refused.
 * @throws AttestationError `der-malformed`
 */
export function readEcdsaSignature(written: Bytes, what: string, size: 32 | 48): Bytes {
  const file = new DerReader(written, `${what}, ECDSA signature`);
  const fields = file.enter(derTag.sequence, 'r and s');
  file.end('r and s');
  const out = new Uint8Array(2 * size);
  out.set(positive(fields, 'r', size), 0);
  out.set(positive(fields, 's', size), size);
  fields.end('s');
  return out;
}

/** A positive INTEGER, left-padded. Whether it is below the curve's order is the crypto port's to check. */
function positive(reader: DerReader, field: string, size: number): Bytes {
  const octets = reader.unsigned(field);
  if (octets.length > size) reader.fail(`${field} has more than ${size} bytes`);
  if (octets[0] === 0) reader.fail(`${field} is zero`);
  const out = new Uint8Array(size);
  out.set(octets, size - octets.length);
  return out;
}

/** @param spki DER of a SubjectPublicKeyInfo @throws AttestationError `der-malformed`, `certificate-profile` */
export function readPublicKey(spki: Bytes, what: string): PublicKey {
  const reader = new DerReader(spki, `${what}, public key`).enter(
    derTag.sequence,
    'SubjectPublicKeyInfo',
  );
  const algorithm = reader.expect(derTag.sequence, 'algorithm').raw;
  const key = reader.bitString('key');
  reader.end('the key');
  if (equalBytes(algorithm, ecP384)) {
    if (key.length !== 97 || key[0] !== 4)
      profile(what, 'the P-384 key should be an uncompressed point of 97 bytes');
    return { kind: 'p384', point: key.subarray(1) };
  }
  if (equalBytes(algorithm, ecP256)) {
    if (key.length !== 65 || key[0] !== 4)
      profile(what, 'the P-256 key should be an uncompressed point of 65 bytes');
    return { kind: 'p256', point: key.subarray(1) };
  }
  if (!equalBytes(algorithm, rsaEncryption))
    profile(what, 'the public key is neither RSA nor P-384 nor P-256');
  const outer = new DerReader(key, `${what}, RSA key`);
  const fields = outer.enter(derTag.sequence, 'RSAPublicKey');
  outer.end('RSAPublicKey');
  const modulus = fields.unsigned('modulus');
  const exponent = fields.unsigned('exponent');
  fields.end('the exponent');
  if (exponent.length > 4) profile(what, 'the RSA exponent is over 32 bits');
  return { kind: 'rsa', modulus, exponent: Number.parseInt(toHex(exponent), 16) };
}

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
  const key = concat(Uint8Array.of(0), element(derTag.sequence, written));
  return element(derTag.sequence, concat(rsaEncryption, element(derTag.bitString, key)));
}

function unsignedDer(digits: Bytes): Bytes {
  const sign = (digits[0] as number) >= 0x80 ? Uint8Array.of(0) : new Uint8Array();
  return element(derTag.integer, concat(sign, digits));
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

function profile(what: string, problem: string): never {
  throw new AttestationError('certificate-profile', `${what}: ${problem}`);
}
