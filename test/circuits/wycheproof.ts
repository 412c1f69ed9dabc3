/** Wycheproof's ECDSA vectors over secp256k1, brought to what the circuit takes. */
import { sha256 } from '@noble/hashes/sha2.js';
import { limbsInput } from '#prover/circuit-inputs.ts';
import { sharedFile } from '#test/shared.ts';
import { type Bytes, concat, fromBigEndian, fromHex, fromUtf8 } from '#verifier/bytes.ts';

type File = {
  testGroups: {
    publicKey: { uncompressed: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[];
  }[];
};

export type Vector = {
  readonly id: string;
  readonly valid: boolean;
  readonly hash: Bytes;
  readonly publicKey: Bytes;
  /** r ‖ s, or undefined when the file's bytes stand for no two integers of 32 bytes. */
  readonly signature: Bytes | undefined;
};

/** @param toSignature undefined for what is not a signature in the file's encoding */
export function vectorsOf(
  name: string,
  toSignature: (bytes: Bytes) => Bytes | undefined,
): Vector[] {
  const text = fromUtf8(sharedFile(`vectors/wycheproof/${name}`), name);
  const { testGroups }: File = JSON.parse(text);
  return testGroups.flatMap(({ publicKey, tests }) =>
    tests.map(({ tcId, comment, msg, sig, result }) => ({
      id: `${tcId} ${comment}`,
      valid: result === 'valid',
      hash: sha256(fromHex(msg, 'msg')),
      publicKey: fromHex(publicKey.uncompressed, 'key').subarray(1),
      signature: toSignature(fromHex(sig, 'sig')),
    })),
  );
}

/** IEEE P1363: r ‖ s as it is. */
export function fromP1363(bytes: Bytes): Bytes | undefined {
  return bytes.length === 64 ? bytes : undefined;
}

/** Strict DER: SEQUENCE of two INTEGERs, shortest forms, neither negative nor over 32 bytes. */
export function fromDer(bytes: Bytes): Bytes | undefined {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2 || bytes.length > 0x7f) return undefined;
  const r = integerAt(bytes, 2);
  const s = r && integerAt(bytes, r.end);
  return r && s?.end === bytes.length ? concat(r.value, s.value) : undefined;
}

function integerAt(bytes: Bytes, at: number): { value: Bytes; end: number } | undefined {
  const [type, length = 0, first = 0, second = 0] = bytes.subarray(at);
  const end = at + 2 + length;
  if (type !== 0x02 || length === 0 || end > bytes.length || first >= 0x80) return undefined;
  if (length > 1 && first === 0 && second < 0x80) return undefined;
  const body = bytes.subarray(at + 2 + (first === 0 ? 1 : 0), end);
  if (body.length > 32) return undefined;
  return { value: concat(new Uint8Array(32 - body.length), body), end };
}

const half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;

export function isHighS(signature: Bytes): boolean {
  return fromBigEndian(signature.subarray(32)) > half;
}

/** Inputs of circuits/test/signature_vectors. */
export function toInputs({ hash, publicKey }: Vector, signature: Bytes) {
  return {
    hash: limbsInput(hash),
    x: limbsInput(publicKey.subarray(0, 32)),
    y: limbsInput(publicKey.subarray(32)),
    signature: {
      r: limbsInput(signature.subarray(0, 32)),
      s: limbsInput(signature.subarray(32)),
    },
  };
}
