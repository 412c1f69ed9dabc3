/** What UEFI firmware measures, byte by byte: variables, load options, device paths (UEFI 2.10; TCG PC Client PFP 1.06). */
import { type Bytes, concat, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { guidBytes } from '../guid.ts';

export const globalVariableGuid = guidBytes('8be4df61-93ca-11d2-aa0d-00e098032b8c');
const securityDatabaseGuid = guidBytes('d719b2cb-3d3a-4596-a3bc-dad00e67656f');

/** In the order in which they are measured. */
export const secureBootVariables = ['SecureBoot', 'PK', 'KEK', 'db', 'dbx'] as const;
export type SecureBootVariable = (typeof secureBootVariables)[number];

/**
 * Printable ASCII as UTF-16LE: firmware widens a command line byte by byte, so anything else would not be text afterwards.
 * @throws AttestationError `value-out-of-range`
 */
export function utf16le(text: string, what: string): Bytes {
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw new AttestationError(
      'value-out-of-range',
      `${what} has characters other than printable ASCII`,
    );
  }
  const out = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) out[2 * i] = text.charCodeAt(i);
  return out;
}

/** UEFI_VARIABLE_DATA: GUID, characters of the name (8), bytes of the data (8), name without NUL, data. */
export function variableData(name: SecureBootVariable, data: Bytes): Bytes {
  const vendor = name.startsWith('db') ? securityDatabaseGuid : globalVariableGuid;
  const lengths = new Writer(16).u64le(BigInt(name.length)).u64le(BigInt(data.length)).finish();
  return concat(vendor, lengths, utf16le(name, 'name'), data);
}

/** Numbers of boot options, 16 bits each. */
export function bootOrderData(order: readonly number[]): Bytes {
  const writer = new Writer(2 * order.length);
  for (const number of order) writer.u16le(number);
  return writer.finish();
}

/** EFI_LOAD_OPTION of an application inside a firmware volume: attributes, length of the path, description, path. */
export function firmwareFileOption(
  attributes: number,
  description: string,
  volume: string,
  file: string,
): Bytes {
  const path = concat(
    pathNode(4, 7, guidBytes(volume)),
    pathNode(4, 6, guidBytes(file)),
    pathNode(0x7f, 0xff, new Uint8Array()),
  );
  const head = new Writer(6).u32le(attributes).u16le(path.length).finish();
  return concat(head, utf16le(description, 'description'), new Uint8Array(2), path);
}

function pathNode(type: number, subtype: number, data: Bytes): Bytes {
  const head = new Writer(4)
    .u8(type)
    .u8(subtype)
    .u16le(4 + data.length);
  return concat(head.finish(), data);
}

/** Whether a variable store holds a platform key: then Secure Boot's variables are not empty. */
export function holdsPlatformKey(store: Bytes): boolean {
  const wanted = concat(globalVariableGuid, utf16le('PK', 'name'), new Uint8Array(2));
  return indexOf(store, wanted) >= 0;
}

function indexOf(bytes: Bytes, wanted: Bytes): number {
  const first = wanted[0] as number;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + wanted.length > bytes.length) return -1;
    let i = 1;
    while (i < wanted.length && bytes[at + i] === wanted[i]) i++;
    if (i === wanted.length) return at;
  }
  return -1;
}
