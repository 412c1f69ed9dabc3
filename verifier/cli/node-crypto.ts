/** CryptoPort over node:crypto, on its thread pool. */
import {
  constants,
  createPublicKey,
  verify as nodeVerify,
  type VerifyKeyObjectInput,
} from 'node:crypto';
import type { Bytes } from '#verifier/bytes.ts';
import type { CryptoPort } from '#verifier/crypto.ts';

export const nodeCrypto: CryptoPort = {
  verifyRsaPssSha384: (spki, message, signature) =>
    verifyWith(spki, message, signature, {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: 48,
    }),
  verifyP384Sha384: (spki, message, signature) =>
    verifyWith(spki, message, signature, { dsaEncoding: 'ieee-p1363' }),
};

function verifyWith(
  spki: Bytes,
  message: Bytes,
  signature: Bytes,
  how: Omit<VerifyKeyObjectInput, 'key'>,
): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      // An error here is OpenSSL's word on hostile input (a point off the curve, an impossible length): not a valid signature.
      nodeVerify('sha384', message, { key, ...how }, signature, (error, valid) =>
        resolve(error === null && valid),
      );
    } catch {
      resolve(false);
    }
  });
}
