/**
 * Which store paths bytes refer to, found as Nix finds it: by the 32 digits of a path's hash, wherever they stand. Only hashes
 * of store paths that exist count.
 */
import { storePathPattern } from '#verifier/abi/closure.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

export const hashLength = 32;
const none = 255;
/** 20 bits: the first four digits. */
const prefixDigits = 4;

const digits = new Uint8Array(256).fill(none);
utf8('0123456789abcdfghijklmnpqrsvwxyz').forEach((code, value) => {
  digits[code] = value;
});

/** The 32 digits of a store path. */
export function hashOf(storePath: string): string {
  if (!storePathPattern.test(storePath)) throw new RangeError('not a store path');
  return storePath.slice('/nix/store/'.length, '/nix/store/'.length + hashLength);
}

export type ReferenceScanner = {
  /** `piece` from `start` on is new; what is before is the end of the last piece (a NarSink of nar.ts). */
  scan(piece: Bytes, start: number): void;
  /** Indices of the hashes found since the last call, ascending. */
  take(): number[];
};

/** @param hashes of 32 Nix base32 digits each */
export function createReferenceScanner(hashes: readonly string[]): ReferenceScanner {
  const texts = hashes.map(utf8);
  const known = new Uint8Array(1 << (5 * prefixDigits));
  const byPrefix = new Map<number, number[]>();
  texts.forEach((text, index) => {
    if (text.length !== hashLength || text.some((code) => digits[code] === none)) {
      throw new RangeError('a hash has 32 Nix base32 digits');
    }
    const prefix = prefixAt(text, 0);
    known[prefix] = 1;
    const same = byPrefix.get(prefix);
    if (same === undefined) byPrefix.set(prefix, [index]);
    else same.push(index);
  });
  const found = new Set<number>();

  function lookUp(piece: Bytes, at: number): void {
    const prefix = prefixAt(piece, at);
    if (known[prefix] === 0) return;
    for (const index of byPrefix.get(prefix) as number[]) {
      if (!found.has(index) && matches(piece, at, texts[index] as Bytes)) found.add(index);
    }
  }

  return {
    scan(piece) {
      // All of [at, clean) are digits already looked at, so that no byte is looked at twice.
      let at = 0;
      let clean = 0;
      while (at + hashLength <= piece.length) {
        let back = at + hashLength - 1;
        while (back >= clean && digits[piece[back] as number] !== none) back -= 1;
        const whole = back < clean;
        clean = at + hashLength;
        if (whole) lookUp(piece, at);
        at = whole ? at + 1 : back + 1;
      }
    },
    take() {
      const indices = [...found].sort((a, b) => a - b);
      found.clear();
      return indices;
    },
  };
}

function prefixAt(bytes: Bytes, at: number): number {
  let prefix = 0;
  for (let i = 0; i < prefixDigits; i++) {
    prefix = (prefix << 5) | (digits[bytes[at + i] as number] as number);
  }
  return prefix;
}

function matches(piece: Bytes, at: number, text: Bytes): boolean {
  for (let i = prefixDigits; i < hashLength; i++) {
    if (piece[at + i] !== text[i]) return false;
  }
  return true;
}
