/**
 * The digests of what QEMU boots directly, as it hands them to firmware that checks them (QEMU, target/i386/sev.c).
 *
 *   entry = GUID ‖ length (u16, 50) ‖ SHA-256
 *   table = GUID ‖ length (u16, 168) ‖ command line ‖ initrd ‖ kernel, then zeros up to 176 bytes
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, utf8, Writer } from '../../bytes.ts';
import { guidBytes } from '../guid.ts';
import { pageLength } from './launch.ts';

/** SHA-256 each. The kernel is hashed as its file is: QEMU does not fill in the setup header of an encrypted guest. */
export type KernelHashes = { kernel: Bytes; initrd: Bytes; commandLine: Bytes };

const tableGuid = guidBytes('9438d606-4f22-4cc9-b479-a793d411fd21');
const entryGuids = {
  commandLine: guidBytes('97d02dd8-bd20-4c94-aa78-e7714d36ab2a'),
  initrd: guidBytes('44baf731-3a2f-4bd7-9af1-41e29169781d'),
  kernel: guidBytes('4de79437-abd2-427f-b835-d5b172d2045b'),
} as const satisfies Record<keyof KernelHashes, Bytes>;
const entryLength = 50;
const tableLength = 18 + 3 * entryLength;
/** The table with its zeros: whole blocks of AES. */
export const hashTableLength = 176;

/** SHA-256 of no bytes: where there is no initrd. */
export const noInitrd: Bytes = sha256(new Uint8Array(0));

/** With the NUL that ends it. @throws RangeError for a NUL inside */
export function hashCommandLine(text: string): Bytes {
  if (text.includes('\0')) throw new RangeError('a command line holds no NUL');
  return sha256(concat(utf8(text), Uint8Array.of(0)));
}

/** @param offset of the table in its page @returns 4096 bytes @throws RangeError */
export function kernelHashesPage(hashes: KernelHashes, offset: number): Bytes {
  const writer = new Writer(pageLength).zero(offset).bytes(tableGuid, 16).u16le(tableLength);
  for (const name of ['commandLine', 'initrd', 'kernel'] as const) {
    writer.bytes(entryGuids[name], 16).u16le(entryLength).bytes(hashes[name], 32);
  }
  return writer.zero(pageLength - offset - tableLength).finish();
}
