/**
 * ID authentication: who vouches for an ID block. AMD document 56860, section 8.18 SNP_LAUNCH_FINISH, table "Structure of the ID
 * Authentication Information".
 *
 *   0x000 ID_KEY_ALGO (u32) ‖ AUTH_KEY_ALGO (u32), 1 for ECDSA P-384 with SHA-384
 *   0x040 ID_BLOCK_SIG: by the ID key, of the whole ID block           0x240 ID_KEY
 *   0x680 ID_KEY_SIG: by the author key, of the whole ID_KEY           0x880 AUTHOR_KEY
 *   zeros between them and up to 0x1000
 *
 * Without an author key (AUTHOR_KEY_EN is 0 at the launch), AUTH_KEY_ALGO and all from 0x680 on are zero.
 */
import { type Bytes, isZero, Reader, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { idBlockLength } from './id-block.ts';
import {
  encodeOwnerKey,
  encodeOwnerSignature,
  type OwnerKey,
  type OwnerSignature,
  type OwnerSigner,
  ownerKeyLength,
  ownerSignatureLength,
  parseOwnerKey,
  parseOwnerSignature,
  verifyOwner,
} from './owner-key.ts';

export const idAuthLength = 0x1000;
const ecdsaP384Sha384 = 1;
const blockSignatureAt = 0x40;
const idKeySignatureAt = 0x680;
const authorLength = ownerSignatureLength + ownerKeyLength;

export type IdAuth = {
  idKey: OwnerKey;
  /** By the ID key, of the ID block. */
  blockSignature: OwnerSignature;
  /** `signature`: by the author key, of the ID key. */
  author: { key: OwnerKey; signature: OwnerSignature } | null;
};

/** @throws AttestationError `length-wrong`, `value-out-of-range`, `reserved-not-zero`, `signature-malformed` */
export function parseIdAuth(bytes: Bytes): IdAuth {
  const what = 'ID authentication';
  if (bytes.length !== idAuthLength) {
    throw new AttestationError(
      'length-wrong',
      `${what}: expected exactly ${idAuthLength} bytes, got ${bytes.length}`,
    );
  }
  const reader = new Reader(bytes, what);
  const idAlgorithm = reader.u32le('ID_KEY_ALGO');
  const authorAlgorithm = reader.u32le('AUTH_KEY_ALGO');
  reader.zero(blockSignatureAt - reader.offset, 'before ID_BLOCK_SIG');
  const blockSignature = parseOwnerSignature(
    reader.bytes(ownerSignatureLength, 'ID_BLOCK_SIG'),
    `${what}, ID_BLOCK_SIG`,
  );
  const idKey = parseOwnerKey(reader.bytes(ownerKeyLength, 'ID_KEY'), `${what}, ID_KEY`);
  reader.zero(idKeySignatureAt - reader.offset, 'after ID_KEY');
  const author = reader.bytes(authorLength, 'ID_KEY_SIG and AUTHOR_KEY');
  reader.zero(reader.left, 'after AUTHOR_KEY');
  const hasAuthor = !isZero(author);
  requireAlgorithm('ID_KEY_ALGO', idAlgorithm, ecdsaP384Sha384);
  requireAlgorithm('AUTH_KEY_ALGO', authorAlgorithm, hasAuthor ? ecdsaP384Sha384 : 0);
  return { idKey, blockSignature, author: hasAuthor ? parseAuthor(author, what) : null };
}

function parseAuthor(bytes: Bytes, what: string): IdAuth['author'] {
  const signature = bytes.subarray(0, ownerSignatureLength);
  return {
    signature: parseOwnerSignature(signature, `${what}, ID_KEY_SIG`),
    key: parseOwnerKey(bytes.subarray(ownerSignatureLength), `${what}, AUTHOR_KEY`),
  };
}

function requireAlgorithm(field: string, actual: number, expected: number): void {
  if (actual === expected) return;
  const meaning = expected === 0 ? '0, for there is no author key' : '1 (ECDSA P-384 with SHA-384)';
  throw new AttestationError(
    'value-out-of-range',
    `ID authentication: ${field} should be ${meaning}, got ${actual}`,
  );
}

/** The inverse of `parseIdAuth`. @throws RangeError */
export function encodeIdAuth({ idKey, blockSignature, author }: IdAuth): Bytes {
  const writer = new Writer(idAuthLength)
    .u32le(ecdsaP384Sha384)
    .u32le(author === null ? 0 : ecdsaP384Sha384)
    .zero(blockSignatureAt - 8)
    .bytes(encodeOwnerSignature(blockSignature), ownerSignatureLength)
    .bytes(encodeOwnerKey(idKey), ownerKeyLength)
    .zero(idKeySignatureAt - blockSignatureAt - authorLength);
  if (author === null) writer.zero(authorLength);
  else {
    writer
      .bytes(encodeOwnerSignature(author.signature), ownerSignatureLength)
      .bytes(encodeOwnerKey(author.key), ownerKeyLength);
  }
  return writer.zero(idAuthLength - idKeySignatureAt - authorLength).finish();
}

/** @param block 96 bytes of an ID block @param author vouches for the ID key, so that ID keys can change @throws RangeError */
export async function signIdBlock(
  block: Bytes,
  id: OwnerSigner,
  author: OwnerSigner | null,
): Promise<IdAuth> {
  if (block.length !== idBlockLength)
    throw new RangeError(`an ID block has ${idBlockLength} bytes`);
  return {
    idKey: id.key,
    blockSignature: await id.sign(block),
    author:
      author === null
        ? null
        : { key: author.key, signature: await author.sign(encodeOwnerKey(id.key)) },
  };
}

/** Whether each signature holds; `idKey` is null without an author. */
export type IdAuthChecks = { block: boolean; idKey: boolean | null };

/** As the processor's firmware checks them. @param block 96 bytes of an ID block */
export function checkIdAuth(block: Bytes, { idKey, blockSignature, author }: IdAuth): IdAuthChecks {
  return {
    block: verifyOwner(idKey, block, blockSignature),
    idKey:
      author === null ? null : verifyOwner(author.key, encodeOwnerKey(idKey), author.signature),
  };
}
