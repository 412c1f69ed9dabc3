/** CryptoPort over WebCrypto: browsers, workers, and every current JavaScript server. */
import { rsaSignatureLength } from './abi/spki.ts';
import type { Bytes } from './bytes.ts';
import type { CryptoPort } from './crypto.ts';

const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const rsaPss = { name: 'RSA-PSS', hash: 'SHA-384', saltLength: 48 };
const rsaPkcs1 = (hash: 'SHA-256' | 'SHA-384') => ({ name: 'RSASSA-PKCS1-v1_5', hash });

export const webCrypto: CryptoPort = {
  verifyRsaPssSha384: (spki, message, signature) => verifyRsa(rsaPss, spki, message, signature),
  verifyP384Sha384: (spki, message, signature) => verifyWith(p384, spki, message, signature),
  verifyP256Sha256: (spki, message, signature) => verifyWith(p256, spki, message, signature),
  verifyRsaPkcs1Sha256: (spki, message, signature) =>
    verifyRsa(rsaPkcs1('SHA-256'), spki, message, signature),
  verifyRsaPkcs1Sha384: (spki, message, signature) =>
    verifyRsa(rsaPkcs1('SHA-384'), spki, message, signature),
};

type RsaAlgorithm = typeof rsaPss | ReturnType<typeof rsaPkcs1>;

async function verifyRsa(
  algorithm: RsaAlgorithm,
  spki: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  if (signature.length !== rsaSignatureLength(spki)) return false;
  return verifyWith(algorithm, spki, message, signature);
}

async function verifyWith(
  algorithm: typeof p384 | typeof p256 | RsaAlgorithm,
  spki: Bytes,
  message: Bytes,
  signature: Bytes,
): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  // importKey refuses a point that is not on the curve: such a key has no valid signatures, hence false.
  const key = await subtle
    .importKey('spki', owned(spki), algorithm, false, ['verify'])
    .catch(() => null);
  return key !== null && subtle.verify(algorithm, key, owned(signature), owned(message));
}

/** WebCrypto's types refuse a view that might be of shared memory; a copy is never. */
function owned(bytes: Bytes): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
