/**
 * Strict DER (ITU-T X.690 clause 10): definite, minimal lengths, low tag numbers, no bytes left over. It reads what
 * vendor certificates contain and refuses every other way to write the same content.
 */
import { type Bytes, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** [n] constructed, context-specific. */
export const context = (n: number): number => 0xa0 | n;

export type Element = { tag: number; content: Bytes; raw: Bytes };

/** Walks the elements of one constructed value, in order. Views, not copies. */
export class DerReader {
  readonly #bytes: Bytes;
  readonly #what: string;
  #offset = 0;

  constructor(bytes: Bytes, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The tag that comes next, or undefined at the end. */
  get peek(): number | undefined {
    return this.#bytes[this.#offset];
  }

  fail(problem: string): never {
    throw new AttestationError('der-malformed', `${this.#what}: ${problem}`);
  }

  #byte(field: string): number {
    const byte = this.#bytes[this.#offset] ?? this.fail(`it ends inside ${field}`);
    this.#offset += 1;
    return byte;
  }

  element(field: string): Element {
    const start = this.#offset;
    const tag = this.#byte(field);
    if ((tag & 0x1f) === 0x1f) this.fail(`${field} has a high tag number`);
    let length = this.#byte(field);
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 3)
        this.fail(`${field} has a length that is indefinite or over 16 MiB`);
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + this.#byte(field);
      if (length < 0x80 || length < 2 ** (8 * (size - 1)))
        this.fail(`${field} has a length that is not minimal`);
    }
    const contentStart = this.#offset;
    if (length > this.#bytes.length - contentStart) this.fail(`it ends inside ${field}`);
    this.#offset = contentStart + length;
    return {
      tag,
      content: this.#bytes.subarray(contentStart, this.#offset),
      raw: this.#bytes.subarray(start, this.#offset),
    };
  }

  expect(tag: number, field: string): Element {
    if (this.peek !== tag) {
      this.fail(
        `${field}: expected tag 0x${tag.toString(16)}, got ${this.peek === undefined ? 'the end' : `0x${this.peek.toString(16)}`}`,
      );
    }
    return this.element(field);
  }

  /** Steps into a constructed element. */
  enter(tag: number, field: string): DerReader {
    return new DerReader(this.expect(tag, field).content, `${this.#what}, ${field}`);
  }

  /** The content octets of a non-negative INTEGER in minimal form, sign octet dropped. */
  unsigned(field: string): Bytes {
    const { content } = this.expect(derTag.integer, field);
    const [first, second] = content;
    if (first === undefined) this.fail(`${field} is empty`);
    if (first >= 0x80) this.fail(`${field} is negative`);
    if (first === 0 && second !== undefined && second < 0x80) this.fail(`${field} is not minimal`);
    return first === 0 && second !== undefined ? content.subarray(1) : content;
  }

  /** An INTEGER from 0 to 255. */
  u8(field: string): number {
    const octets = this.unsigned(field);
    if (octets.length > 1) this.fail(`${field} should be 0 to 255, got 0x${toHex(octets)}`);
    return octets[0] as number;
  }

  boolean(field: string): boolean {
    const { content } = this.expect(derTag.boolean, field);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
      this.fail(`${field} is not a DER boolean`);
    return content[0] === 0xff;
  }

  /** Dotted decimal. */
  oid(field: string): string {
    const { content } = this.expect(derTag.oid, field);
    if (content.length > 64) this.fail(`${field} is longer than 64 bytes`);
    const arcs: number[] = [];
    let arc = 0;
    content.forEach((octet, i) => {
      if (octet === 0x80 && arc === 0) this.fail(`${field} has an arc that is not minimal`);
      arc = arc * 128 + (octet & 0x7f);
      if (arc > 0xffffffff) this.fail(`${field} has an arc over 32 bits`);
      if (octet < 0x80) {
        arcs.push(arc);
        arc = 0;
      } else if (i === content.length - 1) this.fail(`${field} ends inside an arc`);
    });
    const [first, ...rest] = arcs;
    if (first === undefined) this.fail(`${field} is empty`);
    const top = Math.min(Math.floor(first / 40), 2);
    return [top, first - 40 * top, ...rest].join('.');
  }

  /** BIT STRING of whole octets. */
  bitString(field: string): Bytes {
    const { content } = this.expect(derTag.bitString, field);
    if (content[0] !== 0) this.fail(`${field} should have no unused bits`);
    return content.subarray(1);
  }

  /**
   * UTCTime (a year below 50 is 20yy) through 2049, GeneralizedTime from 2050 on, seconds written, Z
   * (RFC 5280, 4.1.2.5). Unix seconds.
   */
  time(field: string): number {
    const { tag, content } = this.element(field);
    const written = String.fromCharCode(...content.subarray(0, 20));
    let digits = '';
    if (tag === derTag.utcTime && /^\d{12}Z$/.test(written)) {
      digits = (Number(written.slice(0, 2)) < 50 ? '20' : '19') + written;
    } else if (tag === derTag.generalizedTime && /^\d{14}Z$/.test(written) && written >= '2050') {
      digits = written;
    } else this.fail(`${field} is not a UTCTime or GeneralizedTime of RFC 5280`);
    const part = (from: number, to: number) => Number(digits.slice(from, to));
    const [month, day, hour, minute, second] = [
      part(4, 6),
      part(6, 8),
      part(8, 10),
      part(10, 12),
      part(12, 14),
    ];
    const date = new Date(Date.UTC(part(0, 4), month - 1, day, hour, minute, second));
    if (
      date.getUTCMonth() !== month - 1 ||
      date.getUTCDate() !== day ||
      hour > 23 ||
      minute > 59 ||
      second > 59
    ) {
      this.fail(`${field} is not a date`);
    }
    return date.getTime() / 1000;
  }

  end(field: string): void {
    if (!this.done) this.fail(`unexpected bytes after ${field}`);
  }
}
