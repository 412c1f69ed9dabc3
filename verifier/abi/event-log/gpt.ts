/** UEFI_GPT_DATA (PFP 1.06, 10.2.7): the header of a disk's partition table, and its entries (UEFI 2.10, 5.3). */
import { type Bytes, Reader, toHex, utf8 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import type { EventView } from './event-view.ts';
import { guidName, guidOf } from './guid.ts';
import { printable } from './text.ts';

const headerLength = 92;
const signature = toHex(utf8('EFI PART'));
const maxPartitions = 256;
const smallestEntry = 128;

/** @returns null for bytes that are no partition table */
export function viewGpt(bytes: Bytes): EventView | null {
  try {
    const reader = new Reader(bytes, 'GPT');
    const header = new Reader(reader.bytes(headerLength, 'header'), 'GPT header');
    if (toHex(header.bytes(8, 'signature')) !== signature) return null;
    header.bytes(48, 'sizes and places');
    const disk = guidOf(header.bytes(16, 'disk GUID'));
    header.bytes(12, 'place and number of entries');
    const size = header.u32le('size of an entry');
    const count = reader.u64le('number of partitions');
    if (size < smallestEntry || count > BigInt(maxPartitions)) return null;
    const parts = Array.from({ length: Number(count) }, (_, i) => ({
      name: `partition ${i + 1}`,
      value: partitionText(reader.bytes(size, 'partition')),
    }));
    reader.end();
    const amount = `${parts.length} partition${parts.length === 1 ? '' : 's'}`;
    return { what: `partition table of disk ${disk}: ${amount}`, parts };
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function partitionText(bytes: Bytes): string {
  const reader = new Reader(bytes, 'partition');
  const type = guidName(guidOf(reader.bytes(16, 'type')));
  const unique = guidOf(reader.bytes(16, 'GUID'));
  const first = reader.u64le('first block');
  const last = reader.u64le('last block');
  reader.bytes(8, 'attributes');
  const name = new TextDecoder('utf-16le').decode(reader.bytes(72, 'name'));
  const label = printable(name.split('\0')[0] ?? '');
  return `${label === '' ? '' : `“${label}” `}${type} ${unique}, blocks ${first} to ${last}`;
}
