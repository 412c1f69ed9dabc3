/**
 * Event logs of firmware (TCG PC Client PFP 1.06, 10) ⇄ bytes: /sys/kernel/security/tpm0/binary_bios_measurements, and the area
 * that ACPI's table CCEL names (UEFI 2.10, 38).
 *
 *   SHA-1          each: register (4), type (4), SHA-1 (20), length (4), data
 *   crypto-agile   first: register (4), type 3 (4), zero (20), length (4), 'Spec ID Event03' with the list of algorithms
 *                  others: register (4), type (4), digests (4), each algorithm (2) and digest, length (4), data
 *   rest           0xff or zero
 *
 * Every event has one digest of each algorithm of the list. Nothing here is believed before a replay gives the registers of a quote.
 */
import { type Bytes, concat, equalBytes, Reader, toHex, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { pcrCount, type TpmHash, tpmHashById, tpmHashes } from '../tpm/hash.ts';
import { parseDstackLog } from './dstack.ts';
import { refuseLocality } from './locality.ts';
import {
  encodeSpecification,
  malformed,
  parseSpecification,
  specificationSignature,
} from './specification.ts';
import {
  type EventLog,
  eventTypes,
  isExtended,
  type LogEvent,
  maxEvents,
  maxLogLength,
  type Specification,
} from './types.ts';

const specificationLimit = 4096;

/**
 * A binary log of either format, or dstack's JSON.
 * @throws AttestationError `log-malformed`, `too-large`
 */
export function parseEventLog(bytes: Bytes): EventLog {
  refuseLarge(bytes);
  return beginsAsJson(bytes) ? inLog(() => parseDstackLog(bytes)) : parseBinaryLog(bytes);
}

/** @throws AttestationError `log-malformed`, `too-large` */
export function parseBinaryLog(bytes: Bytes): EventLog {
  refuseLarge(bytes);
  return inLog(() => {
    const reader = new Reader(bytes, 'event log');
    const specification = readSpecification(reader, bytes);
    const read = specification === null ? readSha1Event : readAgileEvent(specification);
    const events: LogEvent[] = [];
    const atEnd = endOf(bytes);
    while (!atEnd(reader)) {
      if (events.length === maxEvents) throw malformed(`it has more than ${maxEvents} events`);
      events.push(inRange(read(reader, events.length + 1)));
    }
    if (specification === null && events.length === 0) throw malformed('it has no event');
    refuseLocality(events);
    const algorithms = (specification?.algorithms ?? [tpmHashes.sha1]).flatMap(
      ({ id }) => tpmHashById(id) ?? [],
    );
    const format = specification === null ? 'sha1' : 'crypto-agile';
    return { format, algorithms, specification, events };
  });
}

/** The log and nothing after it. @throws RangeError for an event without a digest of one of the log's algorithms */
export function encodeEventLog(log: EventLog): Bytes {
  const { format, algorithms, events } = log;
  if (format === 'sha1') return concat(...events.map((event) => encodeEvent(event, null)));
  const written: Specification = log.specification ?? {
    register: 0,
    platformClass: 0,
    errata: 0,
    wordSize: 2,
    algorithms: algorithms.map((name) => tpmHashes[name]),
    vendorInfo: new Uint8Array(),
  };
  // What is passed over in reading cannot be written again.
  const known = written.algorithms.filter(({ id }) => tpmHashById(id) !== null);
  const data = encodeSpecification({ ...written, algorithms: known });
  const head = new Writer(32)
    .u32le(written.register)
    .u32le(eventTypes.noAction)
    .zero(20)
    .u32le(data.length);
  return concat(head.finish(), data, ...events.map((event) => encodeEvent(event, algorithms)));
}

/** Whether the bytes begin as an event log does; `parseEventLog` says whether they are one. */
export function looksLikeEventLog(bytes: Bytes): boolean {
  if (beginsAsJson(bytes)) {
    return new TextDecoder('latin1').decode(bytes.subarray(0, 4096)).includes('"imr"');
  }
  if (bytes.length < 32) return false;
  const reader = new Reader(bytes, 'event log');
  const register = reader.u32le('register');
  const type = reader.u32le('type');
  if (isCryptoAgile(bytes)) return type === eventTypes.noAction;
  reader.bytes(20, 'digest');
  const length = reader.u32le('length');
  // The first event of the older format: nothing else that is read here begins with so small numbers and fits.
  return register < 8 && type <= 0x12 && length <= reader.left && length < 0x10000;
}

function refuseLarge(bytes: Bytes): void {
  if (bytes.length <= maxLogLength) return;
  throw new AttestationError(
    'too-large',
    `the event log has ${bytes.length} bytes, at most ${maxLogLength} are read`,
  );
}

function beginsAsJson(bytes: Bytes): boolean {
  // A binary log's first byte is the low byte of a register.
  const start = bytes.subarray(0, 64);
  return start.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte)) === 0x5b;
}

/** Whether the first event names the crypto-agile format. */
export function isCryptoAgile(bytes: Bytes): boolean {
  return equalBytes(bytes.subarray(32, 48), specificationSignature);
}

/** @returns null for the older format */
function readSpecification(reader: Reader, bytes: Bytes): Specification | null {
  if (!isCryptoAgile(bytes)) return null;
  const register = reader.u32le('register');
  if (reader.u32le('type') !== eventTypes.noAction) {
    throw malformed('it does not begin with a specification event');
  }
  reader.zero(20, 'SHA-1 of the first event');
  const length = reader.u32le('length');
  if (length > specificationLimit) throw malformed(`its first event has ${length} bytes`);
  return { register, ...parseSpecification(reader.bytes(length, 'first event')) };
}

function readSha1Event(reader: Reader, number: number): LogEvent {
  const register = reader.u32le('register');
  const type = reader.u32le('type');
  const digests = new Map([['sha1', reader.bytes(tpmHashes.sha1.length, 'digest')] as const]);
  const data = reader.bytes(reader.u32le('length'), `event ${number}`);
  return { number, register, type, digests, data };
}

function readAgileEvent({ algorithms }: Specification): typeof readSha1Event {
  const lengths = new Map(algorithms.map(({ id, length }) => [id, length]));
  return (reader, number) => {
    const register = reader.u32le('register');
    const type = reader.u32le('type');
    const count = reader.u32le('number of digests');
    if (count !== algorithms.length) {
      throw malformed(`event ${number} has ${count} digests, not ${algorithms.length}`);
    }
    const seen = new Set<number>();
    const digests = new Map<TpmHash, Bytes>();
    for (let i = 0; i < count; i++) {
      const id = reader.u16le('algorithm');
      const length = lengths.get(id);
      if (length === undefined || seen.has(id)) {
        throw malformed(`event ${number} has a digest of algorithm 0x${id.toString(16)}`);
      }
      seen.add(id);
      const digest = reader.bytes(length, 'digest');
      const name = tpmHashById(id);
      if (name !== null) digests.set(name, digest);
    }
    const data = reader.bytes(reader.u32le('length'), `event ${number}`);
    return { number, register, type, digests, data };
  };
}

function inRange(event: LogEvent): LogEvent {
  if (isExtended(event) && event.register >= pcrCount) {
    throw malformed(`event ${event.number} extends register ${event.register}, of 0 to 23`);
  }
  return event;
}

function encodeEvent(event: LogEvent, algorithms: readonly TpmHash[] | null): Bytes {
  const { register, type, digests, data, number } = event;
  const digestOf = (name: TpmHash) => {
    const digest = digests.get(name);
    if (digest?.length !== tpmHashes[name].length) {
      throw new RangeError(`event ${number} has no ${name} digest of the right length`);
    }
    return digest;
  };
  const head = new Writer(8).u32le(register).u32le(type).finish();
  const length = new Writer(4).u32le(data.length).finish();
  if (algorithms === null) return concat(head, digestOf('sha1'), length, data);
  const list = algorithms.flatMap((name) => [
    new Writer(2).u16le(tpmHashes[name].id).finish(),
    digestOf(name),
  ]);
  const count = new Writer(4).u32le(algorithms.length).finish();
  return concat(head, count, ...list, length, data);
}

/** The log's area is longer than the log: firmware fills it with ones, some tools with zeros, and some cut it off. */
function endOf(bytes: Bytes): (reader: Reader) => boolean {
  const filledFrom = { 0: fillingFrom(bytes, 0), 255: fillingFrom(bytes, 255) };
  return ({ offset, left }) => {
    if (left === 0) return true;
    const filling = bytes[offset];
    if (filling !== 0 && filling !== 255) return false;
    if (offset >= filledFrom[filling]) return true;
    // Register 0 begins with zero too: only a number that is none ends the log.
    const beginning = toHex(bytes.subarray(offset, offset + 8));
    if (beginning.startsWith('ffffffff') && beginning !== 'ffffffff03000000') {
      throw malformed('something stands after its end');
    }
    return false;
  };
}

/** From where on there is nothing but this byte. */
function fillingFrom(bytes: Bytes, value: number): number {
  let from = bytes.length;
  while (from > 0 && bytes[from - 1] === value) from--;
  return from;
}

function inLog<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError) || error.code === 'log-malformed') throw error;
    throw new AttestationError('log-malformed', error.message, { cause: error });
  }
}
