/**
 * Public inputs of the linked circuits, in the order of the protocol's table, each one field of 32 bytes. Bob rebuilds every
 * one from his own data.
 */
import { type Bytes, fromBigEndian, isZero } from '#verifier/bytes.ts';
import { type Field, fieldToBytes, hiLo } from '#verifier/field.ts';

/** A certified key: tdx-pck, snp-vek. */
export type PckStatement = {
  readonly issuer: Field;
  /** YYYYMMDDhhmmss UTC as an integer, inside the certificate's validity. */
  readonly at: bigint;
  readonly keyCommitment: Field;
};

/** One key of a published set: vek-member. */
export type MemberStatement = { readonly veks: Field; readonly keyCommitment: Field };

/** A machine that satisfies the checker's demands: tdx-quote, snp-report. */
export type MachineStatement = {
  readonly keyCommitment: Field;
  /** Roots of sets. */
  readonly accepted: Field;
  readonly levels: Field;
  readonly revoked: Field;
  /** Seconds, inclusive. */
  readonly epochMin: number;
  readonly epochMax: number;
  /** The 32 bytes in freshness. */
  readonly nonce: Bytes;
  readonly attestation: Field;
};

/** Who asked for the proof. Both have 32 bytes. */
export type Asked = { readonly audience: Bytes; readonly nonce: Bytes };

/** A response of a service of that machine: response. */
export type ResponseStatement = Asked & {
  readonly attestation: Field;
  readonly serviceId: Bytes;
  readonly responseHash: Bytes;
};

/** The same, with parts of the response shown: response-text. */
export type TextStatement = Asked & {
  readonly attestation: Field;
  readonly serviceId: Bytes;
  /** Each null where it is hidden. */
  readonly clientNonce: Bytes | null;
  readonly time: number | null;
  readonly requestHash: Bytes | null;
  /** Of the body, 800 bytes at most. */
  readonly length: number;
  /** As long as the body: which of its bytes are shown. */
  readonly mask: readonly boolean[];
  /** The body; hidden bytes are 0. */
  readonly shown: Bytes;
};

export const maxTextLength = 800;

/** issuer, at, C_key */
export function pckInputs({ issuer, at, keyCommitment }: PckStatement): Uint8Array[] {
  return [issuer, at, keyCommitment].map(fieldToBytes);
}

/** root of veks, C_key */
export function memberInputs({ veks, keyCommitment }: MemberStatement): Uint8Array[] {
  return [veks, keyCommitment].map(fieldToBytes);
}

/** C_key, accepted, levels, revoked, epochMin, epochMax (inclusive), nonce hi, lo, C_att */
export function machineInputs(statement: MachineStatement): Uint8Array[] {
  const { keyCommitment, accepted, levels, revoked, epochMin, epochMax } = statement;
  const { nonce, attestation } = statement;
  const epochs = [BigInt(epochMin), BigInt(epochMax)];
  return [keyCommitment, accepted, levels, revoked, ...epochs, ...hiLo(nonce), attestation].map(
    fieldToBytes,
  );
}

/** C_att, service id hi, lo, response hash hi, lo, audience hi, lo, nonce hi, lo */
export function responseInputs(statement: ResponseStatement): Uint8Array[] {
  const { attestation, serviceId, responseHash, audience, nonce } = statement;
  const strings = [serviceId, responseHash, audience, nonce];
  return [attestation, ...strings.flatMap(hiLo)].map(fieldToBytes);
}

/**
 * C_att, service id hi, lo, client nonce hi, lo, time, request hash hi, lo (each true or 0 = hidden), body length, mask[4],
 * shown[26], audience hi, lo, nonce hi, lo
 * @throws RangeError for a body of more than 800 bytes, a mask of another length, a hidden byte that is not 0
 */
export function textInputs(statement: TextStatement): Uint8Array[] {
  const { attestation, serviceId, clientNonce, time, requestHash, audience, nonce } = statement;
  const hidden = new Uint8Array(32);
  return [
    attestation,
    ...hiLo(serviceId),
    ...hiLo(clientNonce ?? hidden),
    BigInt(time ?? 0),
    ...hiLo(requestHash ?? hidden),
    BigInt(statement.length),
    ...maskFields(statement),
    ...shownFields(statement),
    ...hiLo(audience),
    ...hiLo(nonce),
  ].map(fieldToBytes);
}

/** mask: bit j = 1 when byte j is shown (0 past the length), 248 a field, most significant first. */
export function maskFields({ length, mask }: TextStatement): Field[] {
  if (length > maxTextLength) throw new RangeError(`a body has ${maxTextLength} bytes at most`);
  if (mask.length !== length) throw new RangeError('the mask is as long as the body');
  return Array.from({ length: 4 }, (_, k) => {
    const bits = Array.from({ length: 248 }, (_, j) => (mask[248 * k + j] ? '1' : '0'));
    return BigInt(`0b${bits.join('')}`);
  });
}

/** shown: the body, every other byte 0, 31 bytes a field, zeros at the end to 806 bytes. */
export function shownFields({ length, mask, shown }: TextStatement): Field[] {
  if (shown.length !== length) throw new RangeError('what is shown is as long as the body');
  const isHidden = (_: number, j: number) => mask[j] !== true;
  if (!isZero(shown.filter(isHidden))) throw new RangeError('a hidden byte is not 0');
  const whole = new Uint8Array(26 * 31);
  whole.set(shown);
  return Array.from({ length: 26 }, (_, k) => fromBigEndian(whole.subarray(31 * k, 31 * k + 31)));
}

/** YYYYMMDDhhmmss UTC as an integer, which the circuits compare times by; null for a time outside the years 1970 to 9999. */
export function timeInteger(seconds: number): bigint | null {
  const date = new Date(1000 * seconds);
  const year = date.getUTCFullYear();
  if (!(year >= 1970 && year <= 9999)) return null;
  return BigInt(date.toISOString().slice(0, 19).replace(/\D/g, ''));
}
