/** The hash algorithms of a TPM's PCR banks and quotes (TCG Algorithm Registry 1.34, table 3). */
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../../bytes.ts';

export type TpmHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** TPM_ALG_ID, and the length of a digest in bytes. */
export const tpmHashes: Readonly<
  Record<TpmHash, { readonly id: number; readonly length: number }>
> = {
  sha1: { id: 0x0004, length: 20 },
  sha256: { id: 0x000b, length: 32 },
  sha384: { id: 0x000c, length: 48 },
  sha512: { id: 0x000d, length: 64 },
};

export const tpmHashNames = Object.keys(tpmHashes) as TpmHash[];

/** @returns null for an algorithm that is none of these */
export function tpmHashById(id: number): TpmHash | null {
  return tpmHashNames.find((name) => tpmHashes[name].id === id) ?? null;
}

const functions = { sha1, sha256, sha384, sha512 };

export function hashOf(algorithm: TpmHash, bytes: Bytes): Bytes {
  return functions[algorithm](bytes);
}

/** A TPM has 24 PCRs a bank. */
export const pcrCount = 24;

/** By bank, then by index. */
export type PcrValues = ReadonlyMap<TpmHash, ReadonlyMap<number, Bytes>>;
