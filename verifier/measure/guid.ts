/** GUIDs as firmware writes them (UEFI 2.10, appendix A): three parts little-endian, the other two as they are read. */
import { type Bytes, fromHex, toHex } from '../bytes.ts';

const pattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where each of the 16 bytes stands in the text; the mapping is its own inverse. */
const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** @param text 8-4-4-4-12 lower-case hex digits @returns 16 bytes @throws RangeError */
export function guidBytes(text: string): Bytes {
  if (!pattern.test(text)) throw new RangeError(`not a GUID in lower case: ${text}`);
  return reorder(fromHex(text.replaceAll('-', ''), 'GUID', 16));
}

/** @param bytes 16 of them @throws RangeError */
export function guidText(bytes: Bytes): string {
  if (bytes.length !== 16) throw new RangeError(`a GUID has 16 bytes, got ${bytes.length}`);
  const hex = toHex(reorder(bytes));
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

function reorder(bytes: Bytes): Bytes {
  return Uint8Array.from(order, (at) => bytes[at] as number);
}
