import { gzipSync } from 'node:zlib';
import type { Bytes } from '#verifier/bytes.ts';

/** At the best level: it is done once. */
export function gzip(bytes: Bytes): Bytes {
  return new Uint8Array(gzipSync(bytes, { level: 9 }));
}
