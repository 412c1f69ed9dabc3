/**
 * The opaque data of an NVIDIA measurements response ⇄ fields: u16 id ‖ u16 length ‖ value, little-endian, each id once.
 * Ids and meanings are those of NVIDIA's attestation SDK; its own verifier refuses ids beyond the ranges below, too.
 */
import { type Bytes, concat, fromUtf8, isZero, Reader, toHex, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';

export type OpaqueField = { id: number; value: Bytes };

export type NvidiaKind = 'gpu' | 'switch';
export const nvidiaArchitectures = ['HOPPER', 'BLACKWELL', 'LS10'] as const;
/** As NVIDIA's tools name them; LS10 is the NVSwitch of Hopper machines. */
export type NvidiaArchitecture = (typeof nvidiaArchitectures)[number];

/**
 * `confidential`: passed through to one guest, alone or with others (NVIDIA's SPT and MPT). `protected-pcie`: the links between
 * GPUs are in the clear. Neither tells development mode from production: only the measurements do.
 */
export type NvidiaMode = 'confidential' | 'protected-pcie';

/** What the fields say; null where the field is not there. */
export type OpaqueClaims = {
  kind: NvidiaKind;
  /** Of a GPU, from its chip's number; null too where that is not known. */
  architecture: NvidiaArchitecture | null;
  /** `570.124.03`; null for switches. */
  driver: string | null;
  /** Five parts of two hex digits, upper case: `96.00.5E.00.01`. */
  vbios: string;
  /** `1010`, `0200`, `882`: what a firmware RIM's id is made of. GPUs have all three, switches none. */
  project: string | null;
  projectSku: string | null;
  chipSku: string | null;
  /** Names the chip in a driver RIM's id: `GB100`. */
  chip: string | null;
  /** Firmware id, SHA-384 of the first code that the chip runs, as in its certificate. */
  fwid: Bytes | null;
  /** Of a switch: 8 bytes that name the device. */
  pdi: Bytes | null;
  nvdec0: boolean | null;
  mode: NvidiaMode | null;
};

const ids = {
  driver: 3,
  chipInfo: 4,
  vbios: 6,
  nvdec0: 11,
  chipSku: 15,
  project: 17,
  projectSku: 18,
  fwid: 20,
  protectedPcie: 21,
  /** Of a switch its own; of a GPU those of the switches it is linked with. */
  pdi: 22,
  version: 34,
  chip: 35,
  featureFlag: 36,
} as const;

/** For people, as NVIDIA names them. 22 to 26 mean other things on GPUs than on switches. */
const names: Readonly<Record<number, string>> = {
  1: 'CERT_ISSUER_NAME',
  2: 'CERT_AUTHORITY_KEY_IDENTIFIER',
  3: 'DRIVER_VERSION',
  4: 'GPU_INFO',
  5: 'SKU',
  6: 'VBIOS_VERSION',
  7: 'MANUFACTURER_ID',
  8: 'TAMPER_DETECTION',
  9: 'SMC',
  10: 'VPR',
  11: 'NVDEC0_STATUS',
  12: 'MSRSCNT',
  13: 'CPRINFO',
  14: 'BOARD_ID',
  15: 'CHIP_SKU',
  16: 'CHIP_SKU_MOD',
  17: 'PROJECT',
  18: 'PROJECT_SKU',
  19: 'PROJECT_SKU_MOD',
  20: 'FWID',
  21: 'PROTECTED_PCIE_STATUS',
  32: 'GPU_LINK_CONN',
  33: 'SYS_ENABLE_STATUS',
  34: 'OPAQUE_DATA_VERSION',
  35: 'CHIP_INFO',
  36: 'FEATURE_FLAG',
};
const gpuNames: Readonly<Record<number, string>> = {
  22: 'SWITCH_PDI',
  23: 'FLOORSWEPT_PORTS',
  24: 'POSITION_ID',
  25: 'LOCK_SWITCH_STATUS',
};
const switchNames: Readonly<Record<number, string>> = {
  22: 'DEVICE_PDI',
  23: 'DISABLED_PORTS',
  24: 'SWITCH_POSITION_ID',
  25: 'SWITCH_LOCK_STATUS',
  26: 'SWITCH_GPU_PDIS',
  27: 'SWITCH_PORTS',
};
const highestId: Record<NvidiaKind, number> = { gpu: 36, switch: 27 };
/** Versions of the opaque data that have a meaning here; a report without the field is of none of them. */
const highestVersion = 1;
const on = 0xaa;
const off = 0x55;
const what = 'NVIDIA report, opaque data';

export function opaqueName(kind: NvidiaKind, id: number): string {
  return (kind === 'gpu' ? gpuNames : switchNames)[id] ?? names[id] ?? `field ${id}`;
}

/** @throws AttestationError `length-wrong`, `value-out-of-range` */
export function parseOpaque(bytes: Bytes): OpaqueField[] {
  const reader = new Reader(bytes, what);
  const fields: OpaqueField[] = [];
  const seen = new Set<number>();
  while (reader.left > 0) {
    const id = reader.u16le('field id');
    if (seen.has(id)) throw outOfRange(`field ${id} occurs twice`);
    seen.add(id);
    fields.push({ id, value: reader.bytes(reader.u16le('field length'), `field ${id}`) });
  }
  return fields;
}

export function encodeOpaque(fields: readonly OpaqueField[]): Bytes {
  return concat(
    ...fields.map(({ id, value }) =>
      new Writer(4 + value.length)
        .u16le(id)
        .u16le(value.length)
        .bytes(value, value.length)
        .finish(),
    ),
  );
}

/** @throws AttestationError `value-out-of-range`, `length-wrong`, `reserved-not-zero`, `version-unknown` */
export function readOpaque(fields: readonly OpaqueField[]): OpaqueClaims {
  const find = (id: number) => fields.find((field) => field.id === id)?.value ?? null;
  // A GPU is run by a driver, a switch has none.
  const driver = find(ids.driver);
  const kind = driver === null ? 'switch' : 'gpu';
  const beyond = fields.find(({ id }) => id < 1 || id > highestId[kind]);
  if (beyond !== undefined) throw outOfRange(`field ${beyond.id} is not known`);
  return kind === 'gpu' ? readGpu(find) : readSwitch(find);
}

type Find = (id: number) => Bytes | null;

function readGpu(find: Find): OpaqueClaims {
  const version = find(ids.version);
  const known = version === null ? null : littleEndian(version, 'version');
  if (known !== null && known > highestVersion) {
    throw new AttestationError(
      'version-unknown',
      `${what}: version ${known} is not known (known: 0 to ${highestVersion})`,
    );
  }
  return {
    kind: 'gpu',
    architecture: architectureOf(find(ids.chipInfo)),
    driver: readText(needed(find, ids.driver), /^\d{1,5}(\.\d{1,5}){1,3}$/, 'driver version'),
    vbios: binaryVbios(needed(find, ids.vbios)),
    project: readText(needed(find, ids.project), rimPart, 'project'),
    projectSku: readText(needed(find, ids.projectSku), rimPart, 'project SKU'),
    chipSku: readText(needed(find, ids.chipSku), rimPart, 'chip SKU'),
    chip: optionalText(find(ids.chip), rimPart, 'chip'),
    fwid: readFwid(find(ids.fwid)),
    pdi: null,
    nvdec0: readSwitchedOn(find(ids.nvdec0), 'NVDEC0'),
    mode: readMode(find, known),
  };
}

function readSwitch(find: Find): OpaqueClaims {
  const pdi = needed(find, ids.pdi);
  if (pdi.length !== 8) throw wrongLength('device PDI', '8 bytes', pdi);
  const vbios = readText(
    needed(find, ids.vbios),
    /^[0-9A-Fa-f]{2}(\.[0-9A-Fa-f]{2}){4}$/,
    'VBIOS version',
  );
  return {
    kind: 'switch',
    architecture: null,
    driver: null,
    vbios: vbios.toUpperCase(),
    project: null,
    projectSku: null,
    chipSku: null,
    chip: null,
    fwid: readFwid(find(ids.fwid)),
    pdi,
    nvdec0: null,
    mode: null,
  };
}

/** A part of a RIM's id. */
const rimPart = /^[0-9A-Z]{1,16}$/;

/** ASCII, and zero bytes after it. */
function readText(value: Bytes, pattern: RegExp, field: string): string {
  const end = value.indexOf(0);
  const text = end === -1 ? value : value.subarray(0, end);
  const read = text.every((byte) => byte < 0x80) ? fromUtf8(text, field) : '';
  if (!pattern.test(read) || !isZero(value.subarray(text.length)))
    throw outOfRange(`${field} is not one: 0x${toHex(value.subarray(0, 32))}`);
  return read;
}

function optionalText(value: Bytes | null, pattern: RegExp, field: string): string | null {
  return value === null ? null : readText(value, pattern, field);
}

/** 00 5E 00 96 01 00 00 00 is 96.00.5E.00.01: four bytes from the last to the first, then the fifth. */
function binaryVbios(value: Bytes): string {
  if (value.length !== 8) throw wrongLength('VBIOS version', '8 bytes', value);
  const reader = new Reader(value, `${what}, VBIOS version`);
  const parts = concat(reader.bytes(4, 'version').toReversed(), reader.bytes(1, 'last part'));
  reader.zero(3, 'reserved');
  return Array.from(parts, (part) => toHex(Uint8Array.of(part)))
    .join('.')
    .toUpperCase();
}

function readFwid(value: Bytes | null): Bytes | null {
  if (value !== null && value.length !== 48) throw wrongLength('firmware id', '48 bytes', value);
  return value;
}

/** The number of the chip, as its boot register has it: 0x18n of Hopper, 0x1An and 0x1Bn of Blackwell. */
function architectureOf(info: Bytes | null): NvidiaArchitecture | null {
  if (info === null) return null;
  if (info.length !== 8) throw wrongLength('GPU_INFO', '8 bytes', info);
  const family = new Reader(info, what).u32le('GPU_INFO') >>> 4;
  if (family === 0x18) return 'HOPPER';
  return family === 0x1a || family === 0x1b ? 'BLACKWELL' : null;
}

function readSwitchedOn(value: Bytes | null, field: string): boolean | null {
  if (value === null) return null;
  if (value.length !== 1 || (value[0] !== on && value[0] !== off))
    throw outOfRange(`${field} should be 0xaa (on) or 0x55 (off), got 0x${toHex(value)}`);
  return value[0] === on;
}

/** @throws AttestationError `value-out-of-range` also where the two fields that speak of it contradict each other */
function readMode(find: Find, version: number | null): NvidiaMode | null {
  const protectedPcie = readSwitchedOn(find(ids.protectedPcie), 'protected PCIe');
  const flag = find(ids.featureFlag);
  // Before version 1 the flag has no meaning.
  if (flag === null || version !== 1) return protectedPcie === true ? 'protected-pcie' : null;
  const value = littleEndian(flag, 'feature flag');
  if (value > 2) throw outOfRange(`feature flag ${value} is not known`);
  const mode = value === 2 ? 'protected-pcie' : 'confidential';
  if (protectedPcie !== null && protectedPcie !== (mode === 'protected-pcie'))
    throw outOfRange(`feature flag ${value} contradicts the protected PCIe status`);
  return mode;
}

function littleEndian(value: Bytes, field: string): number {
  if (value.length < 1 || value.length > 8) throw wrongLength(field, '1 to 8 bytes', value);
  const high = value.subarray(4);
  if (!isZero(high)) throw outOfRange(`${field} is over 32 bits`);
  return value.subarray(0, 4).reduceRight((sum, byte) => sum * 256 + byte, 0);
}

function needed(find: Find, id: number): Bytes {
  const found = find(id);
  if (found === null) throw outOfRange(`field ${id} (${names[id] ?? 'PDI'}) is missing`);
  return found;
}

function wrongLength(field: string, wanted: string, value: Bytes): AttestationError {
  return new AttestationError(
    'length-wrong',
    `${what}: ${field} should have ${wanted}, got ${value.length}`,
  );
}

function outOfRange(problem: string): AttestationError {
  return new AttestationError('value-out-of-range', `${what}: ${problem}`);
}
