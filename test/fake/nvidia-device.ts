/** A simulated GPU or NVSwitch: writes and signs SPDM measurement reports, right or wrong. */
import { type KeyObject, sign } from 'node:crypto';
import type { NvidiaArchitecture, OpaqueField } from '#verifier/abi/nvidia/opaque.ts';
import { encodeSpdm, signedPart } from '#verifier/abi/nvidia/spdm.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import { bytesFor } from './nvidia-profile.ts';

export type FakeDeviceOptions = {
  /** Default HOPPER, of a switch LS10. */
  architecture?: NvidiaArchitecture;
  /** `590.12` */
  driver?: string;
  /** `96.00.5E.00.01` */
  vbios?: string;
  /** What FEATURE_FLAG says; null: as before it existed. */
  featureFlag?: number | null;
  /** Values of blocks that differ from the default ones, by index from 1. */
  measurements?: ReadonlyMap<number, Bytes>;
};

export type FakeReportOptions = {
  /** Changes the fields of the opaque data. */
  fields?: (fields: readonly OpaqueField[]) => readonly OpaqueField[];
  /** Signs in place of the device's attestation key. */
  signer?: KeyObject;
  /** Changes the bytes before they are signed: a wrongly built report with a right signature. */
  beforeSigning?: (bytes: Bytes) => Bytes;
  /** Changes the bytes after that. */
  afterSigning?: (bytes: Bytes) => void;
};

/** What the device puts into a report of its own. */
export type DeviceFacts = {
  options: FakeDeviceOptions & { architecture: NvidiaArchitecture };
  fwid: Bytes;
  pdi: Bytes;
  key: KeyObject;
};

const blockCount = { HOPPER: 64, BLACKWELL: 64, LS10: 31 } as const;
const defaultVbios = {
  HOPPER: '96.00.A5.00.01',
  BLACKWELL: '97.00.88.00.0F',
  LS10: '96.10.55.00.01',
} as const;

/** Digests by block index, from 1. */
export function measurementsOf({
  architecture,
  measurements,
}: DeviceFacts['options']): Map<number, Bytes> {
  const values = Array.from({ length: blockCount[architecture] }, (_, i): [number, Bytes] => {
    const index = i + 1;
    return [index, measurements?.get(index) ?? bytesFor(`${architecture} block ${index}`, 48)];
  });
  return new Map(values);
}

/** @param nonce 32 bytes */
export function writeReport(
  facts: DeviceFacts,
  nonce: Bytes,
  { fields, signer, beforeSigning, afterSigning }: FakeReportOptions = {},
): Bytes {
  const opaque = facts.options.architecture === 'LS10' ? switchFields(facts) : gpuFields(facts);
  const written = encodeSpdm({
    slot: 0,
    nonce,
    blocks: [...measurementsOf(facts.options)].map(([index, value]) => ({ index, type: 1, value })),
    responderNonce: bytesFor('responder', 32),
    opaque: fields?.(opaque) ?? opaque,
    signature: new Uint8Array(96),
  });
  const unsigned = signedPart(beforeSigning?.(written) ?? written);
  const key = signer ?? facts.key;
  const signature = sign('sha384', unsigned, { key, dsaEncoding: 'ieee-p1363' });
  const bytes = concat(unsigned, new Uint8Array(signature));
  afterSigning?.(bytes);
  return bytes;
}

/** ASCII, padded with at least one zero byte. */
function text(value: string, length = value.length + 1): Bytes {
  return concat(utf8(value), new Uint8Array(length - value.length));
}

function hex(value: string): Bytes {
  return fromHex(value, 'field');
}

/** In the order of genuine reports. */
function gpuFields({ options, fwid }: DeviceFacts): OpaqueField[] {
  const { architecture, featureFlag = 0 } = options;
  const isHopper = architecture === 'HOPPER';
  const [a, b, c, d, last] = (options.vbios ?? defaultVbios[architecture]).split('.');
  const fields: [id: number, value: Bytes][] = [
    [6, hex(`${d}${c}${b}${a}${last}000000`.toLowerCase())],
    [14, hex(isHopper ? '37040000' : '6f060000')],
    [15, text(isHopper ? '885' : '886', 9)],
    [16, text('0', 5)],
    [17, text(isHopper ? 'G520' : 'G525')],
    [18, text(isHopper ? '0200' : '0220')],
    [19, hex('0000')],
    [3, text(options.driver ?? (isHopper ? '590.12' : '595.91.07'))],
    [4, hex(isHopper ? '8001000000000000' : 'a001000000000000')],
    [12, new Uint8Array(256)],
    [13, hex('00c00100')],
    [11, hex('55')],
    [20, fwid],
    ...(isHopper ? [protectedPcie(featureFlag)] : [systemStatus, chipName]),
    ...(featureFlag === null ? [] : flagged(featureFlag)),
  ];
  return fields.map(([id, value]) => ({ id, value }));
}

const systemStatus: [number, Bytes] = [33, hex('0707')];
const chipName: [number, Bytes] = [35, text('GB100')];

function protectedPcie(featureFlag: number | null): [number, Bytes] {
  return [21, hex(featureFlag === 2 ? 'aa' : '55')];
}

/** The version of the opaque data from which the flag counts, and the flag. */
function flagged(featureFlag: number): [number, Bytes][] {
  return [
    [34, hex('0100')],
    [36, Uint8Array.of(featureFlag, 0)],
  ];
}

function switchFields({ options, pdi }: DeviceFacts): OpaqueField[] {
  const fields: [id: number, value: Bytes][] = [
    [6, utf8(options.vbios ?? defaultVbios.LS10)],
    [22, pdi],
    [12, new Uint8Array(108)],
    [26, new Uint8Array(128)],
    [23, hex('ec00')],
    [24, hex('0200')],
    [25, hex('0100')],
  ];
  return fields.map(([id, value]) => ({ id, value }));
}
