/**
 * The evidence bundle (protocol, "Evidence bundle"): everything a verifier without network needs. Nothing in it is
 * believed: what reads it recomputes every digest, and collateral counts by its signature under a pinned root.
 */
import { type Bytes, fromUtf8, isZero, toBase64, toHex } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '../field.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoder,
  hexBytes,
  nullable,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  text,
  unixTime,
  version,
} from '../json.ts';
import type { UnixTime } from '../time.ts';
import { maxLogEntries } from './log.ts';
import { type Bound, type Channel, channelKinds, type Device } from './report-data.ts';

export const bundleMediaType = 'application/vnd.affidavit.evidence+json';
/** 8 MiB */
export const maxBundleLength = 8 * 1024 * 1024;

export const platforms = ['sev-snp', 'tdx'] as const;
export type Platform = (typeof platforms)[number];

/** `vek` VCEK or VLEK · `ask` ASK or ASVK · `ark` · `ark-crl`, each one DER object. */
export const amdCollateralKinds = ['vek', 'ask', 'ark', 'ark-crl'] as const;
export type AmdCollateralKind = (typeof amdCollateralKinds)[number];

/**
 * `tcb-info` and `qe-identity` the JSON as Intel signed it, byte for byte; all others one DER object each: who signed these two
 * documents, the root above both signers, the CRLs of the PCK's CA and of the root. The PCK's own chain is in the quote.
 */
export const intelCollateralKinds = [
  'tcb-info',
  'tcb-signing',
  'qe-identity',
  'qe-identity-signing',
  'pck-crl',
  'intel-root-crl',
  'intel-root',
] as const;
export type IntelCollateralKind = (typeof intelCollateralKinds)[number];

/** `nvidia-rim` a reference manifest (XML) as NVIDIA signed it · `nvidia-ocsp` one answer, DER. */
export const deviceCollateralKinds = ['nvidia-rim', 'nvidia-ocsp'] as const;
export type DeviceCollateralKind = (typeof deviceCollateralKinds)[number];

export const collateralKinds = [
  ...amdCollateralKinds,
  ...intelCollateralKinds,
  ...deviceCollateralKinds,
] as const;
export type CollateralKind = (typeof collateralKinds)[number];

/** One object with where it came from; `source` and `fetched` inform people and decide nothing. */
export type CollateralItem = {
  kind: CollateralKind;
  data: Bytes;
  source: string;
  fetched: UnixTime;
};

export type Bundle = {
  version: 1;
  platform: Platform;
  evidence: Bytes;
  nonce: Bytes;
  /** Who drew the nonce; a label that decides nothing. */
  freshness: 'verifier' | 'agent';
  epoch: UnixTime;
  channel: Channel;
  bound: Bound;
  devices: Device[];
  /** Raw entries: their digest covers the bytes. */
  log: Bytes[];
  collateral: CollateralItem[];
  eventLog?: Bytes;
};

const field: Decoder<Field> = (value, path) => fieldFromBytes(hexBytes(32)(value, path), path);
const deviceKind = text(/^[\x21-\x7e]{1,255}$/, 'a device kind of 1 to 255 ASCII characters');
const source = text(/^[\x20-\x7e]{0,2048}$/, 'printable ASCII, 2048 characters at most');

const channelMembers = object({ kind: oneOf(...channelKinds), hash: hexBytes(32) });

/** Zeros are no channel in freshness: under a channel's name they would say one that nothing vouches for. */
const boundChannel: Decoder<Channel & object> = (value, path) => {
  const channel = channelMembers(value, path);
  if (!isZero(channel.hash)) return channel;
  throw shapeError(`${path}.hash`, 'a hash (without a channel, channel is null)', 'zeros');
};

const bundleShape = object({
  version: version(1),
  platform: oneOf(...platforms),
  evidence: base64Bytes,
  nonce: hexBytes(32),
  freshness: oneOf('verifier', 'agent'),
  epoch: unixTime,
  channel: nullable(boundChannel),
  bound: object({
    closureDigest: hexBytes(32),
    treeRoot: field,
    deviceDigest: hexBytes(32),
    logDigest: hexBytes(32),
  }),
  devices: arrayOf(object({ kind: deviceKind, evidence: base64Bytes }), { max: 256 }),
  log: arrayOf(base64Bytes, { max: maxLogEntries }),
  collateral: arrayOf(
    object({ kind: oneOf(...collateralKinds), data: base64Bytes, source, fetched: unixTime }),
    { max: 64 },
  ),
  eventLog: optional(base64Bytes),
});

/**
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`,
 *   `hex-malformed`, `base64-malformed`, `field-not-canonical`
 */
export function parseBundle(bytes: Bytes): Bundle {
  if (bytes.length > maxBundleLength) {
    throw new AttestationError(
      'too-large',
      `evidence bundle: ${bytes.length} bytes, at most ${maxBundleLength} (8 MiB) are allowed`,
    );
  }
  return bundleShape(parseJson(fromUtf8(bytes, 'evidence bundle'), 'evidence bundle'), 'bundle');
}

/** The JSON object, members in the protocol's order. */
export function encodeBundle(bundle: Bundle): string {
  return JSON.stringify({
    version: bundle.version,
    platform: bundle.platform,
    evidence: toBase64(bundle.evidence),
    nonce: toHex(bundle.nonce),
    freshness: bundle.freshness,
    epoch: bundle.epoch,
    channel: bundle.channel && { kind: bundle.channel.kind, hash: toHex(bundle.channel.hash) },
    bound: {
      closureDigest: toHex(bundle.bound.closureDigest),
      treeRoot: toHex(fieldToBytes(bundle.bound.treeRoot)),
      deviceDigest: toHex(bundle.bound.deviceDigest),
      logDigest: toHex(bundle.bound.logDigest),
    },
    devices: bundle.devices.map(({ kind, evidence }) => ({ kind, evidence: toBase64(evidence) })),
    log: bundle.log.map(toBase64),
    collateral: bundle.collateral.map((item) => ({
      kind: item.kind,
      data: toBase64(item.data),
      source: item.source,
      fetched: item.fetched,
    })),
    ...(bundle.eventLog && { eventLog: toBase64(bundle.eventLog) }),
  });
}
