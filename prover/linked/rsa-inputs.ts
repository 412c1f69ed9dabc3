/** What circuits/lib/rsa takes: RSASSA-PSS of 4096 bits, SHA-384, a salt of 48 bytes. The circuit checks it, not this. */
import { sha384 } from '@noble/hashes/sha2.js';
import type { InputMap } from '@noir-lang/noir_js';
import { type Bytes, bigEndian, concat, fromBigEndian } from '#verifier/bytes.ts';
import { fieldInput } from '../circuit-inputs.ts';

/** Bytes of the modulus, the signature and the encoded message. */
const size = 512;
const hashSize = 48;
const saltSize = 48;
/** maskedDB ‖ H ‖ 0xbc */
const dbSize = size - hashSize - 1;

/** 65537 = 2^16 + 1 */
const squares = 16;

/**
 * The struct Signature: powers and quotients of signature^65537, the encoded message and its salt.
 * @param modulus 512 bytes, big-endian
 * @param signature likewise
 * @throws RangeError for another length, a modulus without its first bit, or a signature that is not below it
 */
export function rsaSignatureInput(modulus: Bytes, signature: Bytes): InputMap {
  if (modulus.length !== size || signature.length !== size) {
    throw new RangeError(
      `modulus and signature have ${size} bytes, got ${modulus.length} and ${signature.length}`,
    );
  }
  const [m, s] = [fromBigEndian(modulus), fromBigEndian(signature)];
  if (m >> 4095n === 0n) throw new RangeError('the modulus has less than 4096 bits');
  if (s >= m) throw new RangeError('the signature is not below the modulus');

  const powers = [s];
  const quotients: bigint[] = [];
  const multiply = (a: bigint, b: bigint) => {
    quotients.push((a * b) / m);
    return (a * b) % m;
  };
  let last = s;
  for (let i = 0; i < squares; i++) {
    last = multiply(last, last);
    powers.push(last);
  }
  const encoded = bigEndian(multiply(last, s), size);
  return {
    power: {
      powers: powers.map(integerInput),
      quotients: quotients.map(integerInput),
      room: integerInput(m - 1n - s),
    },
    encoded: [...encoded],
    salt: [...saltOf(encoded)],
  };
}

/** 35 limbs of 120 bits, the lowest first. */
function integerInput(value: bigint): string[] {
  return Array.from({ length: 35 }, (_, i) =>
    fieldInput((value >> BigInt(120 * i)) & ((1n << 120n) - 1n)),
  );
}

/** The last bytes of DB = maskedDB xor MGF1(H). */
function saltOf(encoded: Bytes): Bytes {
  const mask = mgf1(encoded.subarray(dbSize, dbSize + hashSize), dbSize);
  const start = dbSize - saltSize;
  return encoded.slice(start, dbSize).map((byte, i) => byte ^ (mask[start + i] as number));
}

/** MGF1 with SHA-384 (RFC 8017, B.2.1). */
function mgf1(seed: Bytes, length: number): Bytes {
  const blocks = Array.from({ length: Math.ceil(length / hashSize) }, (_, counter) =>
    sha384(concat(seed, bigEndian(counter, 4))),
  );
  return concat(...blocks).subarray(0, length);
}
