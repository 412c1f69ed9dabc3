/** The 64 bytes that the hardware signs for us, and what goes into them (protocol, "What is bound"). */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, bigEndian, concat, utf8 } from '../bytes.ts';
import { type Field, fieldToBytes } from '../field.ts';
import { tag } from '../tags.ts';
import type { UnixTime } from '../time.ts';

/** Evidence of one more device; `kind` is ASCII, such as `nvidia`. */
export type Device = { kind: string; evidence: Bytes };

export type Bound = {
  closureDigest: Bytes;
  treeRoot: Field;
  deviceDigest: Bytes;
  logDigest: Bytes;
};

export const channelKinds = ['tls-key', 'tls-exporter', 'noise'] as const;
/** The connection that evidence is bound to, by its 32-byte hash; null: none, so the evidence can be relayed. */
export type Channel = BoundChannel | null;
export type BoundChannel = { kind: (typeof channelKinds)[number]; hash: Bytes };

/**
 * device digest = SHA-256(tag(devices) ‖ e_0 ‖ e_1 …), e_i = SHA-256(tag(device) ‖ u8 length of kind ‖ kind ‖ evidence),
 * in the order of `devices`; 32 zero bytes when there is none
 */
export function deviceDigest(devices: readonly Device[]): Bytes {
  if (devices.length === 0) return new Uint8Array(32);
  const each = devices.map(({ kind, evidence }) => {
    const name = utf8(kind);
    return sha256(concat(tag('device'), bigEndian(name.length, 1), name, evidence));
  });
  return sha256(concat(tag('devices'), ...each));
}

/** binding = SHA-256(tag(binding) ‖ closure digest ‖ tree root ‖ device digest ‖ log digest) */
export function bindingOf(bound: Bound): Bytes {
  const parts = [
    bound.closureDigest,
    fieldToBytes(bound.treeRoot),
    bound.deviceDigest,
    bound.logDigest,
  ];
  return sha256(concat(tag('binding'), ...parts.map(a32Bytes)));
}

/** freshness = SHA-256(tag(freshness) ‖ nonce ‖ channel ‖ epoch); epoch = the guest's clock */
export function freshnessOf(nonce: Bytes, channel: Channel, epoch: UnixTime): Bytes {
  const channelHash = channel === null ? new Uint8Array(32) : channel.hash;
  return sha256(
    concat(tag('freshness'), a32Bytes(nonce), a32Bytes(channelHash), bigEndian(epoch, 8)),
  );
}

/** REPORT_DATA = binding ‖ freshness */
export function reportDataOf(binding: Bytes, freshness: Bytes): Bytes {
  return concat(a32Bytes(binding), a32Bytes(freshness));
}

/** device nonce = SHA-256(tag(device-nonce) ‖ freshness ‖ tree root ‖ u8 index in `devices`) */
export function deviceNonce(freshness: Bytes, treeRoot: Field, index: number): Bytes {
  return sha256(
    concat(tag('device-nonce'), a32Bytes(freshness), fieldToBytes(treeRoot), bigEndian(index, 1)),
  );
}

/** SHA-256(tag(channel-tls-key) ‖ SPKI DER of the agent's certificate) */
export function tlsKeyChannel(spki: Bytes): BoundChannel {
  return { kind: 'tls-key', hash: sha256(concat(tag('channel-tls-key'), spki)) };
}

/** Of the TLS 1.3 exporter that `tlsExporterChannel` takes; its context is empty. */
export const tlsExporterLabel = 'EXPORTER-affidavit-channel-v1';

/**
 * SHA-256(tag(channel-tls-exporter) ‖ SHA-256(SPKI DER) ‖ E), E = TLS 1.3 exporter of 32 bytes
 * @param spki of the agent's certificate
 */
export function tlsExporterChannel(spki: Bytes, exporter: Bytes): BoundChannel {
  const hash = sha256(concat(tag('channel-tls-exporter'), sha256(spki), a32Bytes(exporter)));
  return { kind: 'tls-exporter', hash };
}

function a32Bytes(bytes: Bytes): Bytes {
  if (bytes.length !== 32) throw new RangeError(`expected 32 bytes, got ${bytes.length}`);
  return bytes;
}
