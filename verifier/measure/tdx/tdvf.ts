/**
 * The TDX metadata of a virtual firmware: which bytes of the flash the host puts where, and which of them it measures.
 * After Intel's TDX Virtual Firmware Design Guide, 11 "TDVF Metadata", and edk2's OvmfPkg/ResetVector.
 *
 *   … | table entries | length (2) | footer GUID (16) | 32 bytes reset vector      the end of the flash
 *   an entry, read backwards: data, length (2, of all three), GUID (16)
 *   TDX entry: data is the distance (4) from the flash's end to the descriptor
 *   GUID (16) | 'TDVF' | length (4) | version 1 (4) | sections (4) | 32 bytes a section
 */
import { type Bytes, equalBytes, Reader, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { guidBytes } from '../guid.ts';

/** By number, as the descriptor has them; the last four are td-shim's. */
export const sectionTypes = [
  'BFV',
  'CFV',
  'TD_HOB',
  'TempMem',
  'PermMem',
  'PAYLOAD',
  'PAYLOAD_PARAM',
  'TD_INFO',
  'TD_PARAMS',
] as const;
export type SectionType = (typeof sectionTypes)[number];

export type TdvfSection = {
  readonly type: SectionType;
  /** What the flash holds of it, a view; the rest of its memory is zero. */
  readonly data: Bytes;
  /** Guest-physical, a multiple of 4 KiB. */
  readonly address: number;
  /** Bytes of memory, a multiple of 4 KiB; zero for TD_INFO, which stays in the flash. */
  readonly size: number;
  /** MR.EXTEND: contents enter MRTD. */
  readonly measured: boolean;
  /** PAGE.AUG: added after the build, so not even its addresses enter MRTD. */
  readonly augmented: boolean;
};

export type Tdvf = { readonly sections: readonly TdvfSection[] };

export const pageSize = 4096;
/** No virtual firmware comes near it; more is not a flash. */
export const maxFirmwareLength = 64 * 1024 * 1024;
/** Pages that all sections may add: 1 GiB of memory, far above what a firmware takes. */
const maxPages = 262144;
const maxSections = 64;

const footerGuid = guidBytes('96b582de-1fb2-45f7-baea-a366c55a082d');
const tdxEntryGuid = guidBytes('e47a6535-984a-4798-865e-4685a7bf8ec2');
const metadataGuid = guidBytes('e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae');
const resetVectorLength = 32;
/** GUID and length, of an entry as of the footer. */
const entryOverhead = 18;
const descriptorLength = 16;
const sectionLength = 32;
const attributeMask = 3;
/** Physical addresses have 52 bits. */
const addressLimit = 2n ** 52n;

/**
 * @param flash the whole image, as `-bios` takes it: variable store and code
 * @throws AttestationError `form-unknown` for a flash without TDX metadata, `version-unknown`, `length-wrong`,
 *   `value-out-of-range`, `too-large`
 */
export function parseTdvf(flash: Bytes): Tdvf {
  if (flash.length > maxFirmwareLength) {
    throw new AttestationError(
      'too-large',
      `the firmware has ${flash.length} bytes, at most ${maxFirmwareLength} are read`,
    );
  }
  const distance = findMetadata(flash);
  const start = flash.length - distance - metadataGuid.length;
  if (distance > flash.length || start < 0) {
    throw wrongLength(`its TDX metadata lies ${distance} bytes before the end of the flash`, flash);
  }
  const reader = new Reader(flash.subarray(start), 'TDX metadata');
  if (!equalBytes(reader.bytes(16, 'GUID'), metadataGuid)) {
    throw new AttestationError('form-unknown', 'the TDX metadata does not begin with its GUID');
  }
  const signature = toHex(reader.bytes(4, 'signature'));
  if (signature !== '54445646') {
    throw new AttestationError('form-unknown', 'the TDX metadata is not signed TDVF');
  }
  const length = reader.u32le('length');
  const version = reader.u32le('version');
  if (version !== 1) {
    throw new AttestationError('version-unknown', `TDX metadata of version ${version}, 1 is known`);
  }
  const count = reader.u32le('number of sections');
  if (count === 0 || count > maxSections) {
    throw outOfRange(`TDX metadata with ${count} sections, 1 to ${maxSections} are read`);
  }
  if (length !== descriptorLength + count * sectionLength) {
    throw new AttestationError(
      'length-wrong',
      `TDX metadata states ${length} bytes, its ${count} sections take ${descriptorLength + count * sectionLength}`,
    );
  }
  const sections = Array.from({ length: count }, (_, i) => readSection(reader, i, flash));
  checkTogether(sections);
  return { sections };
}

/** @returns the distance from the flash's end to the descriptor */
function findMetadata(flash: Bytes): number {
  const footer = flash.length - resetVectorLength - entryOverhead;
  if (footer < 0 || !equalBytes(flash.subarray(footer + 2, footer + 18), footerGuid)) {
    throw new AttestationError(
      'form-unknown',
      'the file does not end as an OVMF flash does: no table of GUIDs before the reset vector',
    );
  }
  // The footer is itself an entry, and its length is that of the whole table.
  const begin = footer + entryOverhead - u16(flash, footer);
  if (begin < 0 || begin > footer) throw wrongLength('its table of GUIDs', flash);
  let end = footer;
  let found: number | null = null;
  while (end > begin) {
    const lengthAt = end - entryOverhead;
    if (lengthAt < begin) throw wrongLength('the first entry of its table of GUIDs', flash);
    const length = u16(flash, lengthAt);
    if (length < entryOverhead || end - length < begin) {
      throw wrongLength('an entry of its table of GUIDs', flash);
    }
    if (equalBytes(flash.subarray(lengthAt + 2, end), tdxEntryGuid)) {
      if (length !== entryOverhead + 4 || found !== null) {
        throw wrongLength('the TDX entry of its table of GUIDs, of which there is one,', flash);
      }
      found = new Reader(flash.subarray(end - length), 'TDX entry').u32le('distance');
    }
    end -= length;
  }
  if (found !== null) return found;
  throw new AttestationError(
    'form-unknown',
    'the firmware has no TDX metadata: it was built without TDX and starts no trust domain',
  );
}

function readSection(reader: Reader, index: number, flash: Bytes): TdvfSection {
  const offset = reader.u32le('data offset');
  const rawSize = reader.u32le('raw size');
  const address = reader.u64le('address');
  const size = reader.u64le('memory size');
  const typeNumber = reader.u32le('type');
  const attributes = reader.u32le('attributes');
  const type = sectionTypes[typeNumber];
  if (type === undefined) throw outOfRange(`section ${index} has the unknown type ${typeNumber}`);
  const name = `section ${index} (${type})`;
  if ((attributes & ~attributeMask) !== 0) {
    throw outOfRange(`${name} has unknown attributes 0x${(attributes >>> 0).toString(16)}`);
  }
  if (offset + rawSize > flash.length) {
    throw new AttestationError(
      'length-wrong',
      `${name} lies at 0x${offset.toString(16)} to 0x${(offset + rawSize).toString(16)} of a file of 0x${flash.length.toString(16)} bytes: pass the whole flash (OVMF.fd), variable store and code together, not the code alone`,
    );
  }
  if (address % BigInt(pageSize) !== 0n || size % BigInt(pageSize) !== 0n) {
    throw outOfRange(`${name} does not begin and end at a page of 4 KiB`);
  }
  if (address + size > addressLimit) throw outOfRange(`${name} lies beyond 52 bits of address`);
  if (size / BigInt(pageSize) > BigInt(maxPages)) {
    throw new AttestationError('too-large', `${name} takes ${size} bytes of memory`);
  }
  if (type === 'TD_INFO' ? address !== 0n || size !== 0n : size === 0n || size < BigInt(rawSize)) {
    throw outOfRange(`${name} has ${rawSize} bytes in the flash and ${size} in memory`);
  }
  const measured = (attributes & 1) !== 0;
  const augmented = (attributes & 2) !== 0;
  if (measured && augmented) {
    throw outOfRange(`${name} is to be measured and to be added after the measurement`);
  }
  return {
    type,
    data: flash.subarray(offset, offset + rawSize),
    address: Number(address),
    size: Number(size),
    measured,
    augmented,
  };
}

function checkTogether(sections: readonly TdvfSection[]): void {
  const ordered = sections.filter(({ size }) => size > 0).sort((a, b) => a.address - b.address);
  let pages = 0;
  for (const [i, { type, address, size }] of ordered.entries()) {
    const next = ordered[i + 1];
    if (next !== undefined && address + size > next.address) {
      throw outOfRange(
        `sections ${type} and ${next.type} overlap at 0x${next.address.toString(16)}`,
      );
    }
    pages += size / pageSize;
  }
  if (pages > maxPages) {
    throw new AttestationError('too-large', `the sections take ${pages} pages of memory`);
  }
  if (!sections.some(({ type, measured }) => type === 'BFV' && measured)) {
    throw outOfRange('no boot firmware volume (BFV) is measured: MRTD would not name the firmware');
  }
}

const u16 = (flash: Bytes, at: number): number => (flash[at] ?? 0) | ((flash[at + 1] ?? 0) << 8);

function wrongLength(what: string, flash: Bytes): AttestationError {
  return new AttestationError(
    'length-wrong',
    `${what} does not fit the firmware, which has ${flash.length} bytes`,
  );
}

function outOfRange(message: string): AttestationError {
  return new AttestationError('value-out-of-range', message);
}
