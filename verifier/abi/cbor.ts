/**
 * CBOR (RFC 8949) in its one deterministic form, 4.2.1: shortest heads, definite lengths, map keys sorted by their bytes. Whole
 * numbers to 2^53 - 1 either side of zero, byte strings, text, arrays, maps by number or text, tags, true, false, null; no floats,
 * for no format here has any. What is in another form is refused, so that a value has one spelling.
 */
import {
  type Bytes,
  bigEndian,
  compareBytes,
  concat,
  fromBigEndian,
  fromUtf8,
  Reader,
  utf8,
} from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export type CborKey = number | string;
export type CborMap = ReadonlyMap<CborKey, CborValue>;
export type CborTagged = { readonly tag: number; readonly value: CborValue };
export type CborValue =
  | number
  | string
  | boolean
  | null
  | Bytes
  | readonly CborValue[]
  | CborMap
  | CborTagged;

const majors = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 };
/** Of major type 7. */
const simples: readonly (readonly [number, boolean | null])[] = [
  [20, false],
  [21, true],
  [22, null],
];
const maxDepth = 16;

/** @throws RangeError for a number, text or depth that this form does not hold */
export function encodeCbor(value: CborValue): Bytes {
  return encodeAt(value, 0);
}

function encodeAt(value: CborValue, depth: number): Bytes {
  if (depth > maxDepth) throw new RangeError(`CBOR nested more than ${maxDepth} deep`);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') return encodeText(value);
  if (value === null || typeof value === 'boolean') {
    const found = simples.find(([, meaning]) => meaning === value) as (typeof simples)[number];
    return head(majors.simple, found[0]);
  }
  if (value instanceof Uint8Array) return concat(head(majors.bytes, value.length), value);
  if (value instanceof Map) return encodeMap(value, depth);
  if (isArray(value)) {
    const elements = value.map((element) => encodeAt(element, depth + 1));
    return concat(head(majors.array, value.length), ...elements);
  }
  const { tag, value: inner } = value as CborTagged;
  if (!Number.isSafeInteger(tag) || tag < 0) throw new RangeError(`${tag} is no CBOR tag`);
  return concat(head(majors.tag, tag), encodeAt(inner, depth + 1));
}

function isArray(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

function encodeNumber(value: number): Bytes {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no whole number below 2^53`);
  return value < 0 ? head(majors.negative, -1 - value) : head(majors.unsigned, value);
}

function encodeText(value: string): Bytes {
  if (!value.isWellFormed()) throw new RangeError('text is not well-formed Unicode');
  const bytes = utf8(value);
  return concat(head(majors.text, bytes.length), bytes);
}

function encodeMap(map: CborMap, depth: number): Bytes {
  const entries = [...map].map(
    ([key, value]) => [encodeAt(key, depth), encodeAt(value, depth + 1)] as const,
  );
  const sorted = entries.toSorted(([a], [b]) => compareBytes(a, b));
  return concat(head(majors.map, map.size), ...sorted.flat());
}

/** Major type and argument, in the shortest form. */
function head(major: number, argument: number): Bytes {
  const type = major << 5;
  if (argument < 24) return Uint8Array.of(type | argument);
  const size = [1, 2, 4].find((length) => argument < 256 ** length) ?? 8;
  return concat(Uint8Array.of(type | (24 + Math.log2(size))), bigEndian(argument, size));
}

/**
 * One value and nothing after it.
 * @throws AttestationError `cbor-malformed`, `length-wrong`, `utf8-malformed`, `value-out-of-range`
 */
export function parseCbor(bytes: Bytes, what: string): CborValue {
  const reader = new Reader(bytes, what);
  const value = readValue(reader, what, 0);
  reader.end();
  return value;
}

function readValue(reader: Reader, what: string, depth: number): CborValue {
  if (depth > maxDepth) throw malformed(what, `nested more than ${maxDepth} deep`);
  const { major, argument } = readHead(reader, what);
  switch (major) {
    case majors.unsigned:
      return argument;
    case majors.negative:
      if (argument === Number.MAX_SAFE_INTEGER) throw tooLarge(what);
      return -1 - argument;
    case majors.bytes:
      return reader.bytes(argument, 'a byte string');
    case majors.text:
      return fromUtf8(reader.bytes(argument, 'a text'), `${what}: a text`);
    case majors.array: {
      const elements: CborValue[] = [];
      while (elements.length < argument) elements.push(readValue(reader, what, depth + 1));
      return elements;
    }
    case majors.map:
      return readMap(reader, what, argument, depth);
    case majors.tag:
      return { tag: argument, value: readValue(reader, what, depth + 1) };
    default: {
      const found = simples.find(([number]) => number === argument);
      if (found === undefined) throw malformed(what, `simple value ${argument} is not known`);
      return found[1];
    }
  }
}

function readMap(reader: Reader, what: string, size: number, depth: number): CborMap {
  const map = new Map<CborKey, CborValue>();
  let before: Bytes | null = null;
  while (map.size < size) {
    const key = readValue(reader, what, depth);
    if (typeof key !== 'number' && typeof key !== 'string')
      throw malformed(what, 'a map key should be a number or text');
    const encoded = encodeAt(key, 0);
    if (before !== null && compareBytes(before, encoded) >= 0)
      throw malformed(what, 'the keys of a map should ascend, each once');
    before = encoded;
    map.set(key, readValue(reader, what, depth + 1));
  }
  return map;
}

function readHead(reader: Reader, what: string): { major: number; argument: number } {
  const first = reader.u8('a head');
  const major = first >> 5;
  const short = first & 0x1f;
  if (short < 24) return { major, argument: short };
  if (short > 27) throw malformed(what, 'indefinite lengths and reserved heads are not read');
  if (major === majors.simple)
    throw malformed(what, 'floats and two-byte simple values are not read');
  const size = 2 ** (short - 24);
  const argument = fromBigEndian(reader.bytes(size, 'a head'));
  if (argument > BigInt(Number.MAX_SAFE_INTEGER)) throw tooLarge(what);
  if (head(major, Number(argument)).length !== 1 + size)
    throw malformed(what, 'a number or length is not in its shortest form');
  return { major, argument: Number(argument) };
}

function malformed(what: string, problem: string): AttestationError {
  return new AttestationError('cbor-malformed', `${what}: ${problem}`);
}

function tooLarge(what: string): AttestationError {
  return new AttestationError('value-out-of-range', `${what}: a number is not below 2^53`);
}
