/** Firmware, PE images, kernels and event logs as tests want them: small, well-formed, and each field to be spoilt. */
import { type Bytes, concat, fromHex, utf8, Writer } from '#verifier/bytes.ts';
import { guidBytes } from '#verifier/measure/guid.ts';
import type { LogEvent } from '#verifier/measure/tdx/event-log.ts';

export type FlashSection = {
  offset: number;
  rawSize: number;
  address: bigint;
  size: bigint;
  type: number;
  attributes: number;
};

export const flashLength = 0x4000;
export const cfvLength = 0x1000;

/** As OVMF's: CFV, then BFV up to 4 GiB, and memory below 16 MiB. */
export const ovmfSections: readonly FlashSection[] = [
  { offset: 0x1000, rawSize: 0x3000, address: 0xffffd000n, size: 0x3000n, type: 0, attributes: 1 },
  { offset: 0, rawSize: 0x1000, address: 0xffffc000n, size: 0x1000n, type: 1, attributes: 0 },
  { offset: 0, rawSize: 0, address: 0x810000n, size: 0x10000n, type: 3, attributes: 0 },
  { offset: 0, rawSize: 0, address: 0x80b000n, size: 0x2000n, type: 3, attributes: 0 },
  { offset: 0, rawSize: 0, address: 0x809000n, size: 0x2000n, type: 2, attributes: 0 },
  { offset: 0, rawSize: 0, address: 0x800000n, size: 0x6000n, type: 3, attributes: 0 },
];

export type FlashParts = {
  sections?: readonly FlashSection[];
  version?: number;
  signature?: string;
  /** Stated length of the descriptor; right when it is left out. */
  length?: number;
  /** Entries of the table before that of TDX. */
  entries?: readonly Bytes[];
  withTdx?: boolean;
};

const entry = (guid: string, data: Bytes) =>
  concat(data, new Writer(2).u16le(data.length + 18).finish(), guidBytes(guid));

export const otherEntry = entry('00f771de-1a7e-4fcb-890e-68c77e2fb44e', fromHex('01020304', 'x'));

/** 16 KiB: counting bytes, the metadata, the table of GUIDs, 32 bytes of reset vector. */
export function makeFlash(parts: FlashParts = {}): Bytes {
  const { sections = ovmfSections, version = 1, signature = 'TDVF', entries = [] } = parts;
  const flash = Uint8Array.from({ length: flashLength }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const length = parts.length ?? 16 + 32 * sections.length;
  const metadata = concat(
    guidBytes('e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae'),
    utf8(signature),
    new Writer(12).u32le(length).u32le(version).u32le(sections.length).finish(),
    ...sections.map((one) =>
      new Writer(32)
        .u32le(one.offset)
        .u32le(one.rawSize)
        .u64le(one.address)
        .u64le(one.size)
        .u32le(one.type)
        .u32le(one.attributes)
        .finish(),
    ),
  );
  const at = 0x3000;
  flash.set(metadata, at);
  const distance = new Writer(4).u32le(flashLength - at - 16).finish();
  const tdx = entry('e47a6535-984a-4798-865e-4685a7bf8ec2', distance);
  const body = concat(...(parts.withTdx === false ? [] : [tdx]), ...entries);
  const footer = concat(
    new Writer(2).u16le(body.length + 18).finish(),
    guidBytes('96b582de-1fb2-45f7-baea-a366c55a082d'),
  );
  flash.set(concat(body, footer), flashLength - 32 - footer.length - body.length);
  return flash;
}

export type PePart = { name: string; data: Bytes; virtualSize?: number };
export type PeParts = {
  sections?: readonly PePart[];
  certificates?: Bytes;
  trailing?: Bytes;
  checksum?: number;
  headersLength?: number;
};

const peAt = 0x40;
const optionalAt = peAt + 24;
export const peFields = {
  optionalAt,
  checksum: optionalAt + 64,
  sizeOfHeaders: optionalAt + 60,
  certificateDirectory: optionalAt + 112 + 32,
  sectionTable: optionalAt + 160,
} as const;

/** PE32+ with headers of 512 bytes and six directories, as Linux' bzImage. */
export function makePe(parts: PeParts = {}): Bytes {
  const { sections = [{ name: '.text', data: counting(0x400) }], checksum = 0 } = parts;
  const { headersLength = 0x200 } = parts;
  const { certificates = new Uint8Array(), trailing = new Uint8Array() } = parts;
  const contents = sections.reduce((sum, { data }) => sum + data.length, headersLength);
  const at = contents + trailing.length;
  const file = new Uint8Array(at + certificates.length);
  const put = (offset: number, value: number, length: 2 | 4) => {
    const writer = new Writer(length);
    file.set((length === 2 ? writer.u16le(value) : writer.u32le(value)).finish(), offset);
  };
  file.set(utf8('MZ'), 0);
  put(0x3c, peAt, 4);
  file.set(utf8('PE\0\0'), peAt);
  put(peAt + 4, 0x8664, 2);
  put(peAt + 6, sections.length, 2);
  put(peAt + 20, 160, 2);
  put(optionalAt, 0x20b, 2);
  put(peFields.sizeOfHeaders, headersLength, 4);
  put(peFields.checksum, checksum, 4);
  put(optionalAt + 108, 6, 4);
  if (certificates.length > 0) {
    put(peFields.certificateDirectory, at, 4);
    put(peFields.certificateDirectory + 4, certificates.length, 4);
  }
  let offset = headersLength;
  for (const [i, { name, data, virtualSize }] of sections.entries()) {
    const header = peFields.sectionTable + 40 * i;
    file.set(utf8(name), header);
    put(header + 8, virtualSize ?? data.length, 4);
    put(header + 16, data.length, 4);
    put(header + 20, offset, 4);
    file.set(data, offset);
    offset += data.length;
  }
  file.set(trailing, contents);
  file.set(certificates, at);
  return file;
}

export function counting(length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (i * 13 + (i >> 8) + 1) & 0xff);
}

/** A PE image with the setup header of boot protocol 2.15. */
export function makeKernel(protocol = 0x20f, xloadflags = 0x7f, loadflags = 1): Bytes {
  const setup = new Uint8Array(0xe00);
  setup.set(utf8('HdrS'), 0x002);
  setup.set(new Writer(2).u16le(protocol).finish(), 0x006);
  setup[0x011] = loadflags;
  setup.set(new Writer(4).u32le(0x7fffffff).finish(), 0x02c);
  setup.set(new Writer(2).u16le(xloadflags).finish(), 0x036);
  return makePe({
    sections: [
      { name: '.setup', data: setup },
      { name: '.text', data: counting(0x2000) },
    ],
  });
}

export type UkiPart = { name: string; text: string };

/** A unified kernel image: the code of systemd's stub and the sections given, around `kernel`. */
export function makeUki(
  kernel: Bytes,
  given: readonly UkiPart[],
  stub = 'systemd-stub 257.9-1',
): Bytes {
  const parts = [{ name: '.sdmagic', text: `#### LoaderInfo: ${stub} ####` }, ...given];
  const padded = (data: Bytes) => concat(data, new Uint8Array((512 - (data.length % 512)) % 512));
  return makePe({
    headersLength: 0x400,
    sections: [
      { name: '.text', data: counting(0x200) },
      { name: '.linux', data: padded(kernel), virtualSize: kernel.length },
      ...parts.map(({ name, text }) => ({
        name,
        data: padded(utf8(text)),
        virtualSize: utf8(text).length,
      })),
    ],
  });
}

export function encodeLog(events: readonly LogEvent[], filling = new Uint8Array()): Bytes {
  const spec = concat(
    utf8('Spec ID Event03\0'),
    new Writer(17).u32le(0).u8(0).u8(2).u8(0).u8(2).u32le(1).u16le(0x0c).u16le(48).u8(0).finish(),
  );
  const first = concat(new Writer(32).u32le(1).u32le(3).zero(20).u32le(spec.length).finish(), spec);
  return concat(first, ...events.map(encodeEvent), filling);
}

function encodeEvent({ register, type, digest, data }: LogEvent): Bytes {
  const head = new Writer(14)
    .u32le(register === null ? 0 : register + 1)
    .u32le(type)
    .u32le(1)
    .u16le(0x0c);
  return concat(head.finish(), digest, new Writer(4).u32le(data.length).finish(), data);
}
