/** How long an RSA signature must be (RFC 8017, 8.1.2 and 8.2.2, step 1): as long as the modulus, leading zeros too. */
import type { Bytes } from '../bytes.ts';

/** Tags of what stands before the modulus in a SubjectPublicKeyInfo. */
const [sequence, bitString, integer] = [0x30, 0x03, 0x02];
/** AlgorithmIdentifier of rsaEncryption. */
const algorithmLength = 15;

/**
 * OpenSSL takes a signature as the integer that it stands for, of whatever length, so that one has two spellings when it begins with
 * zero. Ports compare lengths before they ask it.
 * @param spki DER of an RSA SubjectPublicKeyInfo
 * @returns bytes of the modulus; null for what is no such key
 */
export function rsaSignatureLength(spki: Bytes): number | null {
  let at = 0;
  const enter = (tag: number): number | null => {
    if (spki[at] !== tag) return null;
    const first = spki[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first - 0x80;
    let length = more === 0 ? first : 0;
    for (let i = 0; i < more; i++) length = length * 256 + (spki[at + 2 + i] ?? 0);
    at += 2 + more;
    return length;
  };
  if (enter(sequence) === null) return null;
  at += algorithmLength;
  if (enter(bitString) === null || spki[at++] !== 0 || enter(sequence) === null) return null;
  const length = enter(integer);
  if (length === null) return null;
  // The sign's octet is none of the modulus.
  return spki[at] === 0 ? length - 1 : length;
}
