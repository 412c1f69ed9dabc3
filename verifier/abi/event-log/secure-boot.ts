/**
 * Whether Secure Boot is on, by digests alone: firmware measures the variable SecureBoot, as UEFI_VARIABLE_DATA, into PCR 7 before
 * that register's separator (PFP 1.06, 3.3.4.8). What comes after the separator is not the firmware's word.
 */
import { type Bytes, concat, equalBytes, Writer } from '../../bytes.ts';
import { hashOf, type TpmHash } from '../tpm/hash.ts';
import { digestOf } from './replay.ts';
import type { LogEvent } from './types.ts';

/** 8be4df61-93ca-11d2-aa0d-00e098032b8c */
const globalVariable = [
  0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];
const variableName = 'SecureBoot';

/** As a log numbers them; RTMR0 stands for PCR 1 and 7. */
export const secureBootRegister = { pcr: 7, rtmr: 1 } as const;

/** @param events of PCR 7, or of RTMR0, of a log that replays to it @returns null when none tells */
export function secureBootOf(events: readonly LogEvent[], algorithm: TpmHash): boolean | null {
  const digests = events.map((event) => digestOf(event, algorithm));
  const is = (digest: Bytes) => (other: Bytes) => equalBytes(digest, other);
  const separator = digests.findIndex(is(hashOf(algorithm, new Uint8Array(4))));
  const before = separator < 0 ? digests : digests.slice(0, separator);
  const measured = (...contents: number[]) =>
    before.some(is(hashOf(algorithm, secureBootVariable(Uint8Array.from(contents)))));
  // Firmware without keys has no such variable, and measures it empty.
  if (measured(0) || measured()) return false;
  return measured(1) ? true : null;
}

/** UEFI_VARIABLE_DATA: GUID, characters of the name (8), bytes of the data (8), name without NUL, data. */
function secureBootVariable(data: Bytes): Bytes {
  const lengths = new Writer(16).u64le(BigInt(variableName.length)).u64le(BigInt(data.length));
  const name = new Writer(2 * variableName.length);
  for (const character of variableName) name.u16le(character.charCodeAt(0));
  return concat(Uint8Array.from(globalVariable), lengths.finish(), name.finish(), data);
}
