/** Domain separation: every hash of the protocol starts with the tag of what it hashes (protocol, "Notation"). */
import { type Bytes, concat, fromBigEndian, utf8 } from './bytes.ts';

export type HashTag =
  | 'binding'
  | 'channel-noise'
  | 'channel-tls-exporter'
  | 'channel-tls-key'
  | 'closure'
  | 'decision'
  | 'device'
  | 'device-nonce'
  | 'devices'
  | 'freshness'
  | 'log'
  | 'policy'
  | 'reference-signature'
  | 'reference-values'
  | 'response'
  | 'service'
  | 'audience';

export type FieldTag =
  | 'attestation'
  | 'chip-snp'
  | 'chip-tdx'
  | 'issuer-snp'
  | 'issuer-tdx'
  | 'key'
  | 'leaf'
  | 'level-snp'
  | 'level-tdx'
  | 'node'
  | 'reference-snp'
  | 'reference-tdx'
  | 'serial'
  | 'value'
  | 'vek-commitment'
  | 'vek-snp'
  | 'vek-tdx';

/** tag(x) = ASCII `affidavit/x/v1` and one zero byte. */
export function tag(name: HashTag): Bytes {
  return concat(utf8(`affidavit/${name}/v1`), new Uint8Array(1));
}

/** T(x) = the same ASCII without the zero byte read as one integer (31 bytes at most). */
export function fieldTag(name: FieldTag): bigint {
  return fromBigEndian(utf8(`affidavit/${name}/v1`));
}
