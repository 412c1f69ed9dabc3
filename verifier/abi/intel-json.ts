/**
 * What Intel's signed JSON documents share (Intel SGX and TDX Provisioning Certification Service, API version 4): the
 * envelope, and the spelling of times, hex, advisories and levels. The signature covers the bytes of the inner object
 * as they stand in the file.
 */
import { type Bytes, fromHex, fromUtf8, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  type Decoder,
  integer,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  text,
} from '../json.ts';
import { formatTime, parseTime, type UnixTime } from '../time.ts';

/** 1 MiB; the largest that Intel serves has some 40 KiB. */
export const maxSignedJsonLength = 1024 * 1024;

export type SignedMember = 'tcbInfo' | 'enclaveIdentity';

export type SignedJson = {
  /** The inner object as the strict parser reads it. */
  value: unknown;
  /** Its bytes in the file, which are what is signed. */
  signed: Bytes;
  /** 64 bytes, r‖s. */
  signature: Bytes;
};

/** Of a platform's TCB level. */
export const tcbStatuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const;
export type TcbStatus = (typeof tcbStatuses)[number];

/** Of a TDX module or a quoting enclave. */
export const isvStatuses = ['UpToDate', 'OutOfDate', 'Revoked'] as const;
export type IsvStatus = (typeof isvStatuses)[number];

/** A level of software that has one security version: a TDX module or a quoting enclave. */
export type IsvLevel = {
  isvSvn: number;
  date: UnixTime;
  status: IsvStatus;
  advisories: readonly string[];
};

/**
 * Takes the envelope off from both ends, so that what is left must be one JSON object:
 * `{"tcbInfo":{…},"signature":"…"}`, members in this order, white space around these outer tokens only.
 * @throws AttestationError `too-large`, `json-malformed`, `hex-malformed`, `utf8-malformed`
 */
export function openSignedJson(bytes: Bytes, member: SignedMember, what: string): SignedJson {
  if (bytes.length > maxSignedJsonLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxSignedJsonLength} (1 MiB) are allowed`,
    );
  }
  const envelope = new Envelope(bytes, `${what}: expected {"${member}":{…},"signature":"…"}`);
  for (const token of ['{', `"${member}"`, ':']) envelope.front(token);
  envelope.back('}');
  const signature = envelope.lastString();
  for (const token of [':', '"signature"', ',']) envelope.back(token);
  const signed = envelope.rest();
  const value = parseJson(fromUtf8(signed, what), what);
  return { value, signed, signature: fromHex(signature.toLowerCase(), `${what}: signature`, 64) };
}

/** What is left of the file between the outer tokens taken so far. All of these are ASCII. */
class Envelope {
  readonly #bytes: Bytes;
  readonly #expected: string;
  #start = 0;
  #end: number;

  constructor(bytes: Bytes, expected: string) {
    this.#bytes = bytes;
    this.#expected = expected;
    this.#end = bytes.length;
  }

  front(token: string): void {
    this.#trim();
    const from = this.#start;
    if (!this.#has(token, from)) throw this.#missing(token, from);
    this.#start += token.length;
  }

  back(token: string): void {
    this.#trim();
    const from = this.#end - token.length;
    if (!this.#has(token, from)) throw this.#missing(token, Math.max(from, this.#start));
    this.#end = from;
  }

  /** The text between the last two quotation marks. */
  lastString(): string {
    this.back('"');
    const open = this.#bytes.subarray(this.#start, this.#end).lastIndexOf(0x22);
    if (open === -1) throw this.#missing('"', this.#start);
    const inside = fromUtf8(
      this.#bytes.subarray(this.#start + open + 1, this.#end),
      `${this.#expected}: signature`,
    );
    this.#end = this.#start + open;
    return inside;
  }

  /** A copy, so that a caller who later changes the input changes nothing here. */
  rest(): Bytes {
    this.#trim();
    return new Uint8Array(this.#bytes.subarray(this.#start, this.#end));
  }

  #trim(): void {
    while (this.#start < this.#end && isBlank(this.#bytes[this.#start])) this.#start += 1;
    while (this.#start < this.#end && isBlank(this.#bytes[this.#end - 1])) this.#end -= 1;
  }

  #has(token: string, from: number): boolean {
    if (from < this.#start || from + token.length > this.#end) return false;
    for (let i = 0; i < token.length; i++) {
      if (this.#bytes[from + i] !== token.charCodeAt(i)) return false;
    }
    return true;
  }

  #missing(token: string, at: number): AttestationError {
    return new AttestationError('json-malformed', `${this.#expected}, no ${token} at byte ${at}`);
  }
}

/** The white space of JSON. */
function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Seconds and `Z`, the one form that Intel writes. */
const intelTimeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** `2025-08-15T04:36:46Z` */
export const intelTime: Decoder<UnixTime> = (value, path) => {
  const time = typeof value === 'string' && intelTimeForm.test(value) ? parseTime(value) : null;
  if (time === null) throw shapeError(path, 'a time like 2025-08-15T04:36:46Z', value);
  return time;
};

/** Hex of exactly `length` bytes, decoded. Intel mostly writes upper case, and both for the same FMSPC. */
export function intelHex(length: number): Decoder<Bytes> {
  return (value, path) => {
    if (typeof value !== 'string' || !/^[0-9a-fA-F]*$/.test(value) || value.length !== 2 * length) {
      throw shapeError(path, `${2 * length} hex digits`, value);
    }
    return fromHex(value.toLowerCase(), path, length);
  };
}

/** Upper case, as Intel writes it in these documents. */
export function toIntelHex(bytes: Bytes): string {
  return toHex(bytes).toUpperCase();
}

/** `advisoryIDs`, which Intel leaves out when there are none: INTEL-SA-01036 and the like. */
export const advisoryIds: Decoder<string[]> = arrayOf(
  text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'an advisory id like INTEL-SA-00837'),
  { max: 256 },
);

/** A 16-bit security version or product id. */
export const u16: Decoder<number> = integer(0, 0xffff);
/** `tcbEvaluationDataNumber` */
export const u32: Decoder<number> = integer(0, 0xffffffff);

const isvLevelShape = object({
  tcb: object({ isvsvn: u16 }),
  tcbDate: intelTime,
  tcbStatus: oneOf(...isvStatuses),
  advisoryIDs: optional(advisoryIds),
});
const isvLevelArray = arrayOf(isvLevelShape, { min: 1, max: 256 });

/** `tcbLevels` of a TDX module or a quoting enclave, in the order of the file; no version twice. */
export const isvLevels: Decoder<IsvLevel[]> = (value, path) => {
  const levels = isvLevelArray(value, path);
  const seen = new Set<number>();
  return levels.map(({ tcb: { isvsvn }, tcbDate, tcbStatus, advisoryIDs }, index) => {
    if (seen.has(isvsvn)) throw twice(`${path}[${index}]`, `isvsvn ${isvsvn}`);
    seen.add(isvsvn);
    return { isvSvn: isvsvn, date: tcbDate, status: tcbStatus, advisories: advisoryIDs ?? [] };
  });
};

/** Two levels for one version would leave the status to the reader's taste. */
export function twice(path: string, key: string): AttestationError {
  return new AttestationError('value-out-of-range', `${path}: ${key} occurs twice`);
}

/** The JSON value of one level, members in Intel's order. */
export function isvLevelJson(level: IsvLevel): object {
  return { tcb: { isvsvn: level.isvSvn }, ...statusJson(level) };
}

/** What every kind of level ends with. */
export function statusJson(level: {
  date: UnixTime;
  status: TcbStatus;
  advisories: readonly string[];
}): object {
  return {
    tcbDate: formatTime(level.date),
    tcbStatus: level.status,
    ...(level.advisories.length > 0 && { advisoryIDs: level.advisories }),
  };
}
