/** Bytes, hex, base64 and integers. The only place that touches a DataView. */
import { AttestationError } from './errors.ts';

export type Bytes = Uint8Array;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** @throws AttestationError `utf8-malformed` */
export function fromUtf8(bytes: Bytes, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new AttestationError('utf8-malformed', `${what} is not UTF-8 text`, { cause });
  }
}

export function concat(...parts: readonly Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Compares in time that depends on the lengths, and on how the bytes lie in memory, alone. */
export function equalBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  // Certificates and the like word by word; for a few bytes the views would cost more than they save.
  const byWord = a.length >= 128 && (a.byteOffset | b.byteOffset) % 4 === 0;
  const words = byWord ? a.length >> 2 : 0;
  let difference = byWord ? differenceOfWords(a, b, words) : 0;
  for (let i = 4 * words; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

function differenceOfWords(a: Bytes, b: Bytes, words: number): number {
  const wordsOfA = new Int32Array(a.buffer, a.byteOffset, words);
  const wordsOfB = new Int32Array(b.buffer, b.byteOffset, words);
  let difference = 0;
  for (let i = 0; i < words; i++) difference |= (wordsOfA[i] as number) ^ (wordsOfB[i] as number);
  return difference;
}

/** Order by unsigned byte value, a prefix first. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function isZero(bytes: Bytes): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

const hexOfByte = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

export function toHex(bytes: Bytes): string {
  let out = '';
  for (const byte of bytes) out += hexOfByte[byte];
  return out;
}

/**
 * Lower-case hex without prefix.
 * @param length exact number of bytes, if the format fixes it
 * @throws AttestationError `hex-malformed`
 */
export function fromHex(text: string, what: string, length?: number): Bytes {
  if (!/^(?:[0-9a-f]{2})*$/.test(text) || (length !== undefined && text.length !== 2 * length)) {
    const wanted = length === undefined ? 'lower-case hex' : `${2 * length} lower-case hex digits`;
    throw new AttestationError('hex-malformed', `${what}: expected ${wanted}, got ${quote(text)}`);
  }
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** Standard base64 with padding. */
export function toBase64(bytes: Bytes): string {
  let binary = '';
  // String.fromCharCode takes its input as arguments: 32 KiB at a time stays below every engine's limit.
  for (let i = 0; i < bytes.length; i += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(binary);
}

/**
 * Standard base64 with padding, in its one canonical form (unused bits zero).
 * @throws AttestationError `base64-malformed`
 */
export function fromBase64(text: string, what: string): Bytes {
  const body = text.replace(/={1,2}$/, '');
  if (text.length % 4 !== 0 || body.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(body)) {
    throw new AttestationError('base64-malformed', `${what}: expected standard padded base64`);
  }
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  const tail =
    out.length % 3 === 0 ? out.subarray(out.length) : out.subarray(out.length - (out.length % 3));
  if (toBase64(tail) !== text.slice(text.length - (tail.length === 0 ? 0 : 4))) {
    throw new AttestationError(
      'base64-malformed',
      `${what}: base64 has unused bits that are not zero`,
    );
  }
  return out;
}

/** Unsigned, big-endian. */
export function bigEndian(value: bigint | number, length: number): Bytes {
  let rest = BigInt(value);
  if (rest < 0n || rest >> BigInt(8 * length) !== 0n) {
    throw new RangeError(`${rest} does not fit ${length} unsigned bytes`);
  }
  const out = new Uint8Array(length);
  for (let i = length - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

export function fromBigEndian(bytes: Bytes): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** Reads a structure front to back; every read names its field, so that an error can. */
export class Reader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  #advance(length: number, field: string): number {
    if (length > this.left) {
      throw new AttestationError(
        'length-wrong',
        `${this.#what} ends inside ${field}: ${length} bytes needed at offset ${this.#offset}, ${this.left} left`,
      );
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }

  /** A copy, so that a caller who later changes the input changes nothing here. */
  bytes(length: number, field: string): Bytes {
    const at = this.#advance(length, field);
    // Not slice(): on a Node Buffer that is a view. Most fields are so short that a view of them to copy from would cost more.
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = this.#bytes[at + i] as number;
    return copy;
  }

  u8(field: string): number {
    return this.#view.getUint8(this.#advance(1, field));
  }

  u16be(field: string): number {
    return this.#view.getUint16(this.#advance(2, field));
  }

  u16le(field: string): number {
    return this.#view.getUint16(this.#advance(2, field), true);
  }

  u32le(field: string): number {
    return this.#view.getUint32(this.#advance(4, field), true);
  }

  u64le(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, field), true);
  }

  u64be(field: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, field));
  }

  /** @throws AttestationError `reserved-not-zero` */
  zero(length: number, field: string): void {
    const at = this.#advance(length, field);
    if (!isZero(this.#bytes.subarray(at, at + length))) {
      throw new AttestationError(
        'reserved-not-zero',
        `${this.#what}: reserved bytes 0x${at.toString(16)} to 0x${(at + length - 1).toString(16)} (${field}) are not zero`,
      );
    }
  }

  /** @throws AttestationError `length-wrong` when bytes are left */
  end(): void {
    if (this.left !== 0) {
      throw new AttestationError(
        'length-wrong',
        `${this.#what} has ${this.left} bytes after its end`,
      );
    }
  }
}

/** The mirror of Reader over a buffer of fixed length, zero where nothing is written. */
export class Writer {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #offset = 0;

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
    this.#view = new DataView(this.#bytes.buffer);
  }

  bytes(value: Bytes, length: number): this {
    if (value.length !== length)
      throw new RangeError(`expected ${length} bytes, got ${value.length}`);
    this.#bytes.set(value, this.#offset);
    this.#offset += length;
    return this;
  }

  u8(value: number): this {
    this.#view.setUint8(this.#offset, value);
    this.#offset += 1;
    return this;
  }

  u16le(value: number): this {
    this.#view.setUint16(this.#offset, value, true);
    this.#offset += 2;
    return this;
  }

  u32le(value: number): this {
    this.#view.setUint32(this.#offset, value, true);
    this.#offset += 4;
    return this;
  }

  u64le(value: bigint): this {
    this.#view.setBigUint64(this.#offset, value, true);
    this.#offset += 8;
    return this;
  }

  zero(length: number): this {
    this.#offset += length;
    return this;
  }

  finish(): Bytes {
    if (this.#offset !== this.#bytes.length) {
      throw new RangeError(`wrote ${this.#offset} of ${this.#bytes.length} bytes`);
    }
    return this.#bytes;
  }
}

/** Untrusted text, short and printable, for an error message. */
export function quote(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}… (${text.length} characters)` : text;
  // Control, format (text direction), unassigned and line-separator characters.
  return JSON.stringify(shown).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}
