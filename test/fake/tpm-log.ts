/** Writes TCG2 event logs (PC Client Platform Firmware Profile 1.06, 10): crypto-agile, little-endian. */

import { type TpmHash, tpmHashes } from '#verifier/abi/tpm/hash.ts';
import { type Bytes, concat, utf8 } from '#verifier/bytes.ts';

export const eventTypes = { noAction: 3, separator: 4, ipl: 0x0d } as const;

export type FakeEvent = {
  pcr: number;
  type: number;
  digests: readonly (readonly [TpmHash, Bytes])[];
  data: Bytes;
};

/** TCG_PCR_EVENT with the Spec ID structure, then each event as TCG_PCR_EVENT2. */
export function encodeEventLog(banks: readonly TpmHash[], events: readonly FakeEvent[]): Bytes {
  const specId = concat(
    utf8('Spec ID Event03\0'),
    u32(0),
    Uint8Array.of(0, 2, 0, 2),
    u32(banks.length),
    ...banks.map((bank) => concat(u16(tpmHashes[bank].id), u16(tpmHashes[bank].length))),
    Uint8Array.of(0),
  );
  const header = concat(u32(0), u32(eventTypes.noAction), new Uint8Array(20), u32(specId.length));
  return concat(header, specId, ...events.map(encodeEvent));
}

function encodeEvent({ pcr, type, digests, data }: FakeEvent): Bytes {
  const values = digests.map(([bank, digest]) => concat(u16(tpmHashes[bank].id), digest));
  return concat(u32(pcr), u32(type), u32(digests.length), ...values, u32(data.length), data);
}

function u16(value: number): Bytes {
  return Uint8Array.of(value & 0xff, value >> 8);
}

function u32(value: number): Bytes {
  return Uint8Array.of(value, value >> 8, value >> 16, value >>> 24);
}
