/** What TPM 2.0 structures are made of on the wire: big-endian integers, and sized buffers (TPM 2.0 Library Part 2, 10.4). */
import { type Bytes, bigEndian, concat, fromBigEndian, type Reader } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { type TpmHash, tpmHashById } from './hash.ts';

export function readU32(reader: Reader, field: string): number {
  return Number(fromBigEndian(reader.bytes(4, field)));
}

/** TPM2B: u16 size ‖ so many bytes. @throws AttestationError `length-wrong`, `value-out-of-range` */
export function readSized(
  reader: Reader,
  field: string,
  { min = 0, max }: { min?: number; max: number },
): Bytes {
  const size = reader.u16be(`size of ${field}`);
  if (size < min || size > max) throw outOfRange(field, `${min} to ${max} bytes`, `${size}`);
  return reader.bytes(size, field);
}

/** TPMI_ALG_HASH, one of those that are read. @throws AttestationError `value-out-of-range` */
export function readHash(reader: Reader, field: string): TpmHash {
  const id = reader.u16be(field);
  const found = tpmHashById(id);
  if (found === null) throw outOfRange(field, 'SHA-1, SHA-256, SHA-384 or SHA-512', hexOf(id));
  return found;
}

export const u16 = (value: number): Bytes => bigEndian(value, 2);
export const u32 = (value: number): Bytes => bigEndian(value, 4);
export const sized = (value: Bytes): Bytes => concat(u16(value.length), value);

/** Of a 16-bit identifier. */
export function hexOf(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}

export function outOfRange(field: string, expected: string, actual: string): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `TPM: ${field} should be ${expected}, got ${actual}`,
  );
}
