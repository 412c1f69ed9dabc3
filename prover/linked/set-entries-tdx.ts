/** Entries of Intel's machines (protocol, "Linked proofs"). */
import { type Bytes, toHex } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { arrayOf, type Decoder, hexBytes, integer, object, text } from '#verifier/json.ts';
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
import { type EntryFormat, either, fieldHex, hexOfField } from './set-entry-format.ts';

/** What may run in a TD: 48 bytes for each register, 32 for the digest. */
export type AcceptedTdx = Registers & { readonly closureDigest: Bytes };

/** A machine by its PPID, 16 bytes. */
export type RevokedPpid = { readonly chip: Bytes };
/** One certificate by its number under an issuer (`issuerTdx`); the number big-endian, 1 to 20 bytes, no zero byte in front. */
export type RevokedCertificate = { readonly issuer: Field; readonly serialNumber: Bytes };

const u16 = integer(0, 0xffff);

export const acceptedTdx: EntryFormat<AcceptedTdx> = {
  decode: object({
    mrTd: hexBytes(48),
    rtmr: arrayOf(hexBytes(48), { min: 4, max: 4 }),
    closureDigest: hexBytes(32),
  }),
  toJson: ({ mrTd, rtmr, closureDigest }) => ({
    mrTd: toHex(mrTd),
    rtmr: rtmr.map(toHex),
    closureDigest: toHex(closureDigest),
  }),
  element: (entry) => referenceTdx(entry, entry.closureDigest),
};

export const levelsTdx: EntryFormat<LevelTdx> = {
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

const revokedPpid: EntryFormat<RevokedPpid> = {
  decode: object({ chip: hexBytes(16) }),
  toJson: ({ chip }) => ({ chip: toHex(chip) }),
  element: ({ chip }) => chipTdx(chip),
};

const revokedCertificate: EntryFormat<RevokedCertificate> = {
  decode: object({ issuer: fieldHex, serialNumber }),
  toJson: ({ issuer, serialNumber: number }) => ({
    issuer: hexOfField(issuer),
    serialNumber: toHex(number),
  }),
  element: (entry) => serial(entry.issuer, entry.serialNumber),
};

export const revokedTdx: EntryFormat<RevokedPpid | RevokedCertificate> = either(
  'chip',
  revokedPpid,
  revokedCertificate,
);

export const veksTdx: EntryFormat<Pck> = {
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
