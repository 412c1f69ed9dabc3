/**
 * The table at the end of OVMF's flash image (edk2, OvmfPkg/ResetVector/Ia16/ResetVectorVtf0.asm): it is read backwards from the
 * footer, which ends 32 bytes before the end of the image.
 *
 *   entry  = data ‖ length (u16, of the whole entry) ‖ GUID
 *   footer = an entry without data, whose length is that of the whole table
 */
import { type Bytes, Reader } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { guidText } from '../guid.ts';

const footerGuid = '96b582de-1fb2-45f7-baea-a366c55a082d';
const entryHeaderLength = 18;
/** The reset vector's own code. */
const afterTable = 32;

/** Data of each entry, by GUID. */
export type GuidedTable = ReadonlyMap<string, Bytes>;

/**
 * Every byte of the table belongs to one entry, and no GUID occurs twice.
 * @param what names the image in errors
 * @throws AttestationError `form-unknown` without a footer, `length-wrong`, `value-out-of-range`
 */
export function readGuidedTable(image: Bytes, what: string): GuidedTable {
  const end = image.length - afterTable;
  const footer = end >= entryHeaderLength ? headerBefore(image, end) : null;
  if (footer?.guid !== footerGuid) {
    throw new AttestationError(
      'form-unknown',
      `${what}: there is no GUIDed table before the reset vector, so it is no OVMF image for AMD SEV`,
    );
  }
  const start = end - footer.length;
  if (footer.length < entryHeaderLength || start < 0) {
    throw lengthWrong(what, 'the table', footer.length, end);
  }
  const table = new Map<string, Bytes>();
  for (let at = end - entryHeaderLength; at > start; ) {
    if (at - start < entryHeaderLength) throw lengthWrong(what, 'an entry', at - start, at - start);
    const { guid, length } = headerBefore(image, at);
    if (length < entryHeaderLength || length > at - start) {
      throw lengthWrong(what, `entry ${guid}`, length, at - start);
    }
    if (table.has(guid) || guid === footerGuid) {
      throw new AttestationError('value-out-of-range', `${what}: entry ${guid} occurs twice`);
    }
    table.set(guid, image.slice(at - length, at - entryHeaderLength));
    at -= length;
  }
  return table;
}

function headerBefore(image: Bytes, end: number): { length: number; guid: string } {
  const reader = new Reader(image.subarray(end - entryHeaderLength, end), 'GUIDed table');
  return { length: reader.u16le('length'), guid: guidText(reader.bytes(16, 'GUID')) };
}

function lengthWrong(what: string, part: string, length: number, room: number): AttestationError {
  return new AttestationError(
    'length-wrong',
    `${what}: GUIDed table: ${part} has ${length} bytes, expected ${entryHeaderLength} to ${room}`,
  );
}
