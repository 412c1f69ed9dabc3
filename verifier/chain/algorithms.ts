/**
 * The algorithms, public keys and signatures that occur in certificates of the accepted vendors, each in its one
 * spelling: AMD's RSA, the P-384 of its chips, of NVIDIA and of AWS Nitro, Intel's P-256, and the RSA of those who
 * certify TPMs.
 */
import { keyAlgorithms } from '../abi/spki.ts';
import { type Bytes, equalBytes, fromHex, toHex } from '../bytes.ts';
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
const rsaPkcs1Sha256 = fromHex('300d06092a864886f70d01010b0500', 'sha256WithRSAEncryption');
const rsaPkcs1Sha384 = fromHex('300d06092a864886f70d01010c0500', 'sha384WithRSAEncryption');
// Without parameters (RFC 5758, 3.2).
const ecdsaWithSha256 = fromHex('300a06082a8648ce3d040302', 'ecdsa-with-SHA256');
const ecdsaWithSha384 = fromHex('300a06082a8648ce3d040303', 'ecdsa-with-SHA384');

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
  if (equalBytes(algorithm, keyAlgorithms.p384)) {
    if (key.length !== 97 || key[0] !== 4)
      profile(what, 'the P-384 key should be an uncompressed point of 97 bytes');
    return { kind: 'p384', point: key.subarray(1) };
  }
  if (equalBytes(algorithm, keyAlgorithms.p256)) {
    if (key.length !== 65 || key[0] !== 4)
      profile(what, 'the P-256 key should be an uncompressed point of 65 bytes');
    return { kind: 'p256', point: key.subarray(1) };
  }
  if (!equalBytes(algorithm, keyAlgorithms.rsa))
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

function profile(what: string, problem: string): never {
  throw new AttestationError('certificate-profile', `${what}: ${problem}`);
}
