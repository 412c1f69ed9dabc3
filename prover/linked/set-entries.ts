/** What the sets of the linked proofs hold: an entry as its file states it, and the element of the tree that it stands for. */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import {
  arrayOf,
  type Decoder,
  hexBytes,
  integer,
  object,
  shapeError,
  text,
} from '#verifier/json.ts';
import {
  chipTdx,
  type LevelTdx,
  levelTdx,
  type Pck,
  type Registers,
  referenceTdx,
  serial,
  vekTdx,
} from './formulas.ts';

/** What may run: 48 bytes for each register, 32 for the digest. */
export type AcceptedEntry = Registers & { readonly closureDigest: Bytes };

/** A machine by its PPID, 16 bytes, or one certificate by its number under an issuer (`issuerTdx`). */
export type RevokedEntry =
  | { readonly chip: Bytes }
  /** Big-endian, 1 to 20 bytes, no zero byte in front. */
  | { readonly issuer: Field; readonly serialNumber: Bytes };

export type SetEntries = {
  readonly accepted: AcceptedEntry;
  readonly levels: LevelTdx;
  readonly revoked: RevokedEntry;
  readonly veks: Pck;
};

export const setKinds = ['accepted', 'levels', 'revoked', 'veks'] as const;
export type SetKind = (typeof setKinds)[number];

export type EntryFormat<T> = {
  readonly decode: Decoder<T>;
  /** Members in the order of the file. */
  readonly toJson: (entry: T) => Record<string, unknown>;
  readonly element: (entry: T) => Field;
};

const fieldHex: Decoder<Field> = (value, path) => fieldFromBytes(hexBytes(32)(value, path), path);
const u16 = integer(0, 0xffff);
const hexOfField = (field: Field) => toHex(fieldToBytes(field));

const acceptedMembers = object({
  mrTd: hexBytes(48),
  rtmr: arrayOf(hexBytes(48), { min: 4, max: 4 }),
  closureDigest: hexBytes(32),
});

const accepted: EntryFormat<AcceptedEntry> = {
  decode: acceptedMembers,
  toJson: ({ mrTd, rtmr, closureDigest }) => ({
    mrTd: toHex(mrTd),
    rtmr: rtmr.map(toHex),
    closureDigest: toHex(closureDigest),
  }),
  element: (entry) => referenceTdx(entry, entry.closureDigest),
};

const levels: EntryFormat<LevelTdx> = {
  decode: object({
    fmspc: hexBytes(6),
    cpuSvn: hexBytes(16),
    pceSvn: u16,
    teeTcbSvn: hexBytes(16),
    qeIsvSvn: u16,
  }),
  toJson: ({ fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn }) => ({
    fmspc: toHex(fmspc),
    cpuSvn: toHex(cpuSvn),
    pceSvn,
    teeTcbSvn: toHex(teeTcbSvn),
    qeIsvSvn,
  }),
  element: levelTdx,
};

/** A zero byte in front would be a second spelling of the same number. */
const serialNumber: Decoder<Bytes> = (value, path) => {
  const digits = text(
    /^(?!00.)(?:[0-9a-f]{2}){1,20}$/,
    '1 to 20 bytes as lower-case hex, no zero byte in front',
  )(value, path);
  return hexBytes(digits.length / 2)(digits, path);
};

const revokedChip = object({ chip: hexBytes(16) });
const revokedCertificate = object({ issuer: fieldHex, serialNumber });

const revoked: EntryFormat<RevokedEntry> = {
  decode(value, path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw shapeError(path, 'a chip, or an issuer and a serial number', value);
    }
    return 'chip' in value ? revokedChip(value, path) : revokedCertificate(value, path);
  },
  toJson: (entry) =>
    'chip' in entry
      ? { chip: toHex(entry.chip) }
      : { issuer: hexOfField(entry.issuer), serialNumber: toHex(entry.serialNumber) },
  element: (entry) =>
    'chip' in entry ? chipTdx(entry.chip) : serial(entry.issuer, entry.serialNumber),
};

const veks: EntryFormat<Pck> = {
  decode: object({
    publicKey: hexBytes(64),
    chip: fieldHex,
    serial: fieldHex,
    fmspc: hexBytes(6),
    cpuSvn: hexBytes(16),
    pceSvn: u16,
  }),
  toJson: ({ publicKey, chip, serial, fmspc, cpuSvn, pceSvn }) => ({
    publicKey: toHex(publicKey),
    chip: hexOfField(chip),
    serial: hexOfField(serial),
    fmspc: toHex(fmspc),
    cpuSvn: toHex(cpuSvn),
    pceSvn,
  }),
  element: vekTdx,
};

const formats: { readonly [K in SetKind]: EntryFormat<SetEntries[K]> } = {
  accepted,
  levels,
  revoked,
  veks,
};

export function formatOf<K extends SetKind>(kind: K): EntryFormat<SetEntries[K]> {
  return formats[kind];
}

/** The element of the tree: a reference, a level, a chip or a serial, a vek (prover/linked/formulas.ts). */
export function elementOf<K extends SetKind>(kind: K, entry: SetEntries[K]): Field {
  return formats[kind].element(entry);
}

/** The entry as one line of a set file. Two entries are the same when their lines are. */
export function lineOf<K extends SetKind>(kind: K, entry: SetEntries[K]): string {
  return JSON.stringify(formats[kind].toJson(entry));
}
