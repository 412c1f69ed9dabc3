/** The LUKS2 header of a disk image, as a host sees and forges it (LUKS2 on-disk format 1.1, sections 2 and 3). */
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';

const binarySize = 4096;
const checksum = { offset: 448, size: 64 };

export type LuksToken = { type: string; keyslots: string[]; cms?: string };
export type LuksJson = {
  keyslots: Record<string, { area: { encryption: string } }>;
  tokens: Record<string, LuksToken>;
  segments: Record<string, { encryption: string }>;
};

/** Length of a header with its key slots, as this project lays it out. */
export const headerSize = 16 * 2 ** 20;

export async function readStart(image: string, length: number): Promise<Buffer> {
  const file = await open(image);
  try {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer;
  } finally {
    await file.close();
  }
}

export function hasLuksMagic(start: Buffer): boolean {
  return start.subarray(0, 6).equals(Buffer.from('LUKS\xba\xbe', 'latin1'));
}

export async function readJson(image: string): Promise<LuksJson> {
  const start = await readStart(image, headerSize);
  const size = Number(start.readBigUInt64BE(8));
  const text = start.subarray(binarySize, size).toString('latin1');
  return JSON.parse(text.slice(0, text.indexOf('\0'))) as LuksJson;
}

/** The image with its JSON edited and both copies' checksums right again. */
export async function forgeHeader(image: string, edit: (json: LuksJson) => void): Promise<Buffer> {
  const bytes = await readFile(image);
  const json = await readJson(image);
  edit(json);
  const size = Number(bytes.readBigUInt64BE(8));
  for (const start of [0, size]) {
    const copy = bytes.subarray(start, start + size);
    copy.fill(0, binarySize);
    copy.write(JSON.stringify(json), binarySize, 'latin1');
    const sum = copy.subarray(checksum.offset, checksum.offset + checksum.size);
    sum.fill(0);
    sum.set(createHash('sha256').update(copy).digest());
  }
  return bytes;
}
