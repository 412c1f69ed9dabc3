/** TPML_PCR_SELECTION ⇄ bytes (TPM 2.0 Library Part 2, 10.6 and 10.9): which PCRs of which banks. */
import { type Bytes, concat, type Reader } from '../../bytes.ts';
import { pcrCount, type TpmHash, tpmHashes, tpmHashNames } from './hash.ts';
import { outOfRange, readHash, readU32, u16, u32 } from './wire.ts';

/** Of one bank; `indices` ascend, and are none in a bank that is named without selecting from it. */
export type PcrSelection = { algorithm: TpmHash; indices: readonly number[] };

/** Bytes of the bit map: 24 PCRs (PC Client Platform TPM Profile, PCR_SELECT_MIN and PCR_SELECT_MAX). */
const mapLength = pcrCount / 8;

/** @throws AttestationError `length-wrong`, `value-out-of-range` */
export function readSelections(reader: Reader): PcrSelection[] {
  const count = readU32(reader, 'number of PCR selections');
  if (count > tpmHashNames.length)
    throw outOfRange('number of PCR selections', `0 to ${tpmHashNames.length}`, `${count}`);
  const found: PcrSelection[] = [];
  for (let i = 0; i < count; i++) {
    const algorithm = readHash(reader, 'hash algorithm of a PCR bank');
    if (found.some((other) => other.algorithm === algorithm))
      throw outOfRange('list of PCR selections', 'one for each bank', `two for ${algorithm}`);
    const length = reader.u8('length of a PCR selection');
    if (length !== mapLength)
      throw outOfRange('length of a PCR selection', `${mapLength} bytes`, `${length}`);
    found.push({ algorithm, indices: indicesOf(reader.bytes(mapLength, 'PCR selection')) });
  }
  return found;
}

/** The inverse of `readSelections`. @throws RangeError for an index that no bank has */
export function encodeSelections(selections: readonly PcrSelection[]): Bytes {
  const banks = selections.map(({ algorithm, indices }) => {
    const map = new Uint8Array(mapLength);
    for (const index of indices) {
      if (!Number.isInteger(index) || index < 0 || index >= pcrCount)
        throw new RangeError(`there is no PCR ${index}`);
      map[index >> 3] = (map[index >> 3] as number) | (1 << (index & 7));
    }
    return concat(u16(tpmHashes[algorithm].id), Uint8Array.of(mapLength), map);
  });
  return concat(u32(banks.length), ...banks);
}

/** PCR n is bit n mod 8, least significant first, of byte ⌊n/8⌋. */
export function indicesOf(map: Bytes): number[] {
  const all = Array.from({ length: 8 * map.length }, (_, index) => index);
  return all.filter((index) => (((map[index >> 3] as number) >> (index & 7)) & 1) === 1);
}

/** `sha256: 0, 1, 4` */
export function selectionText(selections: readonly PcrSelection[]): string {
  return selections
    .map(({ algorithm, indices }) => `${algorithm}: ${indices.join(', ') || 'none'}`)
    .join('; ');
}
