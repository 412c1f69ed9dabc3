/** UEFI_VARIABLE_DATA (PFP 1.06, 10.2.6) in words: Secure Boot's variables, boot options, and those of shim. */
import { type Bytes, Reader, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { devicePathText } from './device-path.ts';
import type { EventView } from './event-view.ts';
import { guidName, guidOf } from './guid.ts';
import { countSignatures, readAuthority, readSignatureLists } from './signature-list.ts';
import { printable, textTo0, utf16To0 } from './text.ts';

export type Variable = { readonly guid: string; readonly name: string; readonly data: Bytes };

const maxName = 1024;

/** @returns null for bytes that are no variable */
export function readVariable(bytes: Bytes): Variable | null {
  try {
    const reader = new Reader(bytes, 'variable');
    const guid = guidOf(reader.bytes(16, 'GUID'));
    const characters = reader.u64le('length of the name');
    const length = reader.u64le('length of the data');
    if (characters > BigInt(maxName) || length > BigInt(reader.left)) return null;
    const name = new TextDecoder('utf-16le').decode(reader.bytes(2 * Number(characters), 'name'));
    const data = reader.bytes(Number(length), 'data');
    reader.end();
    return { guid, name: printable(name), data };
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

export function viewVariable(variable: Variable): EventView {
  const { name, data, guid } = variable;
  const parts = [{ name: 'of', value: guidName(guid) }];
  const seen = contentsOf(variable);
  if (seen !== null) return { what: `${name}: ${seen.what}`, parts: [...parts, ...seen.parts] };
  return { what: `${name}: ${bytesText(data)}`, parts };
}

/** One entry of a database that vouched for what was started, with the database's name. */
export function viewAuthority(variable: Variable): EventView {
  const signature = readAuthority(variable.data);
  if (signature === null) return viewVariable(variable);
  const { name, guid } = variable;
  return {
    what: `started by word of ${name}: ${signature.kind} ${signature.what}`,
    parts: [{ name: 'of', value: guidName(guid) }],
  };
}

const databases = ['PK', 'KEK', 'db', 'dbx', 'dbt', 'dbr', 'MokListRT', 'MokListXRT'];
const switches = ['SecureBoot', 'SetupMode', 'AuditMode', 'DeployedMode', 'MokListTrusted'];

function contentsOf({ name, data }: Variable): EventView | null {
  if (switches.includes(name) && data.length <= 1) {
    const state = data.length === 0 ? 'off, it is empty' : data[0] === 0 ? 'off' : 'on';
    return { what: state, parts: [] };
  }
  if (databases.includes(name)) return viewDatabase(data);
  if (name === 'BootOrder' || name === 'DriverOrder') return viewOrder(data);
  if (/^(?:Boot|Driver)[0-9A-F]{4}$/.test(name)) return viewOption(data);
  const text = textTo0(data) ?? '';
  return /^[\x20-\x7e\s]{3,}$/.test(text) && text.length >= data.length - 1
    ? { what: printable(text), parts: [] }
    : null;
}

function viewDatabase(data: Bytes): EventView | null {
  const signatures = readSignatureLists(data);
  if (signatures === null) return null;
  return {
    what: countSignatures(signatures),
    parts: signatures.map(({ kind, what }) => ({ name: kind, value: what })),
  };
}

function viewOrder(data: Bytes): EventView | null {
  if (data.length % 2 !== 0 || data.length > 2 * maxName) return null;
  const numbers = Array.from({ length: data.length / 2 }, (_, i) =>
    toHex(data.slice(2 * i, 2 * i + 2).reverse()),
  );
  return { what: numbers.join(', ') || 'empty', parts: [] };
}

/** EFI_LOAD_OPTION: attributes (4), length of the path (2), description in UTF-16, path, optional data. */
function viewOption(data: Bytes): EventView | null {
  const description = utf16To0(data.subarray(6));
  if (description === null) return null;
  const reader = new Reader(data, 'boot option');
  const active = (reader.u32le('attributes') & 1) === 1;
  const length = reader.u16le('length of the path');
  const at = 6 + 2 * description.length + 2;
  const path = devicePathText(data.subarray(at, at + length));
  const rest = data.subarray(at + length);
  return {
    what: `“${printable(description)}” ${path}${active ? '' : ' (not active)'}`,
    parts: rest.length === 0 ? [] : [{ name: 'optional data', value: bytesText(rest) }],
  };
}

export function bytesText(bytes: Bytes): string {
  if (bytes.length === 0) return 'empty';
  if (bytes.length > 32) return `${bytes.length} bytes`;
  return toHex(bytes);
}
