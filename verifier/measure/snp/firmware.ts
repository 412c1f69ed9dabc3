/**
 * What SEV-SNP needs to know of a flash image: edk2, OvmfPkg/ResetVector/X64/OvmfSevMetadata.asm (version 1), and the entries
 * of the GUIDed table that QEMU reads.
 */
import { type Bytes, Reader, utf8 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { type GuidedTable, readGuidedTable } from './guided-table.ts';
import { pageLength } from './launch.ts';

const entries = {
  resetBlock: '00f771de-1a7e-4fcb-890e-68c77e2fb44e',
  metadata: 'dc886566-984a-4798-a75e-5585a7bf67cc',
  hashTable: '7255371f-3a3b-4b04-927b-1da6efa8d454',
  svsmInfo: 'a789a612-0597-4c4b-a49f-cbb1fe9d1ddd',
} as const;

/** Section types of the metadata by their numbers. */
const kinds = {
  1: 'memory',
  2: 'secrets',
  3: 'cpuid',
  4: 'svsm-calling-area',
  16: 'kernel-hashes',
} as const;
export type SectionKind = (typeof kinds)[keyof typeof kinds];
/** Of these the firmware of the processor takes one page at a time, with contents of its own. */
const onePage: readonly SectionKind[] = ['secrets', 'cpuid', 'kernel-hashes'];

/** Guest memory that the metadata asks the VMM to add to the launch: whole pages. */
export type Section = { kind: SectionKind; gpa: number; length: number };

export type SnpFirmware = {
  image: Bytes;
  /** Of the image's first byte. */
  gpa: number;
  /** In the order in which they are added. */
  sections: readonly Section[];
  /** Where processors but the first begin. */
  apResetVector: number;
  /** Where QEMU writes the digests of what it boots directly; null where the firmware looks at none. */
  hashTable: { gpa: number; length: number } | null;
  /** Where an SVSM begins, from the start of its image; null for what is no SVSM. */
  svsmEntry: number | null;
};

/** QEMU maps no more flash below 4 GiB. */
export const maxFirmwareLength = 16 * 1024 * 1024;
const fourGiB = 2 ** 32;
const maxSections = 64;
/** Of all sections: firmware asks for less than one megabyte, and each page is hashed. */
export const maxSectionsLength = 64 * 1024 * 1024;

/**
 * @param end guest physical address after the last byte; flash ends at 4 GiB
 * @throws AttestationError `form-unknown` for what was not built for SEV-SNP, `length-wrong`, `too-large`, `version-unknown`,
 *   `value-out-of-range` for sections of unknown types, outside of pages, or over each other or the image
 */
export function parseFirmware(image: Bytes, what = 'firmware', end: number = fourGiB): SnpFirmware {
  if (image.length > maxFirmwareLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${image.length} bytes, flash has ${maxFirmwareLength} at most`,
    );
  }
  if (image.length === 0 || image.length % pageLength !== 0) {
    throw new AttestationError(
      'length-wrong',
      `${what}: expected whole pages of ${pageLength} bytes, got ${image.length} bytes`,
    );
  }
  const table = readGuidedTable(image, what);
  const gpa = end - image.length;
  const sections = readSections(image, table, what);
  // From an image on up to 4 GiB there is nothing but flash.
  refuseOverlaps([...sections, { kind: 'image', gpa, length: fourGiB - gpa }], what);
  return {
    image,
    gpa,
    sections,
    apResetVector: number32(table, 'resetBlock', 'SEV-ES reset block', what) ?? missing(what),
    hashTable: readHashTable(table, sections, what),
    svsmEntry: number32(table, 'svsmInfo', 'SVSM info', what),
  };
}

function missing(what: string): never {
  throw new AttestationError(
    'form-unknown',
    `${what}: the table has no SEV-ES reset block: this firmware was not built for SEV-ES or SEV-SNP`,
  );
}

function dataOf(
  table: GuidedTable,
  entry: keyof typeof entries,
  name: string,
  length: number,
  what: string,
): Reader | null {
  const data = table.get(entries[entry]);
  if (data === undefined) return null;
  if (data.length !== length) {
    throw new AttestationError(
      'length-wrong',
      `${what}: ${name} should have ${length} bytes, got ${data.length}`,
    );
  }
  return new Reader(data, `${what}, ${name}`);
}

function number32(
  table: GuidedTable,
  entry: keyof typeof entries,
  name: string,
  what: string,
): number | null {
  return dataOf(table, entry, name, 4, what)?.u32le(name) ?? null;
}

/** Metadata = "ASEV" ‖ length (u32, of all of it) ‖ version (u32) ‖ count (u32) ‖ count × (GPA ‖ length ‖ type, u32 each) */
function readSections(image: Bytes, table: GuidedTable, what: string): Section[] {
  const fromEnd = number32(table, 'metadata', 'offset of the SEV metadata', what);
  if (fromEnd === null) {
    throw new AttestationError(
      'form-unknown',
      `${what}: the table has no SEV metadata: this firmware was not built for SEV-SNP`,
    );
  }
  const name = `${what}, SEV metadata`;
  if (fromEnd > image.length) {
    throw outOfRange(name, `begins ${fromEnd} bytes before the end of an image of ${image.length}`);
  }
  const reader = new Reader(image.subarray(image.length - fromEnd), name);
  const signature = reader.bytes(4, 'signature');
  if (utf8('ASEV').some((byte, at) => byte !== signature[at])) {
    throw new AttestationError('form-unknown', `${name}: it does not begin with ASEV`);
  }
  const length = reader.u32le('length');
  const version = reader.u32le('version');
  if (version !== 1) {
    throw new AttestationError('version-unknown', `${name}: version ${version}, known is 1`);
  }
  const count = reader.u32le('number of sections');
  if (count === 0 || count > maxSections) {
    throw outOfRange(name, `${count} sections, expected 1 to ${maxSections}`);
  }
  if (length !== 16 + 12 * count) {
    throw new AttestationError(
      'length-wrong',
      `${name}: ${length} bytes with ${count} sections, expected ${16 + 12 * count}`,
    );
  }
  const sections = Array.from({ length: count }, (_, at) =>
    readSection(reader, `${name}, section ${at}`),
  );
  const total = sections.reduce((sum, section) => sum + section.length, 0);
  if (total > maxSectionsLength) {
    throw new AttestationError(
      'too-large',
      `${name}: sections of ${total} bytes, at most ${maxSectionsLength} are taken`,
    );
  }
  return sections;
}

function readSection(reader: Reader, name: string): Section {
  const gpa = reader.u32le('GPA');
  const length = reader.u32le('length');
  const type = reader.u32le('type');
  const kind = Object.hasOwn(kinds, type) ? kinds[type as keyof typeof kinds] : undefined;
  if (kind === undefined) {
    throw outOfRange(name, `type ${type} is not known (known: ${Object.keys(kinds).join(', ')})`);
  }
  if (gpa % pageLength !== 0 || length % pageLength !== 0 || length === 0) {
    throw outOfRange(name, `${span(gpa, length)} is not made of whole pages`);
  }
  if (onePage.includes(kind) && length !== pageLength) {
    throw outOfRange(name, `a section for ${kind} is one page, got ${length} bytes`);
  }
  if (gpa + length > fourGiB) throw outOfRange(name, `${span(gpa, length)} ends above 4 GiB`);
  return { kind, gpa, length };
}

type Range = { kind: SectionKind | 'image'; gpa: number; length: number };

function refuseOverlaps(ranges: readonly Range[], what: string): void {
  const sorted = ranges.toSorted((a, b) => a.gpa - b.gpa);
  for (const [at, later] of sorted.entries()) {
    const earlier = sorted[at - 1];
    if (earlier === undefined || earlier.gpa + earlier.length <= later.gpa) continue;
    throw outOfRange(
      what,
      `${earlier.kind} (${span(earlier.gpa, earlier.length)}) and ${later.kind} (${span(later.gpa, later.length)}) overlap`,
    );
  }
}

/**
 * Area = GPA (u32) ‖ length (u32), both zero in firmware that checks no digests. It lies in the page that the metadata sets
 * aside.
 */
function readHashTable(
  table: GuidedTable,
  sections: readonly Section[],
  what: string,
): SnpFirmware['hashTable'] {
  const reader = dataOf(table, 'hashTable', 'area of the hash table', 8, what);
  const gpa = reader?.u32le('GPA') ?? 0;
  const length = reader?.u32le('length') ?? 0;
  if (gpa === 0 && length === 0) return null;
  const page = sections.find(({ kind }) => kind === 'kernel-hashes');
  // Firmware of before this kind of section had a table for SEV and SEV-ES alone.
  if (page === undefined) return null;
  if (gpa < page.gpa || gpa + length > page.gpa + page.length) {
    throw outOfRange(
      what,
      `the hash table (${span(gpa, length)}) is not in its page (${span(page.gpa, page.length)})`,
    );
  }
  return { gpa, length };
}

function span(gpa: number, length: number): string {
  return `0x${gpa.toString(16)} to 0x${(gpa + length).toString(16)}`;
}

function outOfRange(what: string, problem: string): AttestationError {
  return new AttestationError('value-out-of-range', `${what}: ${problem}`);
}
