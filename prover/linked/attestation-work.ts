/** What the proofs about a machine are made of, as the secret file keeps it while they are being made. */
import type { Platform } from '#verifier/abi/bundle.ts';
import { type Bound, type Channel, channelKinds } from '#verifier/abi/report-data.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
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
import type { LevelSnp } from './set-entries-snp.ts';
import type { SnpChain } from './snp-facts.ts';
import type { Siblings } from './tdx-inputs.ts';

type SharedWork = {
  readonly bound: Bound;
  readonly channel: Channel;
  /** Of C_key. */
  readonly keySalt: Field;
  /** Where the sets hold what they should, or do not hold what they should not. */
  readonly levelSiblings: Siblings;
  readonly referenceSiblings: Siblings;
  readonly chipAbsence: AbsenceProof;
  /** Null unless the key is one of a set. */
  readonly vekSiblings: Siblings | null;
};

export type TdxWork = SharedWork & {
  readonly platform: 'tdx';
  /** The quote. */
  readonly evidence: Bytes;
  /** The level that the machine reaches. */
  readonly level: LevelTdx;
  readonly serialAbsence: AbsenceProof;
};

export type SnpWork = SharedWork & {
  readonly platform: 'sev-snp';
  /** The report. */
  readonly evidence: Bytes;
  readonly chain: SnpChain;
  /** The level that the machine reaches. */
  readonly level: LevelSnp;
};

export type AttestationWork = TdxWork | SnpWork;

/** 64 hex digits. */
export const field: Decoder<Field> = (value, path) =>
  fieldFromBytes(hexBytes(32)(value, path), path);

const path = arrayOf(field, { max: maxDepth });
const absence = object({ other: nullable(object({ key: field, value: field })), siblings: path });
const svn8 = integer(0, 0xff);
const svn16 = integer(0, 0xffff);

const shared = {
  evidence: base64Bytes,
  bound: object({
    closureDigest: hexBytes(32),
    treeRoot: field,
    deviceDigest: hexBytes(32),
    logDigest: hexBytes(32),
  }),
  channel: nullable(object({ kind: oneOf(...channelKinds), hash: hexBytes(32) })),
  keySalt: field,
};
const sharedPaths = { level: path, reference: path, vek: nullable(path), chip: absence };

const tdxShape = object({
  ...shared,
  level: object({
    fmspc: hexBytes(6),
    cpuSvn: hexBytes(16),
    pceSvn: svn16,
    teeTcbSvn: hexBytes(16),
    qeIsvSvn: svn16,
  }),
  paths: object({ ...sharedPaths, serial: absence }),
});

const snpShape = object({
  ...shared,
  chain: arrayOf(base64Bytes, { min: 3, max: 3 }),
  level: object({
    product: oneOf(...snpProducts),
    fmc: svn8,
    bootLoader: svn8,
    tee: svn8,
    snp: svn8,
    microcode: svn8,
  }),
  paths: object(sharedPaths),
});

/**
 * `evidence` (base64) · `bound` · `channel` as in a bundle · `keySalt` · for SEV-SNP `chain` (VCEK or VLEK, ASK or ASVK, ARK, base64
 * DER) · `level`, as a set of levels has it · `paths` {`level`, `reference`, `vek`: lists of siblings, `vek` may be null; `chip`, for TDX
 * `serial`: {`other`, `siblings`}}
 */
export function workDecoder(platform: Platform): Decoder<AttestationWork> {
  return (value, at) =>
    platform === 'tdx' ? tdxWorkOf(tdxShape(value, at)) : snpWorkOf(snpShape(value, at));
}

function tdxWorkOf({ paths, ...same }: Decoded<typeof tdxShape>): TdxWork {
  return {
    platform: 'tdx',
    ...same,
    ...pathsOf(paths),
    serialAbsence: absenceOf(paths.serial),
  };
}

function snpWorkOf({ paths, chain, ...same }: Decoded<typeof snpShape>): SnpWork {
  // The shape has three.
  const [vek, issuer, root] = chain as [Bytes, Bytes, Bytes];
  return { platform: 'sev-snp', ...same, chain: [vek, issuer, root], ...pathsOf(paths) };
}

function pathsOf(paths: Decoded<typeof snpShape>['paths']) {
  return {
    levelSiblings: paths.level,
    referenceSiblings: paths.reference,
    vekSiblings: paths.vek,
    chipAbsence: absenceOf(paths.chip),
  };
}

function absenceOf({ other, siblings }: Decoded<typeof absence>): AbsenceProof {
  return { claim: { kind: 'absent', other }, proof: { siblings } };
}

/** The mirror of `workDecoder`. */
export function encodeWork(work: AttestationWork) {
  const { bound, channel } = work;
  const paths = {
    level: work.levelSiblings.map(hex),
    reference: work.referenceSiblings.map(hex),
    vek: work.vekSiblings?.map(hex) ?? null,
    chip: encodeAbsence(work.chipAbsence),
  };
  const same = {
    evidence: toBase64(work.evidence),
    bound: {
      closureDigest: toHex(bound.closureDigest),
      treeRoot: hex(bound.treeRoot),
      deviceDigest: toHex(bound.deviceDigest),
      logDigest: toHex(bound.logDigest),
    },
    channel: channel && { kind: channel.kind, hash: toHex(channel.hash) },
    keySalt: hex(work.keySalt),
  };
  if (work.platform === 'sev-snp') {
    const { product, fmc, bootLoader, tee, snp, microcode } = work.level;
    const level = { product, fmc, bootLoader, tee, snp, microcode };
    return { ...same, chain: work.chain.map(toBase64), level, paths };
  }
  const { fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn } = work.level;
  return {
    ...same,
    level: {
      fmspc: toHex(fmspc),
      cpuSvn: toHex(cpuSvn),
      pceSvn,
      teeTcbSvn: toHex(teeTcbSvn),
      qeIsvSvn,
    },
    paths: { ...paths, serial: encodeAbsence(work.serialAbsence) },
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
