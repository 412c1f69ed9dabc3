/** Which levels a machine reaches (protocol, floor), and which of them is the highest. */
import { type Bytes, compareBytes, equalBytes } from '#verifier/bytes.ts';
import type { LevelTdx } from './formulas.ts';
import { type SnpProductNumber, type SnpSvns, snpProducts, tcbSnp } from './formulas-snp.ts';
import type { LevelSnp } from './set-entries-snp.ts';

/**
 * Floor: each byte of CPUSVN and TEE_TCB_SVN, PCESVN, ISVSVN is at least that of the level; FMSPC and TEE_TCB_SVN[1] are equal.
 */
export function reachesLevel(machine: LevelTdx, level: LevelTdx): boolean {
  return (
    equalBytes(machine.fmspc, level.fmspc) &&
    machine.teeTcbSvn[1] === level.teeTcbSvn[1] &&
    isAtLeast(machine.cpuSvn, level.cpuSvn) &&
    isAtLeast(machine.teeTcbSvn, level.teeTcbSvn) &&
    machine.pceSvn >= level.pceSvn &&
    machine.qeIsvSvn >= level.qeIsvSvn
  );
}

/** Of two that have another length neither is at least the other. */
function isAtLeast(svns: Bytes, least: Bytes): boolean {
  return svns.length === least.length && svns.every((svn, i) => svn >= (least[i] ?? Number.NaN));
}

/** The order of the highest first. */
export function highestFirst(a: LevelTdx, b: LevelTdx): number {
  return (
    compareBytes(b.cpuSvn, a.cpuSvn) ||
    b.pceSvn - a.pceSvn ||
    compareBytes(b.teeTcbSvn, a.teeTcbSvn) ||
    b.qeIsvSvn - a.qeIsvSvn
  );
}

/** What an SNP report says of its machine's TCB, beside the product of the key that signed it. */
export type SnpMachine = {
  readonly product: SnpProductNumber;
  readonly reported: SnpSvns;
  readonly committed: SnpSvns;
};

/** Floor: each part of REPORTED_TCB and of COMMITTED_TCB is at least that of the level; the product is equal. */
export function reachesLevelSnp(machine: SnpMachine, level: LevelSnp): boolean {
  return (
    machine.product === snpProducts[level.product] &&
    svnsAtLeast(machine.reported, level) &&
    svnsAtLeast(machine.committed, level)
  );
}

/** Part by part. */
export function svnsAtLeast(svns: SnpSvns, least: SnpSvns): boolean {
  return (
    svns.fmc >= least.fmc &&
    svns.bootLoader >= least.bootLoader &&
    svns.tee >= least.tee &&
    svns.snp >= least.snp &&
    svns.microcode >= least.microcode
  );
}

/** The order of the highest first, of levels of one product. */
export function highestFirstSnp(a: SnpSvns, b: SnpSvns): number {
  return Number(tcbSnp(b) - tcbSnp(a));
}
