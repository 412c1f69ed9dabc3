/**
 * The TD HOB: the list of memory that QEMU hands to the firmware, which measures it first of all into RTMR0
 * (UEFI PI 1.8, volume 3, 5 "HOB Code Definitions"; QEMU hw/i386/tdvf-hob.c, tdx.c and pc_q35.c).
 *
 *   hand-off HOB   type 1 (2), length 56 (2), 0 (4), version 9 (4), boot mode 0 (4), 4 × 0 (8), address after the list (8)
 *   resource HOB   type 3 (2), length 48 (2), 0 (4), owner 0 (16), resource (4), attributes 7 (4), start (8), length (8)
 *
 * Its digest is over all HOBs but the last, which ends the list: of eight bytes, that the address after the list counts.
 */
import { type Bytes, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import type { Tdvf } from './tdvf.ts';

const handOffLength = 56;
const resourceLength = 48;
const endLength = 8;
/** EFI_RESOURCE_SYSTEM_MEMORY, and EFI_RESOURCE_MEMORY_UNACCEPTED of PI 1.8. */
const added = 0;
const unaccepted = 7;
/** Present, initialised, tested. */
const attributes = 7;

const lowMemory = 0x80000000;
const fourGigabytes = 2 ** 32;
/** From here on, q35 leaves all but the first 2 GiB above 4 GiB. */
const splitFrom = 0xb0000000;

type Range = { readonly resource: number; readonly start: number; readonly length: number };

/** Memory below 4 GiB of a q35 machine of `memory` bytes. */
export function memoryBelow4G(memory: number): number {
  return memory < splitFrom ? memory : lowMemory;
}

/**
 * What is measured of the TD HOB.
 * @param memory bytes, as QEMU's -m
 * @throws AttestationError `value-out-of-range` for a firmware whose sections do not fit that memory, or without a TD HOB
 */
export function tdHob(tdvf: Tdvf, memory: number): Bytes {
  const [hob, second] = tdvf.sections.filter(({ type }) => type === 'TD_HOB');
  if (hob === undefined || second !== undefined) {
    throw new AttestationError(
      'value-out-of-range',
      `the firmware has ${hob === undefined ? 'no' : 'more than one'} section for the TD HOB`,
    );
  }
  const ranges = rangesOf(tdvf, memory);
  const length = handOffLength + ranges.length * resourceLength;
  if (length + endLength > hob.size) {
    throw new AttestationError('value-out-of-range', 'the TD HOB is longer than its section');
  }
  const writer = new Writer(length);
  writer.u16le(1).u16le(handOffLength).zero(4).u32le(9).zero(36);
  writer.u64le(BigInt(hob.address + length + endLength));
  for (const { resource, start, length } of ranges) {
    writer.u16le(3).u16le(resourceLength).zero(20).u32le(resource).u32le(attributes);
    writer.u64le(BigInt(start)).u64le(BigInt(length));
  }
  return writer.finish();
}

/** Memory that was added before the start, and what lies between and after, in order. */
function rangesOf(tdvf: Tdvf, memory: number): readonly Range[] {
  const below = memoryBelow4G(memory);
  const known = tdvf.sections
    .filter(({ type }) => type === 'TD_HOB' || type === 'TempMem')
    .sort((a, b) => a.address - b.address);
  const ranges: Range[] = [];
  let at = 0;
  const add = (resource: number, start: number, end: number) => {
    if (end > start) ranges.push({ resource, start, length: end - start });
    at = end;
  };
  for (const { type, address, size } of known) {
    if (address + size > below) {
      throw new AttestationError(
        'value-out-of-range',
        `the firmware's ${type} at 0x${address.toString(16)} lies outside of ${below} bytes of memory`,
      );
    }
    add(unaccepted, at, address);
    add(added, address, address + size);
  }
  add(unaccepted, at, below);
  if (memory > below) add(unaccepted, fourGigabytes, fourGigabytes + memory - below);
  return ranges;
}
