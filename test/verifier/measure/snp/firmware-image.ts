/** Flash images made of nothing but their tables, as OVMF's end. Each part can be made wrong. */
import { type Bytes, concat, utf8, Writer } from '#verifier/bytes.ts';
import { guidBytes } from '#verifier/measure/guid.ts';
import { amdSev, type PublishedFirmware } from './published.ts';

export const guids = {
  footer: '96b582de-1fb2-45f7-baea-a366c55a082d',
  resetBlock: '00f771de-1a7e-4fcb-890e-68c77e2fb44e',
  metadata: 'dc886566-984a-4798-a75e-5585a7bf67cc',
  hashTable: '7255371f-3a3b-4b04-927b-1da6efa8d454',
  svsmInfo: 'a789a612-0597-4c4b-a49f-cbb1fe9d1ddd',
} as const;

export type ImageOptions = {
  length?: number;
  fill?: number;
  sections?: PublishedFirmware['sections'];
  apResetVector?: number;
  hashTable?: readonly [number, number];
  svsmEntry?: number;
  /** Entries of the table, by GUID, in place of what the others say; null leaves one out. */
  entries?: Record<string, Bytes | null>;
  /** Header of the metadata. */
  signature?: string;
  version?: number;
  count?: number;
  metadataLength?: number;
  /** Of the whole table. */
  tableLength?: number;
  footer?: string;
};

export function u32(...numbers: readonly number[]): Bytes {
  return numbers
    .reduce((writer, one) => writer.u32le(one), new Writer(4 * numbers.length))
    .finish();
}

export function tableEntry(guid: string, data: Bytes, length = data.length + 18): Bytes {
  return concat(data, new Writer(2).u16le(length).finish(), guidBytes(guid));
}

/** The AmdSev build's tables, where the options say nothing else. */
export function firmwareImage(options: ImageOptions = {}): Bytes {
  const { length = 4096, fill = 0x90, svsmEntry, entries = {} } = options;
  const { apResetVector, hashTable, sections } = { ...amdSev, ...options };
  const { signature = 'ASEV', version = 1, count = sections.length } = options;
  const metadata = concat(
    utf8(signature),
    u32(options.metadataLength ?? 16 + 12 * sections.length, version, count),
    ...sections.map((section) => u32(...section)),
  );
  const all: Record<string, Bytes | null> = {
    ...(svsmEntry !== undefined && { [guids.svsmInfo]: u32(svsmEntry) }),
    [guids.metadata]: u32(1024),
    [guids.hashTable]: u32(...hashTable),
    [guids.resetBlock]: u32(apResetVector),
    ...entries,
  };
  const body = Object.entries(all).flatMap(([guid, data]) =>
    data === null ? [] : [tableEntry(guid, data)],
  );
  const table = concat(...body);
  const footer = tableEntry(
    options.footer ?? guids.footer,
    new Uint8Array(0),
    options.tableLength ?? table.length + 18,
  );
  const image = new Uint8Array(length).fill(fill);
  image.set(metadata, length - 1024);
  image.set(concat(table, footer), length - 32 - footer.length - table.length);
  return image;
}
