/** A builder's signature over the values of a release: made, and checked. */
import { type Bytes, concat, utf8 } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { tag } from '../tags.ts';
import {
  encodeReference,
  maxSignatures,
  type ReferenceFile,
  type ReferenceSignature,
  toReference,
} from './file.ts';
import { fingerprintOf } from './key.ts';
import { part, type ReferenceValues, valuesDigest } from './values.ts';

/** Where signatures come from: a file, a key service, WebCrypto. */
export type ReferenceSigner = {
  /** DER of a P-256 SubjectPublicKeyInfo, the point uncompressed. */
  spki: Bytes;
  /** ECDSA P-256 with SHA-256 over the message. @returns r ‖ s, 32 bytes each, big-endian */
  sign(message: Bytes): Promise<Bytes>;
};

/** Who signs, by its own word. */
export type Signatory = Pick<ReferenceSignature, 'builder' | 'source'>;

/**
 * message = tag(reference-signature) ‖ part(values digest) ‖ part(builder) ‖ part(source). Builders that reproduce a release sign
 * over one values digest, each with its own name and source.
 */
export function signatureMessage(values: ReferenceValues, { builder, source }: Signatory): Bytes {
  const parts = [valuesDigest(values), utf8(builder), utf8(source)];
  return concat(tag('reference-signature'), ...parts.map(part));
}

/**
 * The file with one signature more.
 * @throws RangeError for a key that has signed it already, and for the 33rd signature
 * @throws AttestationError `json-shape` for a builder or source that no file can hold, `signature-malformed` for an unfit key
 */
export async function signReference(
  file: ReferenceFile,
  { builder, source }: Signatory,
  signer: ReferenceSigner,
): Promise<ReferenceFile> {
  const key = fingerprintOf(signer.spki, 'key');
  const { values, signatures } = file;
  if (hasSigned(file, key)) throw new RangeError(`key ${key} has signed already`);
  if (signatures.length >= maxSignatures)
    throw new RangeError(`a file holds ${maxSignatures} signatures at most`);
  const signature = await signer.sign(signatureMessage(values, { builder, source }));
  const publicKey = signer.spki;
  const signed = {
    values,
    signatures: [...signatures, { builder, source, key, publicKey, signature }],
  };
  return toReference(JSON.parse(encodeReference(signed)));
}

export function hasSigned({ signatures }: ReferenceFile, key: string): boolean {
  return signatures.some((signature) => signature.key === key);
}

/** False for every bad signature: of another key, or over anything else. */
export function isGoodSignature(
  values: ReferenceValues,
  { builder, source, publicKey, signature }: ReferenceSignature,
  crypto: CryptoPort,
): Promise<boolean> {
  const message = signatureMessage(values, { builder, source });
  return crypto.verifyP256Sha256(publicKey, message, signature);
}
