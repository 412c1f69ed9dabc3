/** What a release should measure: the values that builders sign, and the bytes that stand for them (docs/reference.md). */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, bigEndian, concat, fromHex, utf8 } from '../bytes.ts';
import { tag } from '../tags.ts';
import type { UnixTime } from '../time.ts';

type Common = {
  /** Of what is released, 1 to 100 printable ASCII characters. */
  name: string;
  /** Which one, 1 to 100 printable ASCII characters. */
  release: string;
  /** The values hold from `from` on, and from `until` on no longer. */
  validity: { from: UnixTime; until: UnixTime };
  /** 32 bytes, hex, as all digests here */
  closureDigest: string;
};

export type SnpValues = Common & {
  platform: 'sev-snp';
  /** MEASUREMENT, 48 bytes */
  measurement: string;
};

/** 48 bytes each. */
export type TdxValues = Common & {
  platform: 'tdx';
  mrTd: string;
  rtmr0: string;
  rtmr1: string;
  rtmr2: string;
  /** Null: not stated. */
  rtmr3: string | null;
};

export type ReferenceValues = SnpValues | TdxValues;

/** In the order in which they are signed. */
export const measuredNames = {
  'sev-snp': ['measurement'],
  tdx: ['mrTd', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'],
} as const satisfies Record<ReferenceValues['platform'], readonly string[]>;

/** What the platform measures of the release, in that order. */
export function measuredOf(values: ReferenceValues): readonly (readonly [string, string | null])[] {
  if (values.platform === 'sev-snp') return [['measurement', values.measurement]];
  return measuredNames.tdx.map((name) => [name, values[name]] as const);
}

/** part(b) = u16 length of b ‖ b. @throws RangeError over 65,535 bytes */
export function part(bytes: Bytes): Bytes {
  return concat(bigEndian(bytes.length, 2), bytes);
}

/**
 * values digest = SHA-256(tag(reference-values) ‖ part(name) ‖ part(release) ‖ part(platform) ‖ part(from) ‖ part(until) ‖
 * part(closure digest) ‖ part(m) for each of what the platform measures, in order), texts UTF-8, times u64, null no bytes
 */
export function valuesDigest(values: ReferenceValues): Bytes {
  const { name, release, platform, validity, closureDigest } = values;
  const measured = measuredOf(values).map(([what, hex]) => fromHex(hex ?? '', what));
  const parts = [
    utf8(name),
    utf8(release),
    utf8(platform),
    bigEndian(validity.from, 8),
    bigEndian(validity.until, 8),
    fromHex(closureDigest, 'closureDigest', 32),
    ...measured,
  ];
  return sha256(concat(tag('reference-values'), ...parts.map(part)));
}

/** Where a moment lies: before, in or after the validity. */
export function validityAt(
  { validity }: ReferenceValues,
  at: UnixTime,
): 'future' | 'valid' | 'expired' {
  if (at < validity.from) return 'future';
  return at < validity.until ? 'valid' : 'expired';
}
