/**
 * The certificate table of an SNP extended report ⇄ bytes: AMD document 56421 (GHCB), 4.1.8.1. The
 * host writes it and nothing signs it: a certificate in it counts only by its own signature.
 */
import { type Bytes, concat, fromHex, isZero, Reader, toHex, Writer } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';

/**
 * `guid` in its text form, lower case; `data` is whatever the host put there, DER or PEM by custom.
 */
export type SnpCertificate = { readonly guid: string; readonly data: Bytes };

/** The GUIDs that AMD gave out. ASK stands for the ASVK too, beside a VLEK. */
export const snpCertificateGuids = {
  vcek: '63da758d-e664-4564-adc5-f4b93be8accd',
  vlek: 'a8074bc2-a25a-483e-aae6-39c045a0b8a1',
  ask: '4ab7b379-bbac-4fe4-a02f-05aef327c782',
  ark: 'c0b406a4-a803-4952-9743-3fb6014cd0ae',
  crl: '92f81bc3-5811-4d3d-97ff-d19f88dc67ea',
} as const;

/** GUID, offset and length. */
const entryLength = 24;
const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Entries in the table's order, those with unknown GUIDs too. The bytes after the last certificate
 * are zero: hosts pad to whole pages.
 * @throws AttestationError `length-wrong` when the table has no end or an entry points outside the
 *   bytes, `value-out-of-range` for an empty or repeated entry or one that points into the table
 *   itself, `reserved-not-zero` for bytes after the last certificate
 */
export function parseCertificateTable(bytes: Bytes): SnpCertificate[] {
  const entries = parseEntries(bytes);
  const tableEnd = entryLength * (entries.length + 1);
  let end = tableEnd;
  const seen = new Set<string>();
  // Entries that overlap would let a small table stand for gigabytes.
  let total = 0;
  const found = entries.map(({ guid, offset, length }) => {
    if (length === 0) throw outOfRange(guid, 'at least 1 byte of data', 'none');
    if (offset < tableEnd) throw outOfRange(guid, `an offset of ${tableEnd} or more`, offset);
    if (seen.has(guid)) throw outOfRange(guid, 'one entry', 'a second one');
    if (offset + length > bytes.length) {
      throw new AttestationError(
        'length-wrong',
        `SNP certificate table: ${guid} ends at byte ${offset + length} of ${bytes.length}`,
      );
    }
    total += length;
    if (total > bytes.length) {
      throw new AttestationError('length-wrong', 'SNP certificate table: its entries overlap');
    }
    seen.add(guid);
    end = Math.max(end, offset + length);
    return { guid, data: new Uint8Array(bytes.subarray(offset, offset + length)) };
  });
  if (!isZero(bytes.subarray(end))) {
    throw new AttestationError(
      'reserved-not-zero',
      `SNP certificate table: bytes from ${end} on, after its last certificate, are not zero`,
    );
  }
  return found;
}

/** Entry = 16 bytes GUID ‖ u32 offset ‖ u32 length, little-endian; a zero entry ends the table. */
function parseEntries(bytes: Bytes): { guid: string; offset: number; length: number }[] {
  const reader = new Reader(bytes, 'SNP certificate table');
  const entries = [];
  for (;;) {
    const guid = reader.bytes(16, 'GUID');
    const offset = reader.u32le('offset');
    const length = reader.u32le('length');
    if (isZero(guid)) {
      if (offset === 0 && length === 0) return entries;
      throw outOfRange(guidText(guid), 'offset and length 0', `${offset} and ${length}`);
    }
    entries.push({ guid: guidText(guid), offset, length });
  }
}

/**
 * The inverse of `parseCertificateTable`: the data in order right after the table, without padding.
 * @throws RangeError for a malformed, zero or repeated GUID, or an entry without data
 */
export function encodeCertificateTable(certificates: readonly SnpCertificate[]): Bytes {
  const tableEnd = entryLength * (certificates.length + 1);
  const writer = new Writer(tableEnd);
  let offset = tableEnd;
  for (const { guid, data } of certificates) {
    if (!guidPattern.test(guid) || /^[0-]*$/.test(guid)) throw new RangeError(`bad GUID ${guid}`);
    if (data.length === 0) throw new RangeError(`${guid} has no data`);
    writer.bytes(guidBytes(guid), 16).u32le(offset).u32le(data.length);
    offset += data.length;
  }
  if (new Set(certificates.map(({ guid }) => guid)).size !== certificates.length) {
    throw new RangeError('a GUID occurs twice');
  }
  return concat(writer.zero(entryLength).finish(), ...certificates.map(({ data }) => data));
}

/** RFC 4122 byte order: the 16 bytes are the hex digits of the text in order, no part swapped. */
function guidText(guid: Bytes): string {
  return toHex(guid).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function guidBytes(guid: string): Bytes {
  return fromHex(guid.replaceAll('-', ''), 'GUID', 16);
}

function outOfRange(guid: string, expected: string, actual: string | number): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `SNP certificate table: ${guid} should have ${expected}, got ${actual}`,
  );
}
