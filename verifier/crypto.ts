/** The signatures a verifier checks, as a port: node:crypto is the fast one, WebCrypto the one that is everywhere. */
import type { Bytes } from './bytes.ts';

export type CryptoPort = {
  /**
   * RSASSA-PSS, SHA-384, MGF1-SHA-384, salt of exactly 48 bytes. False for every bad signature, whatever its shape.
   * @param spki DER of an RSA SubjectPublicKeyInfo
   */
  verifyRsaPssSha384(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /**
   * ECDSA P-384 with SHA-384; a high s is as good as a low one, for AMD writes both.
   * @param spki DER of a P-384 SubjectPublicKeyInfo
   * @param signature r ‖ s, 48 bytes each, big-endian
   */
  verifyP384Sha384(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /**
   * ECDSA P-256 with SHA-256; a high s is as good as a low one, for Intel writes both.
   * @param spki DER of a P-256 SubjectPublicKeyInfo
   * @param signature r ‖ s, 32 bytes each, big-endian
   */
  verifyP256Sha256(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /**
   * RSASSA-PKCS1-v1_5 with SHA-256, as TPMs sign and the providers of their certificates.
   * @param spki DER of an RSA SubjectPublicKeyInfo
   */
  verifyRsaPkcs1Sha256(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /** The same with SHA-384. */
  verifyRsaPkcs1Sha384(spki: Bytes, message: Bytes, signature: Bytes): Promise<boolean>;
  /**
   * A port may keep what `make` made of the same bytes before, for the same role (crypto-memory.ts). What throws is not kept.
   * @param role one of a few constants
   */
  remember?<T>(role: string, bytes: Bytes, make: (bytes: Bytes) => T): T;
};
