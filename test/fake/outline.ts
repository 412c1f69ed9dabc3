/**
 * Reads DER as a list of lines, to compare two encodings field by field whatever keys and dates
 * they hold.
 */
import { type Bytes, toHex } from '#verifier/bytes.ts';

const dates = [0x17, 0x18];
const bitStringTag = 0x03;

/**
 * One line for each value: depth, identifier octet, length and, for a primitive value, its bytes.
 * Keys, signatures, dates and key identifiers show `*` in place of bytes: they differ between any
 * two certificates.
 */
export function outlineDer(bytes: Bytes, depth = 0): string[] {
  const lines: string[] = [];
  let lastOid = '';
  for (let at = 0; at < bytes.length; ) {
    const { tag, start, end } = header(bytes, at);
    const content = bytes.subarray(start, end);
    const line = `${' '.repeat(depth)}${tag.toString(16).padStart(2, '0')} ${end - start}`;
    at = end;
    if ((tag & 0x20) !== 0) {
      lines.push(line, ...outlineDer(content, depth + 1));
      continue;
    }
    if (tag === 0x06) lastOid = toHex(content);
    // 2.5.29.14 and 2.5.29.35, the key identifiers; their first bytes are their own DER headers.
    const identifier = lastOid === '551d0e' || lastOid === '551d23';
    const masked = dates.includes(tag) || (tag === bitStringTag && content.length > 8);
    const shown = masked
      ? '*'
      : toHex(tag === 0x04 && identifier ? content.subarray(0, -20) : content);
    lines.push(`${line} ${shown}`);
  }
  return lines;
}

function header(bytes: Bytes, at: number): { tag: number; start: number; end: number } {
  const tag = bytes[at] as number;
  const first = bytes[at + 1] as number;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  let length = octets === 0 ? first : 0;
  for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + 2 + i] as number);
  const start = at + 2 + octets;
  if (start + length > bytes.length) throw new RangeError(`DER ends inside the value at ${at}`);
  return { tag, start, end: start + length };
}
