/** SHA-384 and the registers that are made of it. Pure: no platform crypto, so that a page can use it. */
import { sha384 as nobleSha384 } from '@noble/hashes/sha2.js';
import { type Bytes, concat } from '../../bytes.ts';

export const digestLength = 48;

export function sha384(bytes: Bytes): Bytes {
  return nobleSha384(bytes);
}

/** What all four runtime registers hold before the first event. */
export function zeroRegister(): Bytes {
  return new Uint8Array(digestLength);
}

/**
 * TDX Module Base Architecture, "RTMR: Run-Time Measurement Registers":
 *   RTMR' = SHA-384(RTMR ‖ digest)
 */
export function extend(register: Bytes, digest: Bytes): Bytes {
  return sha384(concat(register, digest));
}

export function replay(digests: Iterable<Bytes>): Bytes {
  let register = zeroRegister();
  for (const digest of digests) register = extend(register, digest);
  return register;
}
