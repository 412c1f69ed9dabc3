/**
 * CBOR (RFC 8949) in its one deterministic form, 4.2.1: shortest heads, definite lengths, map keys sorted by their bytes. Whole
 * numbers to 2^53 - 1 either side of zero, byte strings, text, arrays, maps by number or text, tags, true, false, null; no floats,
 * for no format here has any. What is in another form is refused, so that a value has one spelling. Maps alone may be read in a
 * second form, for those who sign what they wrote in it.
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
const keyMajors: readonly number[] = [majors.unsigned, majors.negative, majors.text];
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
 * How maps may be written. `sorted`: as above. `any-order`: their keys in any order, though each once, and their lengths
 * indefinite too. All else is as strict in both.
 */
export type CborMapForm = 'sorted' | 'any-order';

type Source = { reader: Reader; what: string; maps: CborMapForm };
/** `argument` null: of a map, that its length is indefinite; of a simple value, the break at its end. */
type Head = { major: number; argument: number | null };

/**
 * One value and nothing after it.
 * @throws AttestationError `cbor-malformed`, `length-wrong`, `utf8-malformed`, `value-out-of-range`
 */
export function parseCbor(bytes: Bytes, what: string, maps: CborMapForm = 'sorted'): CborValue {
  const reader = new Reader(bytes, what);
  const value = readValue({ reader, what, maps }, 0);
  reader.end();
  return value;
}

function readValue(source: Source, depth: number): CborValue {
  if (depth > maxDepth) throw malformed(source.what, `nested more than ${maxDepth} deep`);
  return readRest(source, readHead(source), depth);
}

/** What follows the head. */
function readRest(source: Source, { major, argument }: Head, depth: number): CborValue {
  const { reader, what } = source;
  if (major === majors.map) return readMap(source, argument, depth);
  if (argument === null) throw malformed(what, 'a break stands where no map can end');
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
      while (elements.length < argument) elements.push(readValue(source, depth + 1));
      return elements;
    }
    case majors.tag:
      return { tag: argument, value: readValue(source, depth + 1) };
    default: {
      const found = simples.find(([number]) => number === argument);
      if (found === undefined) throw malformed(what, `simple value ${argument} is not known`);
      return found[1];
    }
  }
}

/** @param size null: up to a break */
function readMap(source: Source, size: number | null, depth: number): CborMap {
  const { what, maps } = source;
  const map = new Map<CborKey, CborValue>();
  let before: Bytes | null = null;
  while (size === null || map.size < size) {
    const head = readHead(source);
    if (size === null && head.major === majors.simple && head.argument === null) break;
    const key = readKey(source, head);
    if (map.has(key)) throw malformed(what, 'a map should hold each key once');
    if (maps === 'sorted') {
      const encoded = encodeAt(key, 0);
      if (before !== null && compareBytes(before, encoded) > 0)
        throw malformed(what, 'the keys of a map should ascend');
      before = encoded;
    }
    map.set(key, readValue(source, depth + 1));
  }
  return map;
}

/** Judged by its head, before anything is read: maps as keys of maps would have no end. */
function readKey(source: Source, head: Head): CborKey {
  const key = keyMajors.includes(head.major) ? readRest(source, head, 0) : null;
  if (typeof key !== 'number' && typeof key !== 'string')
    throw malformed(source.what, 'a map key should be a number or text');
  return key;
}

function readHead({ reader, what, maps }: Source): Head {
  const first = reader.u8('a head');
  const major = first >> 5;
  const short = first & 0x1f;
  if (short < 24) return { major, argument: short };
  const isOpen = short === 31 && (major === majors.map || major === majors.simple);
  if (isOpen && maps === 'any-order') return { major, argument: null };
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
