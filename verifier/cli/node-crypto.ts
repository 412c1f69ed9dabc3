/**
 * CryptoPort over node:crypto, twice. For one verification after the other, on this thread: a signature takes 0.2 to 1.5 ms,
 * and the way to the thread pool and back another 0.3. For many at once, on the pool: all cores at work.
 */
import { constants, verify as nodeVerify, type VerifyPublicKeyInput } from 'node:crypto';
import type { Bytes } from '#verifier/bytes.ts';
import type { CryptoPort } from '#verifier/crypto.ts';

const rsaPss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 } as const;
const ecdsa = { dsaEncoding: 'ieee-p1363' } as const;

/** Lowest latency: on this thread. */
export const nodeCrypto: CryptoPort = {
  verifyRsaPssSha384: async (spki, message, signature) =>
    verifyHere(message, { ...spkiKey(spki), ...rsaPss }, signature),
  verifyP384Sha384: async (spki, message, signature) =>
    verifyHere(message, { ...spkiKey(spki), ...ecdsa }, signature),
};

/** Highest throughput with many verifications in flight: on Node's thread pool. */
export const pooledNodeCrypto: CryptoPort = {
  verifyRsaPssSha384: (spki, message, signature) =>
    verifyOnPool(message, { ...spkiKey(spki), ...rsaPss }, signature),
  verifyP384Sha384: (spki, message, signature) =>
    verifyOnPool(message, { ...spkiKey(spki), ...ecdsa }, signature),
};

/** The DER itself: a KeyObject of its own would cost as much as an RSA verification. */
function spkiKey(spki: Bytes) {
  return { key: Buffer.from(spki), format: 'der', type: 'spki' } as const;
}

// OpenSSL throws, or hands over an error, on hostile input such as a point off the curve: not a valid signature.

function verifyHere(message: Bytes, key: VerifyPublicKeyInput, signature: Bytes): boolean {
  try {
    return nodeVerify('sha384', message, key, signature);
  } catch {
    return false;
  }
}

function verifyOnPool(
  message: Bytes,
  key: VerifyPublicKeyInput,
  signature: Bytes,
): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      nodeVerify('sha384', message, key, signature, (error, valid) => resolve(!error && valid));
    } catch {
      resolve(false);
    }
  });
}
