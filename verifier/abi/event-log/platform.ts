/** Firmware volumes, configuration tables and platform settings: what is measured stands elsewhere, here is its name. */
import { type Bytes, Reader } from '../../bytes.ts';
import type { EventView } from './event-view.ts';
import { printable, textTo0 } from './text.ts';
import { eventTypes, type LogEvent } from './types.ts';
import { bytesText } from './variable.ts';

export function viewConfiguration(event: LogEvent): EventView | null {
  const { type, data } = event;
  switch (type) {
    case eventTypes.platformFirmwareBlob:
      return data.length === 16 ? { what: `firmware ${blobPlace(data)}`, parts: [] } : null;
    case eventTypes.platformFirmwareBlob2:
      return viewBlob2(data);
    case eventTypes.handoffTables2:
      return viewTables(data);
    default:
      return viewFlags(data);
  }
}

/** UEFI_PLATFORM_FIRMWARE_BLOB2: length (1), description, place (8), length (8). */
function viewBlob2(data: Bytes): EventView | null {
  const named = readNamed(data);
  if (named === null || named.rest.length !== 16) return null;
  return { what: `firmware ${named.name} ${blobPlace(named.rest)}`, parts: [] };
}

/** UEFI_HANDOFF_TABLE_POINTERS2: length (1), description, number of tables (8), each GUID and place. */
function viewTables(data: Bytes): EventView | null {
  const named = readNamed(data);
  if (named === null || named.rest.length < 8) return null;
  const count = new Reader(named.rest, 'tables').u64le('number of tables');
  return {
    what: `configuration ${named.name}: ${count} table${count === 1n ? '' : 's'}`,
    parts: [],
  };
}

function readNamed(data: Bytes): { name: string; rest: Bytes } | null {
  const length = data[0] ?? 0;
  if (length === 0 || data.length < 1 + length) return null;
  const name = textTo0(data.subarray(1, 1 + length));
  return name === null ? null : { name: printable(name), rest: data.subarray(1 + length) };
}

function blobPlace(data: Bytes): string {
  const reader = new Reader(data, 'firmware');
  const place = reader.u64le('place');
  return `at 0x${place.toString(16)}, ${reader.u64le('length')} bytes`;
}

/** td-shim: a name (16), length (4), and what is measured itself. Others write a name alone. */
function viewFlags(data: Bytes): EventView | null {
  const name = textTo0(data.subarray(0, 16));
  if (name === 'td_payload_info' && data.length > 20) {
    const line = printable(textTo0(data.subarray(20)) ?? '');
    return { what: `kernel command line, by td-shim: ${line}`, parts: [] };
  }
  if (name === 'td_hob') return { what: `TD HOB, by td-shim: ${data.length} bytes`, parts: [] };
  const text = textTo0(data);
  return text !== null && /^[\x20-\x7e]{3,}$/.test(text)
    ? { what: `configuration “${printable(text)}”`, parts: [] }
    : null;
}

/** Google's: what keeps the guest's memory from the host (EV_NONHOST_INFO, 'GCE NonHostInfo'). */
const technologies = [
  'no confidential technology',
  'AMD SEV',
  'AMD SEV-ES',
  'Intel TDX',
  'AMD SEV-SNP',
];

export function viewNonhost(data: Bytes): EventView | null {
  if (textTo0(data.subarray(0, 16)) !== 'GCE NonHostInfo' || data.length !== 32) return null;
  const technology = technologies[data[16] as number] ?? bytesText(data.subarray(16));
  return { what: `Google’s host: ${technology}`, parts: [] };
}
