/**
 * The algorithms, public keys and signatures that occur in certificates of the accepted vendors, each in its one
 * spelling: AMD's RSA, the P-384 of its chips, and Intel's P-256.
 */
import { type Bytes, concat, equalBytes, fromHex, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { DerReader, derTag } from './der.ts';

/** RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48; ECDSA with SHA-256 by a key on P-256. */
export type SignatureAlgorithm = 'rsa-pss-sha384' | 'ecdsa-p256-sha256';
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
// Without parameters (RFC 5758, 3.2).
const ecdsaWithSha256 = fromHex('300a06082a8648ce3d040302', 'ecdsa-with-SHA256');
/** SubjectPublicKeyInfo of a P-256 key up to the coordinates: both have 32 bytes, so that every length is fixed. */
const p256SpkiStart = concat(
  fromHex('3059', 'SEQUENCE'),
  ecP256,
  fromHex('03420004', 'BIT STRING of an uncompressed point'),
);

/** @throws AttestationError `certificate-profile` */
export function algorithmOf(algorithm: Bytes, what: string): SignatureAlgorithm {
  if (rsaPssSha384.some((known) => equalBytes(known, algorithm))) return 'rsa-pss-sha384';
  if (equalBytes(algorithm, ecdsaWithSha256)) return 'ecdsa-p256-sha256';
  profile(
    what,
    'signature algorithm should be RSASSA-PSS with SHA-384, MGF1-SHA-384 and salt 48, or ECDSA with SHA-256',
  );
}

/**
 * Ecdsa-Sig-Value (RFC 3279, 2.2.3) to r ‖ s, 32 bytes each; written in any other way than DER, it is refused.
 * @throws AttestationError `der-malformed`
 */
export function readEcdsaSignature(written: Bytes, what: string): Bytes {
  const file = new DerReader(written, `${what}, ECDSA signature`);
  const fields = file.enter(derTag.sequence, 'r and s');
  file.end('r and s');
  const out = new Uint8Array(64);
  out.set(positive32(fields, 'r'), 0);
  out.set(positive32(fields, 's'), 32);
  fields.end('s');
  return out;
}

/** A positive INTEGER, left-padded to 32 bytes. Whether it is below the curve's order is the crypto port's to check. */
function positive32(reader: DerReader, field: string): Bytes {
  const octets = reader.unsigned(field);
  if (octets.length > 32) reader.fail(`${field} has more than 32 bytes`);
  if (octets[0] === 0) reader.fail(`${field} is zero`);
  const out = new Uint8Array(32);
  out.set(octets, 32 - octets.length);
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
 * DER SubjectPublicKeyInfo of a bare P-256 key, as a quote holds it. Whether the point is on the curve is the crypto port's
 * to check.
 * @param point x ‖ y, 64 bytes
 */
export function p256Spki(point: Bytes): Bytes {
  if (point.length !== 64) throw new RangeError(`a P-256 point has 64 bytes, got ${point.length}`);
  return concat(p256SpkiStart, point);
}

function profile(what: string, problem: string): never {
  throw new AttestationError('certificate-profile', `${what}: ${problem}`);
}
