/**
 * What an NVIDIA GPU or NVSwitch signs ⇄ bytes: SPDM 1.1 (DMTF DSP0274) GET_MEASUREMENTS with a nonce, for all measurements and
 * a signature, and the MEASUREMENTS response to it, the one behind the other. Integers are little-endian.
 */
import { type Bytes, concat, Reader, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import {
  encodeOpaque,
  type OpaqueClaims,
  type OpaqueField,
  parseOpaque,
  readOpaque,
} from './opaque.ts';

/** One DMTF measurement: always a SHA-384 digest, never the raw value. */
export type MeasurementBlock = {
  /** 1 to 254 */
  index: number;
  /** What was measured: 0 immutable ROM, 1 mutable firmware, 2 hardware, 3 firmware configuration, 4 manifest. */
  type: number;
  /** 48 bytes */
  value: Bytes;
};

/** What the bytes say, before a signature is checked. */
export type SpdmMessage = {
  /** Which of the device's certificate chains, 0 to 7. */
  slot: number;
  /** The requester's, 32 bytes. */
  nonce: Bytes;
  blocks: readonly MeasurementBlock[];
  /** The device's own, 32 bytes. */
  responderNonce: Bytes;
  opaque: readonly OpaqueField[];
  /** r ‖ s, big-endian, 48 bytes each, over everything before it. */
  signature: Bytes;
};

export type NvidiaReport = SpdmMessage &
  OpaqueClaims & {
    /** Values by block index. */
    measurements: ReadonlyMap<number, Bytes>;
  };

export const requestLength = 37;
export const spdmSignatureLength = 96;
const version11 = 0x11;
const getMeasurements = 0xe0;
const measurementsResponse = 0x60;
/** Param1 of the request: a signature is asked for. */
const withSignature = 1;
/** Param2 of the request. */
const allMeasurements = 0xff;
const dmtf = 1;
const digestLength = 48;
/** Index, specification and size; then type, size and value. */
const blockLength = 4 + 3 + digestLength;
const highestType = 4;

/** First bytes of the request: nothing else that is evidence begins so. */
export function looksLikeSpdm(bytes: Bytes): boolean {
  return bytes[0] === version11 && bytes[1] === getMeasurements;
}

/** The part that the signature covers. */
export function signedPart(evidence: Bytes): Bytes {
  return evidence.subarray(0, Math.max(0, evidence.length - spdmSignatureLength));
}

/** @throws AttestationError `version-unknown`, `length-wrong`, `value-out-of-range`, `reserved-not-zero` */
export function parseSpdm(bytes: Bytes): NvidiaReport {
  const reader = new Reader(bytes, 'NVIDIA report');
  const { slot, nonce } = readRequest(reader);
  const message = { slot, nonce, ...readResponse(reader, slot) };
  const measurements = new Map(message.blocks.map(({ index, value }) => [index, value]));
  return { ...message, ...readOpaque(message.opaque), measurements };
}

/** The inverse of `parseSpdm`. @throws RangeError on a value that does not fit its field */
export function encodeSpdm(message: SpdmMessage): Bytes {
  const { slot, nonce, blocks, responderNonce, signature } = message;
  const request = new Writer(requestLength)
    .u8(version11)
    .u8(getMeasurements)
    .u8(withSignature)
    .u8(allMeasurements)
    .bytes(nonce, 32)
    .u8(slot)
    .finish();
  const record = concat(...blocks.map(encodeBlock));
  const opaque = encodeOpaque(message.opaque);
  const length = 8 + record.length + 32 + 2 + opaque.length + spdmSignatureLength;
  const response = new Writer(length)
    .u8(version11)
    .u8(measurementsResponse)
    .u8(0)
    .u8(slot)
    .u8(blocks.length)
    .u16le(record.length & 0xffff)
    .u8(record.length >>> 16)
    .bytes(record, record.length)
    .bytes(responderNonce, 32)
    .u16le(opaque.length)
    .bytes(opaque, opaque.length)
    .bytes(signature, spdmSignatureLength)
    .finish();
  return concat(request, response);
}

function readRequest(reader: Reader): { slot: number; nonce: Bytes } {
  header(reader, getMeasurements, 'request');
  const attributes = reader.u8('request attributes');
  if (attributes !== withSignature) throw outOfRange('request attributes', '1', attributes);
  const operation = reader.u8('measurement operation');
  // A request for fewer could leave out the one that differs.
  if (operation !== allMeasurements)
    throw outOfRange('measurement operation', '255 (all)', operation);
  const nonce = reader.bytes(32, 'nonce');
  const slot = reader.u8('slot');
  if (slot > 7) throw outOfRange('slot', '0 to 7', slot);
  return { slot, nonce };
}

function readResponse(reader: Reader, slot: number): Omit<SpdmMessage, 'slot' | 'nonce'> {
  header(reader, measurementsResponse, 'response');
  reader.zero(1, 'number of indices');
  const answered = reader.u8('slot of the response');
  if (answered !== slot) throw outOfRange('slot of the response', `${slot}, as asked`, answered);
  const count = reader.u8('number of blocks');
  const recordLength = reader.u16le('record length') + 0x10000 * reader.u8('record length');
  if (recordLength !== count * blockLength) {
    throw new AttestationError(
      'length-wrong',
      `NVIDIA report: ${count} blocks of ${blockLength} bytes take ${count * blockLength} bytes, the record says ${recordLength}`,
    );
  }
  const blocks = Array.from({ length: count }, () => readBlock(reader));
  if (new Set(blocks.map(({ index }) => index)).size !== count)
    throw new AttestationError('value-out-of-range', 'NVIDIA report: a block index occurs twice');
  const responderNonce = reader.bytes(32, 'nonce of the device');
  const opaque = parseOpaque(reader.bytes(reader.u16le('opaque length'), 'opaque data'));
  const signature = reader.bytes(spdmSignatureLength, 'signature');
  reader.end();
  return { blocks, responderNonce, opaque, signature };
}

function header(reader: Reader, code: number, name: string): void {
  const version = reader.u8(`SPDM version of the ${name}`);
  if (version !== version11) {
    throw new AttestationError(
      'version-unknown',
      `NVIDIA report: SPDM version 0x${version.toString(16)} of the ${name} is not known (known: 0x11)`,
    );
  }
  const found = reader.u8(`code of the ${name}`);
  if (found !== code) throw outOfRange(`code of the ${name}`, String(code), found);
}

function readBlock(reader: Reader): MeasurementBlock {
  const index = reader.u8('block index');
  if (index < 1 || index > 254) throw outOfRange('block index', '1 to 254', index);
  const place = `block ${index}`;
  const specification = reader.u8(`specification of ${place}`);
  if (specification !== dmtf)
    throw outOfRange(`specification of ${place}`, '1 (DMTF)', specification);
  const size = reader.u16le(`size of ${place}`);
  if (size !== 3 + digestLength)
    throw outOfRange(`size of ${place}`, String(3 + digestLength), size);
  const type = reader.u8(`type of ${place}`);
  // Bit 7 would say that the value is no digest.
  if (type > highestType) throw outOfRange(`type of ${place}`, `0 to ${highestType}`, type);
  const length = reader.u16le(`value size of ${place}`);
  if (length !== digestLength)
    throw outOfRange(`value size of ${place}`, String(digestLength), length);
  return { index, type, value: reader.bytes(digestLength, place) };
}

function encodeBlock({ index, type, value }: MeasurementBlock): Bytes {
  return new Writer(blockLength)
    .u8(index)
    .u8(dmtf)
    .u16le(3 + digestLength)
    .u8(type)
    .u16le(digestLength)
    .bytes(value, digestLength)
    .finish();
}

function outOfRange(field: string, expected: string, actual: number): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `NVIDIA report: ${field} should be ${expected}, got ${actual}`,
  );
}
