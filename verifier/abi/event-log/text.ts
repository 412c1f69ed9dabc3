/** Text in events: ASCII, UTF-8 or UTF-16, mostly with a NUL at its end, sometimes with rubbish after that. Untrusted, all of it. */
import { type Bytes, utf8 } from '../../bytes.ts';

const wide = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true });
const narrow = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 up to the first NUL or the end; null when it is not such text. */
export function textTo0(bytes: Bytes): string | null {
  const end = bytes.indexOf(0);
  return decoded(narrow, end < 0 ? bytes : bytes.subarray(0, end));
}

/** UTF-16 up to the first NUL or the end, of which the first character is ASCII; null for anything else. */
export function utf16To0(bytes: Bytes): string | null {
  if (bytes.length < 2 || bytes[0] === 0 || bytes[1] !== 0) return null;
  let end = 0;
  while (end + 1 < bytes.length && (bytes[end] !== 0 || bytes[end + 1] !== 0)) end += 2;
  return decoded(wide, bytes.subarray(0, end));
}

export function asciiOf(text: string): Bytes | null {
  const bytes = utf8(text);
  return bytes.length === text.length ? bytes : null;
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Bytes): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

const shown = 160;

/** One line for people: nothing that moves a cursor or turns text round, and no more than `limit` characters. */
export function printable(text: string, limit = shown): string {
  const cut = text.length > 4 * limit ? text.slice(0, 4 * limit) : text;
  const line = cut
    .replace(/\s+/gu, ' ')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
    .trim();
  const characters = [...line];
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : line;
}
