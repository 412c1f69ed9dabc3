/**
 * TPMT_PUBLIC of an attestation key ⇄ bytes (TPM 2.0 Library Part 2, 12.2.4), and the files that hold one. The key leaves as DER
 * SubjectPublicKeyInfo, which is what signatures are verified with.
 */
import { type Bytes, concat, fromBase64, Reader } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { ecdsaSpki, rsaSpki } from '../spki.ts';
import { type TpmHash, tpmHashes } from './hash.ts';
import { hexOf, outOfRange, readHash, readSized, readU32, sized, u16, u32 } from './wire.ts';

export type TpmKey =
  /** `modulus` big-endian, its first bit set */
  | { kind: 'rsa'; modulus: Bytes; exponent: number }
  /** `point` = x ‖ y, 32 or 48 bytes each */
  | { kind: 'p256' | 'p384'; point: Bytes };

export type TpmPublic = {
  key: TpmKey;
  nameAlgorithm: TpmHash;
  /** TPMA_OBJECT, 32 bits. */
  attributes: number;
  authPolicy: Bytes;
  /** TPM_ALG_ID of the scheme and of its hash; null when the key leaves the choice to its user. */
  scheme: { algorithm: number; hash: TpmHash } | null;
};

/** TPMA_OBJECT (Part 2, 8.3): bit of each attribute that an attestation key is judged by. */
export const objectAttributes = {
  fixedTpm: 1,
  fixedParent: 4,
  sensitiveDataOrigin: 5,
  restricted: 16,
  decrypt: 17,
  sign: 18,
} as const;
/** Bits without a meaning: 0, 3, 12 to 15 and 20 to 31. */
const reservedAttributes = 0xfff0f009;

const rsa = 0x0001;
const ecc = 0x0023;
const none = 0x0010;
/** RSASSA, RSAPSS, ECDSA: the schemes of a signing key that have a hash and nothing else. */
const schemes: Readonly<Record<number, readonly number[]>> = {
  [rsa]: [0x0014, 0x0016],
  [ecc]: [0x0018],
};
const curves = { p256: { id: 0x0003, size: 32 }, p384: { id: 0x0004, size: 48 } } as const;
const rsaLengths: readonly number[] = [256, 384, 512];
const defaultExponent = 65537;

/** @throws AttestationError `length-wrong`, `value-out-of-range`, `reserved-not-zero` */
export function parseTpmPublic(bytes: Bytes): TpmPublic {
  const reader = new Reader(bytes, 'TPM public area');
  const type = reader.u16be('type');
  if (type !== rsa && type !== ecc)
    throw outOfRange('type of the key', '0x0001 (RSA) or 0x0023 (ECC)', hexOf(type));
  const nameAlgorithm = readHash(reader, 'nameAlg');
  const attributes = readU32(reader, 'objectAttributes');
  if ((attributes & reservedAttributes) !== 0) {
    throw new AttestationError(
      'reserved-not-zero',
      `TPM public area: objectAttributes 0x${attributes.toString(16)} has reserved bits set`,
    );
  }
  const authPolicy = readSized(reader, 'authPolicy', { max: tpmHashes.sha512.length });
  const symmetric = reader.u16be('symmetric');
  if (symmetric !== none)
    throw outOfRange('symmetric algorithm of a signing key', 'none (0x0010)', hexOf(symmetric));
  const scheme = readScheme(reader, type);
  const key = type === rsa ? readRsa(reader) : readEcc(reader);
  reader.end();
  return { key, nameAlgorithm, attributes, authPolicy, scheme };
}

/** The inverse of `parseTpmPublic`; the exponent 65537 as 0, as TPMs write it. */
export function encodeTpmPublic(area: TpmPublic): Bytes {
  const { key, nameAlgorithm, attributes, authPolicy, scheme } = area;
  const start = concat(
    u16(key.kind === 'rsa' ? rsa : ecc),
    u16(tpmHashes[nameAlgorithm].id),
    u32(attributes),
    sized(authPolicy),
    u16(none),
    scheme === null ? u16(none) : concat(u16(scheme.algorithm), u16(tpmHashes[scheme.hash].id)),
  );
  if (key.kind === 'rsa') {
    const exponent = key.exponent === defaultExponent ? 0 : key.exponent;
    return concat(start, u16(8 * key.modulus.length), u32(exponent), sized(key.modulus));
  }
  const { id, size } = curves[key.kind];
  const [x, y] = [key.point.subarray(0, size), key.point.subarray(size)];
  return concat(start, u16(id), u16(none), sized(x), sized(y));
}

/**
 * That the key signs nothing but what its own TPM made, and never leaves it: restricted, sign, fixedTPM, fixedParent and
 * sensitiveDataOrigin are set, decrypt is not.
 * @throws AttestationError `value-out-of-range`
 */
export function anAttestationKey(area: TpmPublic): TpmPublic {
  for (const [name, bit] of Object.entries(objectAttributes)) {
    const isSet = ((area.attributes >>> bit) & 1) === 1;
    if (isSet === (name === 'decrypt')) {
      const wanted = name === 'decrypt' ? 'clear' : 'set';
      throw outOfRange(`${name} of an attestation key`, wanted, isSet ? 'set' : 'clear');
    }
  }
  return area;
}

/** DER SubjectPublicKeyInfo. */
export function spkiOfTpmKey(key: TpmKey): Bytes {
  return key.kind === 'rsa' ? rsaSpki(key.modulus, key.exponent) : ecdsaSpki(key.kind, key.point);
}

/**
 * An attestation key as files hold it: PEM or DER of its SubjectPublicKeyInfo, TPMT_PUBLIC, or TPM2B_PUBLIC (`tpm2_createak -u`). A
 * TPM's structure must say that it is an attestation key; the others cannot.
 * @returns DER of the SubjectPublicKeyInfo; whether it is a good key is for who verifies with it
 * @throws AttestationError `pem-malformed`, `base64-malformed`, and what `parseTpmPublic` and `anAttestationKey` throw
 */
export function readAkPublic(bytes: Bytes): Bytes {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, maxKeyFile)).trim();
  if (text.startsWith('-----BEGIN ')) return spkiOfPem(text);
  if (bytes[0] === 0x30) return new Uint8Array(bytes);
  const size = new Reader(bytes, 'attestation key').u16be('size or type');
  const area = size === bytes.length - 2 ? bytes.subarray(2) : bytes;
  return spkiOfTpmKey(anAttestationKey(parseTpmPublic(area)).key);
}

const maxKeyFile = 8192;

function spkiOfPem(text: string): Bytes {
  const body = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----$/.exec(text);
  if (body === null) {
    throw new AttestationError(
      'pem-malformed',
      'attestation key: expected one PEM block "PUBLIC KEY"',
    );
  }
  return fromBase64((body[1] as string).replace(/\s/g, ''), 'attestation key, PEM block');
}

function readScheme(reader: Reader, type: number): TpmPublic['scheme'] {
  const algorithm = reader.u16be('scheme');
  if (algorithm === none) return null;
  const known = schemes[type] as readonly number[];
  if (!known.includes(algorithm))
    throw outOfRange('scheme of the key', known.map(hexOf).join(' or '), hexOf(algorithm));
  return { algorithm, hash: readHash(reader, 'hash of the scheme') };
}

function readRsa(reader: Reader): TpmKey {
  const bits = reader.u16be('keyBits');
  const written = readU32(reader, 'exponent');
  const exponent = written === 0 ? defaultExponent : written;
  if (exponent !== defaultExponent) throw outOfRange('exponent', '0 or 65537', `${written}`);
  const modulus = readSized(reader, 'modulus', { max: 512 });
  const isWhole = rsaLengths.includes(modulus.length) && (modulus[0] as number) >= 0x80;
  if (!isWhole || bits !== 8 * modulus.length)
    throw outOfRange('RSA key', '2048, 3072 or 4096 bits', `${bits} in ${modulus.length} bytes`);
  return { kind: 'rsa', modulus, exponent };
}

function readEcc(reader: Reader): TpmKey {
  const id = reader.u16be('curve');
  const kind = id === curves.p256.id ? 'p256' : id === curves.p384.id ? 'p384' : null;
  if (kind === null) throw outOfRange('curve', '0x0003 (P-256) or 0x0004 (P-384)', hexOf(id));
  const kdf = reader.u16be('kdf');
  if (kdf !== none) throw outOfRange('kdf of a signing key', 'none (0x0010)', hexOf(kdf));
  const { size } = curves[kind];
  const x = readSized(reader, 'x', { min: size, max: size });
  const y = readSized(reader, 'y', { min: size, max: size });
  return { kind, point: concat(x, y) };
}
