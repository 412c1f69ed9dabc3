/**
 * MRTD, which the TDX module computes while the host builds the trust domain (TDX Module Base Architecture, "MRTD: Build-Time
 * Measurement Register"). One SHA-384 over, in the order of the host's calls:
 *
 *   TDH.MEM.PAGE.ADD   'MEM.PAGE.ADD' padded to 16 ‖ address (8, little-endian) ‖ zero to 128
 *   TDH.MR.EXTEND      'MR.EXTEND' padded to 16 ‖ address (8) ‖ zero to 128 ‖ the 256 bytes at that address
 *
 * The module fixes what is hashed, not in which order the host calls it, and hosts differ:
 *   single-pass  each page is added and measured, then the next (Linux' KVM as merged in 6.16; QEMU 10.1; most others)
 *   two-pass     all pages of a section are added, then all are measured (KVM patches v19, as in Ubuntu 24.04's TDX preview)
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, utf8, Writer } from '../../bytes.ts';
import { pageSize, type Tdvf, type TdvfSection } from './tdvf.ts';

export const pageAddOrders = ['single-pass', 'two-pass'] as const;
export type PageAddOrder = (typeof pageAddOrders)[number];

const chunkSize = 256;

export function computeMrtd({ sections }: Tdvf, order: PageAddOrder): Bytes {
  const hash = sha384.create();
  for (const section of sections) {
    const memory = contentsOf(section);
    const end = section.address + section.size;
    const addPage = (page: number) => {
      if (!section.augmented) hash.update(call('MEM.PAGE.ADD', page));
    };
    const measurePage = (page: number) => {
      if (section.measured) hash.update(measuredPage(memory, section.address, page));
    };
    for (let page = section.address; page < end; page += pageSize) {
      addPage(page);
      if (order === 'single-pass') measurePage(page);
    }
    if (order === 'two-pass') {
      for (let page = section.address; page < end; page += pageSize) measurePage(page);
    }
  }
  return hash.digest();
}

/** Memory that the flash does not fill is zero, and is measured as such. */
function contentsOf({ measured, data, size }: TdvfSection): Bytes {
  if (!measured || data.length === size) return data;
  const memory = new Uint8Array(size);
  memory.set(data);
  return memory;
}

function measuredPage(memory: Bytes, base: number, page: number): Bytes {
  const parts: Bytes[] = [];
  for (let at = page; at < page + pageSize; at += chunkSize) {
    parts.push(call('MR.EXTEND', at), memory.subarray(at - base, at - base + chunkSize));
  }
  return concat(...parts);
}

function call(name: 'MEM.PAGE.ADD' | 'MR.EXTEND', address: number): Bytes {
  const text = utf8(name);
  return new Writer(128)
    .bytes(text, text.length)
    .zero(16 - text.length)
    .u64le(BigInt(address))
    .zero(104)
    .finish();
}
