/**
 * The event log that firmware and kernel keep of what they extended (ACPI table CCEL, /sys/firmware/acpi/tables/data/CCEL): the
 * TCG's crypto-agile format with SHA-384 alone (TCG PC Client PFP 1.06, 10; UEFI 2.10, 38 "Confidential Computing").
 *
 *   first   register (4), type 3 (4), zero (20), length (4), 'Spec ID Event03', algorithms
 *   others  register (4), type (4), digests (4) = 1, algorithm (2) = 0x0c, SHA-384 (48), length (4), data
 *   rest    0xff or zero
 *
 * Registers are counted from MRTD: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3. Nothing here is believed before a replay gives the
 * registers of a quote.
 */
import { type Bytes, Reader, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { digestLength, replay } from './digest.ts';

/** Runtime registers: RTMR0 to RTMR3. */
export const registers = [0, 1, 2, 3] as const;
export type Register = (typeof registers)[number];

export type LogEvent = {
  /** Null for what is extended nowhere (EV_NO_ACTION). */
  readonly register: Register | null;
  readonly type: number;
  /** SHA-384, 48 bytes; of what, the type says. */
  readonly digest: Bytes;
  /** What the firmware says about it: informative, unless `digest` is its hash. */
  readonly data: Bytes;
};

export type EventLog = { readonly events: readonly LogEvent[] };

export const eventTypes = {
  noAction: 3,
  separator: 4,
  eventTag: 6,
  platformConfigFlags: 0x0a,
  ipl: 0x0d,
  variableDriverConfig: 0x80000001,
  variableBoot: 0x80000002,
  bootServicesApplication: 0x80000003,
  efiAction: 0x80000007,
  handoffTables: 0x80000009,
  platformFirmwareBlob2: 0x8000000a,
  handoffTables2: 0x8000000b,
} as const;

/** TCG PC Client PFP 1.06, table 27. */
const typeNames: Readonly<Record<number, string>> = {
  1: 'EV_POST_CODE',
  3: 'EV_NO_ACTION',
  4: 'EV_SEPARATOR',
  5: 'EV_ACTION',
  6: 'EV_EVENT_TAG',
  10: 'EV_PLATFORM_CONFIG_FLAGS',
  12: 'EV_COMPACT_HASH',
  13: 'EV_IPL',
  14: 'EV_IPL_PARTITION_DATA',
  2147483649: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
  2147483650: 'EV_EFI_VARIABLE_BOOT',
  2147483651: 'EV_EFI_BOOT_SERVICES_APPLICATION',
  2147483652: 'EV_EFI_BOOT_SERVICES_DRIVER',
  2147483653: 'EV_EFI_RUNTIME_SERVICES_DRIVER',
  2147483654: 'EV_EFI_GPT_EVENT',
  2147483655: 'EV_EFI_ACTION',
  2147483656: 'EV_EFI_PLATFORM_FIRMWARE_BLOB',
  2147483657: 'EV_EFI_HANDOFF_TABLES',
  2147483658: 'EV_EFI_PLATFORM_FIRMWARE_BLOB2',
  2147483659: 'EV_EFI_HANDOFF_TABLES2',
  2147483660: 'EV_EFI_VARIABLE_BOOT2',
  2147483872: 'EV_EFI_VARIABLE_AUTHORITY',
};

export function eventTypeName(type: number): string {
  return typeNames[type] ?? `0x${type.toString(16)}`;
}

export const maxLogLength = 16 * 1024 * 1024;
const maxEvents = 65536;
const sha384Id = 0x0c;
/** 'Spec ID Event03' and a NUL. */
const specSignature = '53706563204944204576656e74303300';
const noMoreEvents = 0xffffffff;

/** @throws AttestationError `log-malformed`, `too-large` */
export function parseEventLog(bytes: Bytes): EventLog {
  if (bytes.length > maxLogLength) {
    throw new AttestationError(
      'too-large',
      `the event log has ${bytes.length} bytes, at most ${maxLogLength} are read`,
    );
  }
  return inLog(() => {
    const reader = new Reader(bytes, 'event log');
    readSpecification(reader);
    const events: LogEvent[] = [];
    while (!atEnd(reader, bytes)) {
      if (events.length === maxEvents) throw malformed(`it has more than ${maxEvents} events`);
      events.push(readEvent(reader, events.length + 1));
    }
    return { events };
  });
}

/** @returns the four registers after all events */
export function replayLog({ events }: EventLog): readonly Bytes[] {
  return registers.map((register) =>
    replay(events.filter((event) => event.register === register).map(({ digest }) => digest)),
  );
}

function readSpecification(reader: Reader): void {
  reader.u32le('register');
  if (reader.u32le('type') !== eventTypes.noAction) {
    throw malformed('it does not begin with a specification event');
  }
  reader.zero(20, 'SHA-1 of the first event');
  const length = reader.u32le('length');
  if (length > 4096) throw malformed(`its first event has ${length} bytes`);
  const spec = new Reader(reader.bytes(length, 'first event'), 'specification event');
  if (toHex(spec.bytes(16, 'signature')) !== specSignature) {
    throw malformed('its first event is not of the crypto-agile format (Spec ID Event03)');
  }
  const platform = spec.u32le('platform class');
  const minor = spec.u8('minor version');
  const major = spec.u8('major version');
  spec.u8('errata');
  const wordSize = spec.u8('size of UINTN');
  if (platform !== 0 || major !== 2 || minor !== 0 || (wordSize !== 1 && wordSize !== 2)) {
    throw malformed(`it is of platform class ${platform}, version ${major}.${minor}`);
  }
  const algorithms = spec.u32le('number of algorithms');
  if (
    algorithms !== 1 ||
    spec.u16le('algorithm') !== sha384Id ||
    spec.u16le('digest length') !== digestLength
  ) {
    throw malformed('its digests are not SHA-384 alone');
  }
  spec.bytes(spec.u8('length of vendor data'), 'vendor data');
  spec.end();
}

function readEvent(reader: Reader, number: number): LogEvent {
  const index = reader.u32le('register');
  const type = reader.u32le('type');
  const digests = reader.u32le('number of digests');
  if (digests !== 1 || reader.u16le('algorithm') !== sha384Id) {
    throw malformed(`event ${number} has other digests than one of SHA-384`);
  }
  const digest = reader.bytes(digestLength, 'digest');
  const data = reader.bytes(reader.u32le('length'), `event ${number}`);
  if (type === eventTypes.noAction) return { register: null, type, digest, data };
  const register = registers[index - 1];
  if (register === undefined) {
    throw malformed(`event ${number} extends register ${index}, of 1 (RTMR0) to 4 (RTMR3)`);
  }
  return { register, type, digest, data };
}

/** The log's area is longer than the log: firmware fills it with ones, some tools with zeros, and some cut it off. */
function atEnd(reader: Reader, bytes: Bytes): boolean {
  if (reader.left === 0) return true;
  const rest = bytes.subarray(reader.offset);
  const filling = rest[0];
  if (filling !== 0 && filling !== 0xff) return false;
  if (rest.every((byte) => byte === filling)) return true;
  // A register number of MRTD begins with zero too: only a number that is none ends the log.
  if (new Reader(rest, 'event log').u32le('register') === noMoreEvents) {
    throw malformed('something stands after its end');
  }
  return false;
}

function inLog<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError) || error.code === 'log-malformed') throw error;
    throw new AttestationError('log-malformed', error.message, { cause: error });
  }
}

function malformed(message: string): AttestationError {
  return new AttestationError('log-malformed', `event log: ${message}`);
}
