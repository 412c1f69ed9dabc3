/**
 * Protobuf messages ⇄ bytes (protobuf.dev, "Encoding"), read strictly: varints minimal, no groups,
 * no unknown fields, no field twice unless its shape says so, no merging. Fields may come in any
 * order, as the format has it.
 */
import { type Bytes, concat, Reader } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

type FieldValues = {
  /** A varint; left out, it is 0. */
  uint32: number;
  uint64: bigint;
  /** Bytes, text or one message inside; null is left out, which is not the same as empty. */
  bytes: Bytes | null;
  /** Each occurrence, in order. */
  repeated: Bytes[];
};
export type FieldType = keyof FieldValues;

/** Field number and type by the name that the schema gives the field. */
export type MessageShape = Readonly<Record<string, readonly [number: number, type: FieldType]>>;
export type Message<S extends MessageShape> = { -readonly [K in keyof S]: FieldValues[S[K][1]] };

const wireTypes = { varint: 0, bytes: 2 } as const;
const maxUint32 = 0xffffffffn;
const maxUint64 = 0xffffffffffffffffn;
/** 64 bits, seven a byte. */
const maxVarintLength = 10;

/** @throws AttestationError `length-wrong`, `protobuf-malformed`, `value-out-of-range` */
export function parseMessage<S extends MessageShape>(
  bytes: Bytes,
  shape: S,
  what: string,
): Message<S> {
  const names = new Map(Object.entries(shape).map(([name, [number]]) => [number, name]));
  const out: Record<string, FieldValues[FieldType]> = {};
  for (const [name, [, type]] of Object.entries(shape)) out[name] = emptyValue(type);
  const seen = new Set<string>();
  const reader = new Reader(bytes, what);
  while (reader.left > 0) {
    const key = readVarint(reader, what, 'a field key', maxUint32);
    const number = Number(key >> 3n);
    const name = names.get(number);
    if (name === undefined) throw malformed(what, `field ${number} is not known`);
    const type = shape[name]?.[1] as FieldType;
    const wanted = isNumeric(type) ? wireTypes.varint : wireTypes.bytes;
    const wireType = Number(key & 7n);
    if (wireType !== wanted) {
      throw malformed(what, `${name} should have wire type ${wanted}, got ${wireType}`);
    }
    if (type !== 'repeated' && seen.has(name)) throw malformed(what, `${name} occurs twice`);
    seen.add(name);
    if (type === 'uint32') out[name] = Number(readVarint(reader, what, name, maxUint32));
    else if (type === 'uint64') out[name] = readVarint(reader, what, name, maxUint64);
    else {
      const length = Number(readVarint(reader, what, `the length of ${name}`, maxUint32));
      const value = reader.bytes(length, name);
      if (type === 'bytes') out[name] = value;
      else (out[name] as Bytes[]).push(value);
    }
  }
  return out as Message<S>;
}

/**
 * The mirror of `parseMessage`: fields in the order of their numbers, numbers that are 0 left out,
 * as proto3 writes.
 * @throws RangeError for a number that does not fit its type
 */
export function encodeMessage<S extends MessageShape>(shape: S, message: Message<S>): Bytes {
  const parts: Bytes[] = [];
  const add = (number: number, wireType: number, ...rest: Bytes[]) =>
    parts.push(encodeVarint((BigInt(number) << 3n) | BigInt(wireType)), ...rest);
  for (const [name, [number, type]] of Object.entries(shape).toSorted(
    ([, [a]], [, [b]]) => a - b,
  )) {
    const value = message[name as keyof S] as FieldValues[FieldType];
    if (isNumeric(type)) {
      const rest = BigInt(value as number | bigint);
      if (rest < 0n || rest > (type === 'uint32' ? maxUint32 : maxUint64)) {
        throw new RangeError(`${name}: ${rest} does not fit ${type}`);
      }
      if (rest !== 0n) add(number, wireTypes.varint, encodeVarint(rest));
      continue;
    }
    const all = type === 'repeated' ? (value as Bytes[]) : value === null ? [] : [value as Bytes];
    for (const one of all) add(number, wireTypes.bytes, encodeVarint(BigInt(one.length)), one);
  }
  return concat(...parts);
}

function emptyValue(type: FieldType): FieldValues[FieldType] {
  if (type === 'uint32') return 0;
  if (type === 'uint64') return 0n;
  return type === 'bytes' ? null : [];
}

function isNumeric(type: FieldType): boolean {
  return type === 'uint32' || type === 'uint64';
}

/** Base 128, least significant group first, bit 7 set on all bytes but the last. */
function readVarint(reader: Reader, what: string, field: string, max: bigint): bigint {
  let value = 0n;
  for (let i = 0; i < maxVarintLength; i++) {
    const byte = reader.u8(field);
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte >= 0x80) continue;
    if (byte === 0 && i > 0) throw malformed(what, `${field} is a varint that is not minimal`);
    if (value > max) {
      throw new AttestationError(
        'value-out-of-range',
        `${what}: ${field} should be at most ${max}, got ${value}`,
      );
    }
    return value;
  }
  throw malformed(what, `${field} is a varint of more than ${maxVarintLength} bytes`);
}

function encodeVarint(value: bigint): Bytes {
  const out: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.of(...out, Number(rest));
}

function malformed(what: string, problem: string): AttestationError {
  return new AttestationError('protobuf-malformed', `${what}: ${problem}`);
}
