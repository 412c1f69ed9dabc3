/**
 * Strict DER (ITU-T X.690 clause 10): definite, minimal lengths, low tag numbers, no bytes left over. It reads what
 * vendor certificates contain and refuses every other way to write the same content.
 */
import { type Bytes, concat, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
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

/** One value. @throws RangeError when the contents have 128 bytes or more: names, all that is written here, never do */
export function tlv(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = concat(...contents);
  if (content.length >= 0x80)
    throw new RangeError(`DER contents of ${content.length} bytes are too long`);
  return concat(Uint8Array.of(tag, content.length), content);
}

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

  /** An OCTET STRING of exactly so many bytes. */
  octets(field: string, length: number): Bytes {
    const { content } = this.expect(derTag.octetString, field);
    if (content.length !== length)
      this.fail(`${field} should have ${length} bytes, got ${content.length}`);
    return content;
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
    if (content.length === 0) this.fail(`${field} is empty`);
    if (content.length > 64) this.fail(`${field} is longer than 64 bytes`);
    let text = '';
    let arc = 0;
    let inside = false;
    for (const octet of content) {
      if (octet === 0x80 && !inside) this.fail(`${field} has an arc that is not minimal`);
      arc = arc * 128 + (octet & 0x7f);
      if (arc > 0xffffffff) this.fail(`${field} has an arc over 32 bits`);
      inside = octet >= 0x80;
      if (inside) continue;
      text += text === '' ? firstArcs(arc) : `.${arc}`;
      arc = 0;
    }
    if (inside) this.fail(`${field} ends inside an arc`);
    return text;
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
   * @param early GeneralizedTime before 2050 is read too
   */
  time(field: string, early = false): number {
    const { tag, content } = this.element(field);
    const isShort = tag === derTag.utcTime;
    const digits = isShort ? 12 : 14;
    const problem = `${field} is not a UTCTime or GeneralizedTime of RFC 5280`;
    const known = isShort || tag === derTag.generalizedTime;
    if (!known || content.length !== digits + 1 || content[digits] !== 0x5a) this.fail(problem);
    // Straight from the bytes: a list has as many dates as entries, and text would be half of the time that it takes.
    const pair = (at: number): number => {
      const tens = (content[at] as number) - 0x30;
      const ones = (content[at + 1] as number) - 0x30;
      if (tens < 0 || tens > 9 || ones < 0 || ones > 9) this.fail(problem);
      return 10 * tens + ones;
    };
    const century = isShort ? (pair(0) < 50 ? 20 : 19) : pair(0);
    const rest = digits - 12;
    const year = 100 * century + pair(rest);
    if (!isShort && year < 2050 && !early) this.fail(problem);
    const [month, day] = [pair(rest + 2), pair(rest + 4)];
    const [hour, minute, second] = [pair(rest + 6), pair(rest + 8), pair(rest + 10)];
    const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
    // A day that its month does not have would be one of the next.
    const isDay = month >= 1 && month <= 12 && new Date(milliseconds).getUTCDate() === day;
    if (!isDay || hour > 23 || minute > 59 || second > 59) this.fail(`${field} is not a date`);
    return milliseconds / 1000;
  }

  end(field: string): void {
    if (!this.done) this.fail(`unexpected bytes after ${field}`);
  }
}

/** The first two arcs share a number (X.690, 8.19.4). */
function firstArcs(number: number): string {
  const top = Math.min(Math.floor(number / 40), 2);
  return `${top}.${number - 40 * top}`;
}
