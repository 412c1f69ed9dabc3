/** A port that remembers, for strangers: they choose what it is shown, and so must not choose how much it keeps. */
import type { CryptoPort } from '../crypto.ts';
import { rememberingCrypto } from '../crypto-memory.ts';

/** Certificates and lists have 1 to 4 KiB, TCB info up to 20. */
const largest = 20 * 1024;
/** Per kind of object: some 15 kinds, so that 200 MB are kept at the very worst and 20 in practice. */
const capacity = 512;

/** As `rememberingCrypto`, but what is larger than a genuine object is looked at anew each time. */
export function serviceCrypto(port: CryptoPort): CryptoPort {
  const remembering = rememberingCrypto(port, capacity);
  const fits = (...parts: readonly Uint8Array[]) =>
    parts.reduce((sum, { length }) => sum + length, 0) <= largest;
  const chosen = (message: Uint8Array, ...parts: readonly Uint8Array[]) =>
    fits(message, ...parts) ? remembering : port;
  return {
    verifyRsaPssSha384: (spki, message, signature) =>
      chosen(spki, message, signature).verifyRsaPssSha384(spki, message, signature),
    verifyP384Sha384: port.verifyP384Sha384,
    verifyRsaPkcs1Sha256: port.verifyRsaPkcs1Sha256,
    verifyRsaPkcs1Sha384: port.verifyRsaPkcs1Sha384,
    verifyP256Sha256: (spki, message, signature) =>
      chosen(spki, message, signature).verifyP256Sha256(spki, message, signature),
    remember: (role, bytes, make) =>
      fits(bytes) && remembering.remember !== undefined
        ? remembering.remember(role, bytes, make)
        : make(bytes),
  };
}
