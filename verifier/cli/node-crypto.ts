/**
 * CryptoPort over node:crypto, in three ways. For one verification: on this thread, for a signature takes 0.2 to 1.5 ms and the
 * way to the thread pool and back another 0.3. For many at once: on the pool, all cores at work. For the same keys again
 * and again: with the keys kept.
 */
import {
  constants,
  createPublicKey,
  type KeyObject,
  verify as nodeVerify,
  type VerifyKeyObjectInput,
  type VerifyPublicKeyInput,
} from 'node:crypto';
import { rsaSignatureLength } from '#verifier/abi/spki.ts';
import { type Bytes, concat, equalBytes, fromHex } from '#verifier/bytes.ts';
import type { CryptoPort } from '#verifier/crypto.ts';

type Key = VerifyPublicKeyInput | VerifyKeyObjectInput;
type ToKey = (
  spki: Bytes,
) => Pick<VerifyPublicKeyInput, 'key' | 'format' | 'type'> | Pick<VerifyKeyObjectInput, 'key'>;
type Verify = (
  hash: string,
  message: Bytes,
  key: Key,
  signature: Bytes,
) => boolean | Promise<boolean>;

type Algorithm = {
  /** AlgorithmIdentifier of the key. */
  key: Bytes;
  hash: string;
  how: Omit<VerifyKeyObjectInput, 'key'>;
  /** To what OpenSSL takes; null when it is no signature by such a key. */
  encode: (signature: Bytes, spki: Bytes) => Bytes | null;
};

const rsaPss: Algorithm = {
  key: fromHex('300d06092a864886f70d0101010500', 'rsaEncryption'),
  hash: 'sha384',
  how: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 },
  encode: ofModulusLength,
};
const rsaPkcs1 = (hash: 'sha256' | 'sha384'): Algorithm => ({
  key: rsaPss.key,
  hash,
  how: { padding: constants.RSA_PKCS1_PADDING },
  encode: ofModulusLength,
});
const p384: Algorithm = {
  key: fromHex('301006072a8648ce3d020106052b81040022', 'id-ecPublicKey secp384r1'),
  hash: 'sha384',
  how: {},
  encode: (signature) => toDerSignature(signature, 48),
};
const p256: Algorithm = {
  key: fromHex('301306072a8648ce3d020106082a8648ce3d030107', 'id-ecPublicKey prime256v1'),
  hash: 'sha256',
  how: {},
  encode: (signature) => toDerSignature(signature, 32),
};

/** Lowest latency. The few ECDSA keys of one verification are kept: Intel's root signs five times in it. */
export const nodeCrypto: CryptoPort = portOf(asDer, keeping(16), verifyHere);

/** Highest throughput with many verifications in flight. */
export const pooledNodeCrypto: CryptoPort = portOf(asDer, keeping(64), verifyOnPool);

/** For a process that meets the same keys again. @param capacity how many keys are kept, the oldest forgotten first */
export function nodeCryptoKeepingKeys(capacity = 1024): CryptoPort {
  const toKey = keeping(capacity);
  return portOf(toKey, toKey, verifyHere);
}

function keeping(capacity: number): ToKey {
  const kept = new Map<string, KeyObject>();
  return (spki) => {
    const der = Buffer.from(spki);
    const name = der.toString('latin1');
    let key = kept.get(name);
    if (key === undefined) {
      key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      kept.set(name, key);
      const [oldest] = kept.keys();
      if (kept.size > capacity && oldest !== undefined) kept.delete(oldest);
    }
    return { key };
  };
}

// OpenSSL throws, or hands over an error, on hostile input such as a point off the curve: not a valid signature.
function portOf(rsaKey: ToKey, ecKey: ToKey, verify: Verify): CryptoPort {
  const checker =
    ({ key, hash, how, encode }: Algorithm, toKey: ToKey) =>
    async (spki: Bytes, message: Bytes, signature: Bytes) => {
      const encoded = encode(signature, spki);
      // OpenSSL verifies as the key's kind asks, whatever was asked for.
      if (encoded === null || !isKeyOf(key, spki)) return false;
      try {
        return await verify(hash, message, { ...toKey(spki), ...how }, encoded);
      } catch {
        return false;
      }
    };
  return {
    verifyRsaPssSha384: checker(rsaPss, rsaKey),
    verifyP384Sha384: checker(p384, ecKey),
    verifyP256Sha256: checker(p256, ecKey),
    verifyRsaPkcs1Sha256: checker(rsaPkcs1('sha256'), rsaKey),
    verifyRsaPkcs1Sha384: checker(rsaPkcs1('sha384'), rsaKey),
  };
}

function ofModulusLength(signature: Bytes, spki: Bytes): Bytes | null {
  return signature.length === rsaSignatureLength(spki) ? signature : null;
}

/**
 * SEQUENCE { INTEGER r, INTEGER s }. node:crypto takes r ‖ s too ("ieee-p1363"), but asks OpenSSL for the key's parameters each
 * time, which costs as much as a P-256 verification.
 */
function toDerSignature(signature: Bytes, length: number): Bytes | null {
  if (signature.length !== 2 * length) return null;
  const content = concat(
    derInteger(signature.subarray(0, length)),
    derInteger(signature.subarray(length)),
  );
  // Two P-384 integers with their headers have 102 bytes at most: one length byte is enough.
  return concat(Uint8Array.of(0x30, content.length), content);
}

function derInteger(bytes: Bytes): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? bytes.subarray(-1) : bytes.subarray(first);
  const sign = (digits[0] as number) >= 0x80 ? [0] : [];
  return concat(Uint8Array.of(0x02, digits.length + sign.length, ...sign), digits);
}

/** Whether the AlgorithmIdentifier, first inside the SubjectPublicKeyInfo, is this one. */
function isKeyOf(algorithm: Bytes, spki: Bytes): boolean {
  const length = spki[1] ?? 0;
  const at = length < 0x80 ? 2 : length - 0x80 + 2;
  return equalBytes(spki.subarray(at, at + algorithm.length), algorithm);
}

/** Used once, a KeyObject of its own would cost as much as an RSA verification. */
function asDer(spki: Bytes) {
  return { key: Buffer.from(spki), format: 'der', type: 'spki' } as const;
}

function verifyHere(hash: string, message: Bytes, key: Key, signature: Bytes): boolean {
  return nodeVerify(hash, message, key, signature);
}

function verifyOnPool(hash: string, message: Bytes, key: Key, signature: Bytes): Promise<boolean> {
  return new Promise((resolve, reject) => {
    nodeVerify(hash, message, key, signature, (error, valid) => {
      if (error) reject(error);
      else resolve(valid);
    });
  });
}
