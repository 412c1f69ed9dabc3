/**
 * Writes DER (ITU-T X.690) for the simulated vendors: only the types that certificates and CRLs
 * hold. It will also write what no certificate library agrees to (serial 0, AMD's spelled-out
 * default trailer field, wrong versions).
 */
import { type Bytes, bigEndian, concat, utf8 } from '#verifier/bytes.ts';
import type { UnixTime } from '#verifier/time.ts';

/** One value: identifier octet, length in its shortest form, contents. */
export function tlv(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = concat(...contents);
  return concat(Uint8Array.of(tag), derLength(content.length), content);
}

function derLength(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const octets = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  return concat(Uint8Array.of(0x80 | octets), bigEndian(length, octets));
}

export const sequence = (...items: readonly Bytes[]): Bytes => tlv(0x30, ...items);
export const set = (...items: readonly Bytes[]): Bytes => tlv(0x31, ...items);
export const octetString = (content: Bytes): Bytes => tlv(0x04, content);
export const derNull = (): Bytes => tlv(0x05);
export const derTrue = (): Bytes => tlv(0x01, Uint8Array.of(0xff));
export const derBoolean = (value: boolean): Bytes => tlv(0x01, Uint8Array.of(value ? 0xff : 0));
/** @param value below 128 */
export const enumerated = (value: number): Bytes => tlv(0x0a, Uint8Array.of(value));
export const utf8String = (text: string): Bytes => tlv(0x0c, utf8(text));
export const printableString = (text: string): Bytes => tlv(0x13, utf8(text));
export const ia5String = (text: string): Bytes => tlv(0x16, utf8(text));

/** @param unused bits at the end of the last byte that do not count */
export const bitString = (content: Bytes, unused = 0): Bytes =>
  tlv(0x03, Uint8Array.of(unused), content);

/** Context-specific and constructed: `[n] EXPLICIT`, or `[n] IMPLICIT` of a constructed type. */
export const context = (n: number, ...items: readonly Bytes[]): Bytes => tlv(0xa0 | n, ...items);

/** Context-specific and primitive: `[n] IMPLICIT` of a string type. */
export const contextPrimitive = (n: number, content: Bytes): Bytes => tlv(0x80 | n, content);

/** Two's complement in the fewest octets. */
export function integer(value: bigint | number): Bytes {
  const wanted = BigInt(value);
  let octets = 1;
  while (BigInt.asIntN(8 * octets, wanted) !== wanted) octets++;
  return tlv(0x02, bigEndian(BigInt.asUintN(8 * octets, wanted), octets));
}

/** @param dotted `1.2.840.10045.4.3.3` */
export function objectIdentifier(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(0x06, ...[40 * first + second, ...rest].map(base128));
}

function base128(arc: number): Bytes {
  const octets = [arc & 0x7f];
  for (let left = arc >>> 7; left > 0; left >>>= 7) octets.unshift(0x80 | (left & 0x7f));
  return Uint8Array.from(octets);
}

/** UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5). */
export function time(at: UnixTime): Bytes {
  const digits = new Date(at * 1000).toISOString().replace(/\.\d{3}|[-:T]/g, '');
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050 ? tlv(0x17, utf8(digits.slice(2))) : tlv(0x18, utf8(digits));
}
