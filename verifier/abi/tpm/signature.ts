/**
 * TPMT_SIGNATURE ⇄ bytes (TPM 2.0 Library Part 2, 11.3.4), of the schemes that are verified here; every other is refused by
 * name. An RSA signature may also stand alone, without its TPMT_SIGNATURE, as Azure's tools hand it out.
 */
import { type Bytes, concat, Reader } from '../../bytes.ts';
import { type TpmHash, tpmHashById, tpmHashes } from './hash.ts';
import { hexOf, outOfRange, readSized, sized, u16 } from './wire.ts';

export type TpmScheme =
  | 'RSASSA with SHA-256'
  | 'RSASSA with SHA-384'
  | 'RSAPSS with SHA-384'
  | 'ECDSA with SHA-256'
  | 'ECDSA with SHA-384';

export type TpmSignature = {
  scheme: TpmScheme;
  /** Of the scheme: over the message, and over the PCR values of the quote. */
  hash: TpmHash;
  /** Of RSA as it stands; of ECDSA r ‖ s, 32 bytes each on P-256, 48 on P-384. */
  value: Bytes;
  /** Without the TPMT_SIGNATURE around it. */
  bare: boolean;
};

type SchemeRow = { algorithm: number; hash: TpmHash; size: number };

/** `size`: most bytes of an RSA signature (4096 bits), or those of r and s each. */
const schemes: Readonly<Record<TpmScheme, SchemeRow>> = {
  'RSASSA with SHA-256': { algorithm: 0x0014, hash: 'sha256', size: 512 },
  'RSASSA with SHA-384': { algorithm: 0x0014, hash: 'sha384', size: 512 },
  'RSAPSS with SHA-384': { algorithm: 0x0016, hash: 'sha384', size: 512 },
  'ECDSA with SHA-256': { algorithm: 0x0018, hash: 'sha256', size: 32 },
  'ECDSA with SHA-384': { algorithm: 0x0018, hash: 'sha384', size: 48 },
};
const ecdsa = 0x0018;

/** TPM_ALG_ID of every signature scheme, for messages. */
const algorithmNames: Readonly<Record<number, string>> = {
  5: 'HMAC',
  16: 'no signature',
  20: 'RSASSA',
  22: 'RSAPSS',
  24: 'ECDSA',
  26: 'ECDAA',
  27: 'SM2',
  28: 'ECSCHNORR',
};

/** Of 2048, 3072 and 4096 bits; no TPMT_SIGNATURE has one of these lengths. */
const bareLengths: readonly number[] = [256, 384, 512];

/** @throws AttestationError `length-wrong`, `value-out-of-range` */
export function parseTpmSignature(bytes: Bytes): TpmSignature {
  if (bareLengths.includes(bytes.length)) {
    const value = new Uint8Array(bytes);
    return { scheme: 'RSASSA with SHA-256', hash: 'sha256', value, bare: true };
  }
  const reader = new Reader(bytes, 'TPM signature');
  const algorithm = reader.u16be('scheme');
  const scheme = schemeOf(algorithm, reader);
  const { hash, size } = schemes[scheme];
  const value =
    algorithm === ecdsa
      ? concat(readCoordinate(reader, 'r', size), readCoordinate(reader, 's', size))
      : readSized(reader, 'RSA signature', { min: 256, max: size });
  reader.end();
  return { scheme, hash, value, bare: false };
}

/** The inverse of `parseTpmSignature`; r and s with their leading zeros. */
export function encodeTpmSignature({ scheme, value, bare }: TpmSignature): Bytes {
  if (bare) return value;
  const { algorithm, hash, size } = schemes[scheme];
  const parts =
    algorithm === ecdsa
      ? [sized(value.subarray(0, size)), sized(value.subarray(size))]
      : [sized(value)];
  return concat(u16(algorithm), u16(tpmHashes[hash].id), ...parts);
}

function schemeOf(algorithm: number, reader: Reader): TpmScheme {
  const known = algorithmNames[algorithm];
  const isSigned = Object.values(schemes).some((row) => row.algorithm === algorithm);
  const hashId = isSigned ? reader.u16be('hash algorithm of the signature') : null;
  const hash = hashId === null ? null : tpmHashById(hashId);
  const found = (Object.keys(schemes) as TpmScheme[]).find(
    (name) => schemes[name].algorithm === algorithm && schemes[name].hash === hash,
  );
  if (found !== undefined) return found;
  const named = known ?? `scheme ${hexOf(algorithm)}`;
  const shown = hashId === null ? named : `${named} with ${hash ?? `hash ${hexOf(hashId)}`}`;
  throw outOfRange('signature', Object.keys(schemes).join(', '), shown);
}

/** Left-padded: a TPM may leave out leading zeros, and then all of them. */
function readCoordinate(reader: Reader, field: 'r' | 's', size: number): Bytes {
  const written = readSized(reader, `${field} of ECDSA`, { min: 1, max: size });
  if (written.length < size && written[0] === 0)
    throw outOfRange(`${field} of ECDSA`, `${size} bytes or minimal`, `${written.length} bytes`);
  const out = new Uint8Array(size);
  out.set(written, size - written.length);
  return out;
}
