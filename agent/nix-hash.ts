/**
 * A SHA-256 as Nix writes it: plain hex, `sha256:` with hex or Nix base32, or SRI (`sha256-` with
 * base64).
 */
import { type Bytes, fromBase64, fromHex } from '#verifier/bytes.ts';

/** No e, o, u, t. */
const base32Alphabet = '0123456789abcdfghijklmnpqrsvwxyz';

/**
 * 32 bytes; null for text of no such form, in a form that is not canonical, or of another
 * algorithm.
 */
export function parseNixHash(text: string): Bytes | null {
  const hex = /^(?:sha256:)?([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return fromHex(hex, 'NAR hash', 32);
  const base32 = /^sha256:([0-9a-z]{52})$/.exec(text)?.[1];
  if (base32 !== undefined) return fromNixBase32(base32, 32);
  const base64 = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  return base64 === undefined ? null : fromSri(base64);
}

function fromSri(base64: string): Bytes | null {
  try {
    return fromBase64(base64, 'NAR hash');
  } catch {
    return null;
  }
}

/**
 * Nix base32: the bytes as one little-endian integer, its 5-bit digits written most significant
 * first. Null when a character is no digit or the bits beyond the bytes are not zero.
 */
export function fromNixBase32(text: string, length: number): Bytes | null {
  if (text.length !== Math.ceil((8 * length) / 5)) return null;
  let value = 0n;
  for (const character of text) {
    const digit = base32Alphabet.indexOf(character);
    if (digit === -1) return null;
    value = (value << 5n) | BigInt(digit);
  }
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    out[i] = Number(value & 0xffn);
    value >>= 8n;
  }
  return value === 0n ? out : null;
}
