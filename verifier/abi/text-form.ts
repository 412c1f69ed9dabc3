/** Binary evidence as one text of hex or base64, as people paste it and tools print it. */
import { type Bytes, fromBase64, fromHex, fromUtf8 } from '../bytes.ts';

/**
 * Either case of hex, with or without line breaks.
 * @returns null when the bytes are no such text
 * @throws AttestationError `hex-malformed`, `base64-malformed`
 */
export function bytesOfText(bytes: Bytes, what: string): Bytes | null {
  const isText = (byte: number) => byte === 0x0a || byte === 0x0d || (byte > 0x20 && byte < 0x7f);
  if (bytes.length === 0 || !bytes.every(isText)) return null;
  const text = fromUtf8(bytes, what).replace(/[\r\n]/g, '');
  if (/^[0-9a-f]+$/i.test(text)) return fromHex(text.toLowerCase(), what);
  return /^[A-Za-z0-9+/=]+$/.test(text) ? fromBase64(text, what) : null;
}
