/** From what a browser hands over to bytes. Sizes are looked at before anything is read. */
import { maxLogLength } from '#verifier/abi/event-log/types.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { Problem } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { inputStrings as words } from '../strings/input.ts';

/** 16 MiB: of all that is read here, an event log may be the longest. */
export const maxFileLength = maxLogLength;
export const maxAllLength = 32 * 1024 * 1024;
export const maxFiles = 256;

/** What of a File is used. */
export type Readable = { name: string; size: number; arrayBuffer(): Promise<ArrayBuffer> };

export type ReadFiles = { files: GivenFile[]; problems: Problem[] };

/** Never throws: each file that cannot be taken has its problem, and the others are taken. */
export async function readFiles(list: readonly Readable[]): Promise<ReadFiles> {
  const files: GivenFile[] = [];
  const problems: Problem[] = [];
  let length = 0;
  for (const file of list) {
    const name = harmless(file.name);
    if (file.size > maxFileLength) {
      const message = words.tooLarge(name, file.size, maxFileLength);
      problems.push({ code: 'too-large', message, remedy: words.tooLargeRemedy, file: name });
      continue;
    }
    if (files.length === maxFiles || length + file.size > maxAllLength) {
      const message =
        files.length === maxFiles ? words.tooMany(maxFiles) : words.tooMuch(maxAllLength);
      problems.push({ code: 'too-large', message, remedy: words.tooMuchRemedy });
      break;
    }
    try {
      const bytes = new Uint8Array(await file.arrayBuffer());
      length += bytes.length;
      files.push({ name: file.name, bytes });
    } catch {
      const message = words.unreadable(name);
      problems.push({
        code: 'file-unreadable',
        message,
        remedy: words.unreadableRemedy,
        file: name,
      });
    }
  }
  return { files, problems };
}

/** Hex as people copy it: with `0x`, spaces and colons between bytes. All other text as it is. */
export function pastedFile(text: string, name: string): GivenFile | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const digits = trimmed.replace(/^0x/i, '').replace(/[\s:]/g, '');
  const isHex = /^[0-9a-f]+$/i.test(digits) && digits.length % 2 === 0;
  // Base64 in lines, indented as in a mail; PEM and JSON have other characters too.
  const packed = trimmed.replace(/\s/g, '');
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(packed) && packed.length % 4 === 0;
  // A manifest ends with a line feed, which selecting its lines may lose.
  const isManifest = /^[0-9a-f]{64} \/nix\/store\//.test(trimmed);
  const plain = isHex ? digits : isBase64 ? packed : isManifest ? `${trimmed}\n` : text;
  return { name, bytes: new TextEncoder().encode(plain) };
}
