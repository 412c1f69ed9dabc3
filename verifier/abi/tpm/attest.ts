/**
 * TPMS_ATTEST of a quote ⇄ bytes: TPM 2.0 Library Part 2, 10.12.12 (TPMS_ATTEST), 10.12.1 (TPMS_QUOTE_INFO) and 10.11.1
 * (TPMS_CLOCK_INFO). Integers are big-endian. It says what a TPM signed; whether the signature holds is verify's.
 */
import { type Bytes, bigEndian, concat, equalBytes, Reader, toHex } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { tpmHashes, tpmHashNames } from './hash.ts';
import { encodeSelections, type PcrSelection, readSelections } from './selection.ts';
import { hexOf, outOfRange, readHash, readSized, readU32, sized, u16, u32 } from './wire.ts';

/** TPM_GENERATED_VALUE: no restricted key signs bytes from outside that begin so. */
const generated = 0xff544347;
/** TPM_ST_ATTEST_QUOTE */
const quoteTag = 0x8018;
/** TPM2B_DATA holds at most a TPMT_HA: an algorithm and its digest. */
const maxNonceLength = 2 + tpmHashes.sha512.length;
/** All that it can be: four banks, the longest name, nonce and digest. Nothing longer is a quote. */
export const maxAttestLength = 512;

export type TpmAttest = {
  /** extraData: what the caller had signed, 0 to 66 bytes. */
  nonce: Bytes;
  /** Qualified name of the signing key: algorithm ‖ digest over the key and all its parents. */
  qualifiedSigner: Bytes;
  /** Milliseconds that the TPM was powered. */
  clock: bigint;
  /**
   * Boots since the TPM was cleared, and resumes since the boot. For a key outside the endorsement and platform hierarchies the TPM
   * adds secrets of that key's owner to both and to the firmware version: equal then still means equal.
   */
  resetCount: number;
  restartCount: number;
  /** No greater clock was reported before. */
  safe: boolean;
  /** 8 bytes of the manufacturer's, hex. */
  firmwareVersion: string;
  selections: readonly PcrSelection[];
  pcrDigest: Bytes;
};

/** Whether the bytes begin as every TPMS_ATTEST does, of a quote or of something else. */
export function looksLikeAttest(bytes: Bytes): boolean {
  return equalBytes(bytes.subarray(0, 4), u32(generated));
}

/**
 * A quote that selects no PCR is refused: it would say nothing of what booted.
 * @throws AttestationError `length-wrong`, `value-out-of-range`, `too-large`
 */
export function parseAttest(message: Bytes): TpmAttest {
  if (message.length > maxAttestLength) {
    throw new AttestationError(
      'too-large',
      `TPM quote: ${message.length} bytes, at most ${maxAttestLength} are allowed`,
    );
  }
  const reader = new Reader(message, 'TPM quote');
  const magic = readU32(reader, 'magic');
  if (magic !== generated) {
    const shown = `0x${magic.toString(16).padStart(8, '0')}`;
    throw outOfRange('magic', '0xff544347 (made by a TPM)', shown);
  }
  const type = reader.u16be('type');
  if (type !== quoteTag) throw outOfRange('type', '0x8018 (quote)', hexOf(type));
  const qualifiedSigner = readName(reader);
  const nonce = readSized(reader, 'extraData', { max: maxNonceLength });
  const clock = reader.u64be('clock');
  const resetCount = readU32(reader, 'resetCount');
  const restartCount = readU32(reader, 'restartCount');
  const safe = reader.u8('safe');
  if (safe > 1) throw outOfRange('safe', '0 or 1', `${safe}`);
  const firmwareVersion = toHex(reader.bytes(8, 'firmwareVersion'));
  const selections = readSelections(reader);
  if (selections.every(({ indices }) => indices.length === 0))
    throw outOfRange('PCR selection', 'at least one PCR', 'none');
  const pcrDigest = readDigest(reader);
  reader.end();
  return {
    nonce,
    qualifiedSigner,
    clock,
    resetCount,
    restartCount,
    safe: safe === 1,
    firmwareVersion,
    selections,
    pcrDigest,
  };
}

/** The inverse of `parseAttest`. @throws RangeError for a field that does not fit */
export function encodeAttest(attest: TpmAttest): Bytes {
  return concat(
    u32(generated),
    u16(quoteTag),
    sized(attest.qualifiedSigner),
    sized(attest.nonce),
    bigEndian(attest.clock, 8),
    u32(attest.resetCount),
    u32(attest.restartCount),
    Uint8Array.of(Number(attest.safe)),
    bigEndian(BigInt(`0x${attest.firmwareVersion}`), 8),
    encodeSelections(attest.selections),
    sized(attest.pcrDigest),
  );
}

/** TPM2B_NAME of an object: its name algorithm ‖ a digest of that. */
function readName(reader: Reader): Bytes {
  const name = readSized(reader, 'qualifiedSigner', { min: 2, max: 2 + tpmHashes.sha512.length });
  const algorithm = readHash(new Reader(name, 'TPM quote'), 'algorithm of qualifiedSigner');
  const { length } = tpmHashes[algorithm];
  if (name.length !== 2 + length)
    throw outOfRange('qualifiedSigner', `${2 + length} bytes for ${algorithm}`, `${name.length}`);
  return name;
}

function readDigest(reader: Reader): Bytes {
  const digest = readSized(reader, 'pcrDigest', { max: tpmHashes.sha512.length });
  const lengths = tpmHashNames.map((name) => tpmHashes[name].length);
  if (!lengths.includes(digest.length))
    throw outOfRange('pcrDigest', `${lengths.join(', ')} bytes`, `${digest.length}`);
  return digest;
}
