/**
 * COSE_Sign1 (RFC 9052, 4.2): one message, one signature. The frame is deterministic CBOR, with its tag or without; the header
 * outside the signature is empty. What the protected header must say is for the caller to ask.
 */
import type { Bytes } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type CborValue, encodeCbor, parseCbor } from './cbor.ts';

/** COSE_Sign1_Tagged */
const tagOfSign1 = 18;

/** The protected header of ECDSA with SHA-384 and nothing else, encoded: {1: -35} (RFC 9053, 2.1). */
export const es384Header: Bytes = encodeCbor(new Map([[1, -35]]));

export type CoseSign1 = {
  /** As it was signed: an encoded map, or no bytes for an empty one. */
  protectedHeader: Bytes;
  payload: Bytes;
  signature: Bytes;
};

/** @throws AttestationError what `parseCbor` throws; `cbor-malformed` for another structure */
export function parseCoseSign1(bytes: Bytes, what: string): CoseSign1 {
  const fields = untagged(parseCbor(bytes, what), what);
  if (!isArray(fields) || fields.length !== 4)
    throw malformed(what, 'COSE_Sign1 is an array of four');
  const [protectedHeader, unprotected, payload, signature] = fields;
  if (!(unprotected instanceof Map) || unprotected.size > 0)
    throw malformed(what, 'the header outside the signature should be an empty map');
  if (
    !(protectedHeader instanceof Uint8Array && payload instanceof Uint8Array) ||
    !(signature instanceof Uint8Array)
  ) {
    throw malformed(what, 'protected header, payload and signature should be byte strings');
  }
  return { protectedHeader, payload, signature };
}

/** What is signed: Sig_structure = ["Signature1", protected header, external data (none), payload] (RFC 9052, 4.4). */
export function sigStructure({
  protectedHeader,
  payload,
}: Pick<CoseSign1, 'protectedHeader' | 'payload'>): Bytes {
  return encodeCbor(['Signature1', protectedHeader, new Uint8Array(), payload]);
}

function untagged(value: CborValue, what: string): CborValue {
  if (typeof value !== 'object' || value === null || !('tag' in value)) return value;
  if (value.tag !== tagOfSign1)
    throw malformed(what, `CBOR tag ${value.tag} is not that of COSE_Sign1`);
  return value.value;
}

function isArray(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

function malformed(what: string, problem: string): AttestationError {
  return new AttestationError('cbor-malformed', `${what}: ${problem}`);
}
