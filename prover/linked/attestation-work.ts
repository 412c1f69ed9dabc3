/** What the proofs about a machine are made of, as the secret file keeps it while they are being made. */
import { type Bound, type Channel, channelKinds } from '#verifier/abi/report-data.ts';
import { type Bytes, toBase64, toHex } from '#verifier/bytes.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import {
  arrayOf,
  base64Bytes,
  type Decoded,
  type Decoder,
  hexBytes,
  integer,
  nullable,
  object,
  oneOf,
} from '#verifier/json.ts';
import { maxDepth } from '#verifier/smt/proof.ts';
import type { LevelTdx } from './formulas.ts';
import type { AbsenceProof } from './quote-inputs.ts';
import type { Siblings } from './tdx-inputs.ts';

export type AttestationWork = {
  /** The quote, and what its REPORTDATA binds. */
  readonly evidence: Bytes;
  readonly bound: Bound;
  readonly channel: Channel;
  /** Of C_key. */
  readonly keySalt: Field;
  /** The level that the machine reaches, and where the sets hold what they should, or do not hold what they should not. */
  readonly level: LevelTdx;
  readonly levelSiblings: Siblings;
  readonly referenceSiblings: Siblings;
  readonly chipAbsence: AbsenceProof;
  readonly serialAbsence: AbsenceProof;
  /** Null unless the key is one of a set. */
  readonly vekSiblings: Siblings | null;
};

/** 64 hex digits. */
export const field: Decoder<Field> = (value, path) =>
  fieldFromBytes(hexBytes(32)(value, path), path);

const path = arrayOf(field, { max: maxDepth });
const absence = object({ other: nullable(object({ key: field, value: field })), siblings: path });
const svn = integer(0, 0xffff);

/**
 * `evidence` (base64) · `bound` · `channel` as in a bundle · `keySalt` · `level` {`fmspc`, `cpuSvn`, `pceSvn`, `teeTcbSvn`, `qeIsvSvn`} ·
 * `paths` {`level`, `reference`, `vek`: lists of siblings, `vek` may be null; `chip`, `serial`: {`other`, `siblings`}}
 */
export const workShape = object({
  evidence: base64Bytes,
  bound: object({
    closureDigest: hexBytes(32),
    treeRoot: field,
    deviceDigest: hexBytes(32),
    logDigest: hexBytes(32),
  }),
  channel: nullable(object({ kind: oneOf(...channelKinds), hash: hexBytes(32) })),
  keySalt: field,
  level: object({
    fmspc: hexBytes(6),
    cpuSvn: hexBytes(16),
    pceSvn: svn,
    teeTcbSvn: hexBytes(16),
    qeIsvSvn: svn,
  }),
  paths: object({
    level: path,
    reference: path,
    vek: nullable(path),
    chip: absence,
    serial: absence,
  }),
});

export function workOf({ paths, ...same }: Decoded<typeof workShape>): AttestationWork {
  return {
    ...same,
    levelSiblings: paths.level,
    referenceSiblings: paths.reference,
    vekSiblings: paths.vek,
    chipAbsence: absenceOf(paths.chip),
    serialAbsence: absenceOf(paths.serial),
  };
}

function absenceOf({ other, siblings }: Decoded<typeof absence>): AbsenceProof {
  return { claim: { kind: 'absent', other }, proof: { siblings } };
}

/** The mirror of `workOf`. */
export function encodeWork({ bound, channel, level, ...work }: AttestationWork) {
  return {
    evidence: toBase64(work.evidence),
    bound: {
      closureDigest: toHex(bound.closureDigest),
      treeRoot: hex(bound.treeRoot),
      deviceDigest: toHex(bound.deviceDigest),
      logDigest: toHex(bound.logDigest),
    },
    channel: channel && { kind: channel.kind, hash: toHex(channel.hash) },
    keySalt: hex(work.keySalt),
    level: {
      fmspc: toHex(level.fmspc),
      cpuSvn: toHex(level.cpuSvn),
      pceSvn: level.pceSvn,
      teeTcbSvn: toHex(level.teeTcbSvn),
      qeIsvSvn: level.qeIsvSvn,
    },
    paths: {
      level: work.levelSiblings.map(hex),
      reference: work.referenceSiblings.map(hex),
      vek: work.vekSiblings?.map(hex) ?? null,
      chip: encodeAbsence(work.chipAbsence),
      serial: encodeAbsence(work.serialAbsence),
    },
  };
}

/** @throws RangeError for a proof that something is there */
function encodeAbsence({ claim, proof }: AbsenceProof) {
  if (claim.kind === 'present') throw new RangeError('the key is in the tree: nothing is absent');
  const { other } = claim;
  return {
    other: other && { key: hex(other.key), value: hex(other.value) },
    siblings: proof.siblings.map(hex),
  };
}

function hex(value: Field): string {
  return toHex(fieldToBytes(value));
}
