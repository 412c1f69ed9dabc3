/**
 * PE/COFF images and the digest that firmware measures of them: Authenticode's, as edk2 computes it
 * (OvmfPkg/Tcg/TdTcg2Dxe/MeasureBootPeCoff.c, after the PE/COFF specification 8.0, appendix A).
 *
 *   digest = H( headers but for the checksum and the certificate table's directory entry
 *             ‖ sections in the order in which they stand in the file
 *             ‖ what follows, but for the certificate table )
 *
 * Unlike signing tools, the firmware pads nothing: an unsigned image of a length that is no multiple of eight has another digest
 * than its signed twin.
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, Reader } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';

export type PeSection = {
  /** Up to eight bytes, without trailing NULs. */
  readonly name: string;
  /** Bytes in memory. */
  readonly virtualSize: number;
  /** Bytes in the file. */
  readonly data: Bytes;
};

export type PeImage = {
  /** Parts of the file that are hashed, in order. */
  readonly hashed: readonly Bytes[];
  /** As the table lists them. */
  readonly sections: readonly PeSection[];
  /** The certificate table, empty where the image is unsigned. */
  readonly certificates: Bytes;
};

type Placed = PeSection & { readonly at: number };

const maxSections = 96;
const sectionHeaderLength = 40;
const securityDirectory = 4;

/** @throws AttestationError `form-unknown`, `length-wrong`, `value-out-of-range` */
export function parsePe(file: Bytes, what: string): PeImage {
  const headers = readHeaders(file, what);
  const { checksumAt, directoryAt, sizeOfHeaders, certificate, sections } = headers;
  const hashed = [file.subarray(0, checksumAt)];
  if (directoryAt === null) hashed.push(file.subarray(checksumAt + 4, sizeOfHeaders));
  else {
    hashed.push(file.subarray(checksumAt + 4, directoryAt));
    hashed.push(file.subarray(directoryAt + 8, sizeOfHeaders));
  }
  let covered = sizeOfHeaders;
  let end = sizeOfHeaders;
  const stored = sections.filter(({ data }) => data.length > 0).sort((a, b) => a.at - b.at);
  for (const { name, at, data } of stored) {
    if (at < end) {
      throw outOfRange(what, `section ${name} overlaps what stands before it in the file`);
    }
    hashed.push(data);
    covered += data.length;
    end = at + data.length;
  }
  const contents = file.length - certificate.size;
  if (certificate.size > 0 && certificate.at !== contents) {
    throw outOfRange(what, 'its certificate table is not what the file ends with');
  }
  if (end > contents) throw outOfRange(what, 'its certificate table overlaps a section');
  if (covered < contents) hashed.push(file.subarray(covered, contents));
  return { hashed, sections, certificates: file.subarray(contents) };
}

/** @param create a hash, SHA-384 unless it is said otherwise */
export function peDigest(
  image: PeImage,
  create: () => { update(bytes: Bytes): unknown; digest(): Bytes } = () => sha384.create(),
): Bytes {
  const hash = create();
  for (const part of image.hashed) hash.update(part);
  return hash.digest();
}

/** What a section holds in memory: cut, or filled with zeros, to its size there. */
export function sectionInMemory({ data, virtualSize }: PeSection): Bytes {
  if (data.length >= virtualSize) return data.subarray(0, virtualSize);
  const memory = new Uint8Array(virtualSize);
  memory.set(data);
  return memory;
}

function readHeaders(file: Bytes, what: string) {
  if (file.length < 64 || file[0] !== 0x4d || file[1] !== 0x5a) {
    throw new AttestationError('form-unknown', `${what} is no PE image: it does not begin with MZ`);
  }
  const peAt = new Reader(file.subarray(0x3c), what).u32le('e_lfanew');
  if (peAt < 64 || peAt > file.length - 24) {
    throw lengthWrong(what, `its PE header at ${peAt}`, file);
  }
  const reader = new Reader(file.subarray(peAt), what);
  if (reader.u32le('signature') !== 0x4550) {
    throw new AttestationError('form-unknown', `${what} is no PE image: it has no PE signature`);
  }
  reader.bytes(2, 'machine');
  const count = reader.u16le('number of sections');
  reader.bytes(12, 'time and symbols');
  const optionalLength = reader.u16le('size of optional header');
  reader.bytes(2, 'characteristics');
  const optionalAt = peAt + reader.offset;
  const magic = reader.u16le('magic');
  if (magic !== 0x10b && magic !== 0x20b) {
    throw new AttestationError(
      'form-unknown',
      `${what} has the optional header 0x${magic.toString(16)}, known are PE32 and PE32+`,
    );
  }
  const directoriesAt = magic === 0x10b ? 96 : 112;
  if (optionalLength < directoriesAt) throw lengthWrong(what, 'its optional header', file);
  reader.bytes(58, 'optional header');
  const sizeOfHeaders = reader.u32le('size of headers');
  reader.bytes(directoriesAt - 4 - 64, 'optional header');
  const directories = reader.u32le('number of directories');
  if (directories > 16 || optionalLength !== directoriesAt + 8 * directories) {
    throw outOfRange(
      what,
      `${directories} directories do not fit its optional header of ${optionalLength} bytes`,
    );
  }
  const hasSecurity = directories > securityDirectory;
  const directoryAt = hasSecurity ? optionalAt + directoriesAt + 8 * securityDirectory : null;
  const tableAt = optionalAt + optionalLength;
  const tableEnd = tableAt + count * sectionHeaderLength;
  if (count > maxSections || tableEnd > sizeOfHeaders || sizeOfHeaders > file.length) {
    throw lengthWrong(what, `its ${count} sections or headers of ${sizeOfHeaders} bytes`, file);
  }
  return {
    checksumAt: optionalAt + 64,
    directoryAt,
    sizeOfHeaders,
    certificate: readCertificate(file, directoryAt, what),
    sections: readSections(file, tableAt, count, what),
  };
}

function readCertificate(file: Bytes, directoryAt: number | null, what: string) {
  if (directoryAt === null) return { at: 0, size: 0 };
  const reader = new Reader(file.subarray(directoryAt), what);
  const certificate = { at: reader.u32le('certificate table'), size: reader.u32le('its size') };
  const { at, size } = certificate;
  if ((size === 0) !== (at === 0) || at + size > file.length) {
    throw lengthWrong(what, `its certificate table of ${size} bytes at ${at}`, file);
  }
  return certificate;
}

function readSections(file: Bytes, tableAt: number, count: number, what: string): Placed[] {
  const reader = new Reader(file.subarray(tableAt), what);
  return Array.from({ length: count }, () => {
    const name = nameOf(reader.bytes(8, 'name'));
    const virtualSize = reader.u32le('virtual size');
    reader.bytes(4, 'virtual address');
    const size = reader.u32le('size of raw data');
    const at = reader.u32le('pointer to raw data');
    reader.bytes(16, 'relocations and flags');
    if (size > 0 && at + size > file.length) {
      throw lengthWrong(what, `section ${name} of ${size} bytes at ${at}`, file);
    }
    return {
      name,
      virtualSize,
      at,
      data: size === 0 ? file.subarray(0, 0) : file.subarray(at, at + size),
    };
  });
}

/** Printable, for it is shown. */
function nameOf(bytes: Bytes): string {
  const end = bytes.indexOf(0);
  const text = String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  return text.replace(/[^\x21-\x7e]/g, '?');
}

function lengthWrong(what: string, part: string, file: Bytes): AttestationError {
  return new AttestationError(
    'length-wrong',
    `${what}: ${part} does not fit the file, which has ${file.length} bytes`,
  );
}

function outOfRange(what: string, message: string): AttestationError {
  return new AttestationError('value-out-of-range', `${what}: ${message}`);
}
