/** EFI device paths (UEFI 2.10, 10.3) in words, as far as boots use them; other nodes by their numbers. */
import { type Bytes, Reader, toHex } from '../../bytes.ts';
import { guidOf } from './guid.ts';
import { printable, textTo0, utf16To0 } from './text.ts';

const maxNodes = 64;
const headLength = 4;

/** Nodes joined by `/`; what cannot be read ends with `…`. */
export function devicePathText(path: Bytes): string {
  const parts: string[] = [];
  for (let at = 0; at + headLength <= path.length && parts.length < maxNodes; ) {
    const [type = 0, subtype = 0, low = 0, high = 0] = path.subarray(at, at + headLength);
    const length = low + 256 * high;
    if (type === 0x7f) return parts.join('/');
    if (length < headLength || at + length > path.length) break;
    parts.push(nodeText(type, subtype, path.subarray(at + headLength, at + length)));
    at += length;
  }
  return [...parts, '…'].join('/');
}

type Describe = (data: Bytes) => string | null;

const hex = (value: number | bigint) => `0x${value.toString(16)}`;
const withLength =
  (length: number, describe: Describe): Describe =>
  (data) =>
    data.length >= length ? describe(data) : null;

/** By type and subtype. */
const describers: Readonly<Record<string, Describe>> = {
  '1.1': withLength(2, ([fn = 0, device = 0]) => `Pci(${hex(device)},${hex(fn)})`),
  '1.4': withLength(16, (data) => `Vendor(${guidOf(data.subarray(0, 16))})`),
  '2.1': withLength(8, acpi),
  '3.2': withLength(4, (data) => `Scsi(${u16(data, 0)},${u16(data, 2)})`),
  '3.5': withLength(2, ([port = 0, face = 0]) => `USB(${hex(port)},${hex(face)})`),
  '3.11': withLength(6, (data) => `MAC(${toHex(data.subarray(0, 6))})`),
  '3.12': () => 'IPv4',
  '3.13': () => 'IPv6',
  '3.18': withLength(4, (data) => `Sata(${u16(data, 0)})`),
  '3.23': withLength(4, (data) => `NVMe(${u16(data, 0)})`),
  '4.1': withLength(38, partition),
  '4.3': withLength(16, (data) => `VenMedia(${guidOf(data.subarray(0, 16))})`),
  '4.4': filePath,
  '4.6': withLength(16, (data) => `FvFile(${guidOf(data.subarray(0, 16))})`),
  '4.7': withLength(16, (data) => `Fv(${guidOf(data.subarray(0, 16))})`),
  '4.8': withLength(20, (data) => {
    const reader = new Reader(data.subarray(4, 20), 'offset range');
    return `Offset(${hex(reader.u64le('start'))},${hex(reader.u64le('end'))})`;
  }),
  '5.1': withLength(4, (data) => `BBS(${printable(textTo0(data.subarray(4)) ?? '')})`),
};

function nodeText(type: number, subtype: number, data: Bytes): string {
  const known = describers[`${type}.${subtype}`]?.(data) ?? null;
  return known ?? `Path(${type},${subtype},${toHex(data.subarray(0, 32))})`;
}

function u16(data: Bytes, at: number): number {
  return new Reader(data.subarray(at, at + 2), 'device path').u16le('number');
}

/** HID of PNP0A03 and PNP0A08, the roots of PCI. */
const pciRoots = [0x0a0341d0, 0x0a0841d0];

function acpi(data: Bytes): string {
  const reader = new Reader(data, 'device path');
  const hid = reader.u32le('HID');
  const uid = reader.u32le('UID');
  return pciRoots.includes(hid) ? `PciRoot(${hex(uid)})` : `Acpi(${hex(hid)},${hex(uid)})`;
}

function partition(data: Bytes): string {
  const reader = new Reader(data, 'device path');
  const number = reader.u32le('partition');
  reader.bytes(16, 'start and size');
  const signature = reader.bytes(16, 'signature');
  const form = reader.u8('form');
  const type = reader.u8('type of signature');
  if (form === 2 && type === 2) return `HD(${number},GPT,${guidOf(signature)})`;
  return `HD(${number},MBR,${toHex(signature.subarray(0, 4))})`;
}

function filePath(data: Bytes): string | null {
  const text = utf16To0(data);
  return text === null ? null : printable(text);
}
