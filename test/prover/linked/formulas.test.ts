/** The formulas of the linked proofs against the protocol's vectors, and what they tell apart. */
import { describe, expect, test } from 'vitest';
import {
  attestationCommitment,
  chipTdx,
  issuerTdx,
  keyCommitment,
  type LevelTdx,
  levelTdx,
  type Pck,
  referenceSnp,
  referenceTdx,
  serial,
  vekTdx,
} from '#prover/linked/formulas.ts';
import {
  chipSnp,
  issuerSnp,
  levelSnp,
  noChip,
  type SnpVek,
  snpProducts,
  tcbSnp,
  vekSnp,
} from '#prover/linked/formulas-snp.ts';
import { setTree } from '#prover/linked/sets.ts';
import { type Bytes, concat, fromHex } from '#verifier/bytes.ts';
import { type Field, p2 } from '#verifier/field.ts';

const bytes = (value: number, length: number): Bytes => new Uint8Array(length).fill(value);
const closureDigest = fromHex(
  'b1604616dd845318644d8fddcae9d90ff44edcc5f6097de4a7618dc3befd3904',
  'closure digest',
);
const treeRoot = 0x1ac8eb85e26770e8b32858180c3d738dc313ea6458dab413c13e793a9fc36f3en;
const reference = referenceSnp(bytes(0x33, 48), closureDigest);
const svns = { fmc: 0, bootLoader: 4, tee: 0, snp: 22, microcode: 213 };
const vek: SnpVek = {
  product: snpProducts.Milan,
  kind: 0,
  publicKey: concat(bytes(0x55, 48), bytes(0x66, 48)),
  chip: chipSnp(bytes(0x44, 64)),
  tcb: tcbSnp(svns),
};

describe("the protocol's vectors", () => {
  test('reference-snp, and the root of the set of it alone', () => {
    expect(reference).toBe(0x188ca9cc057abfd924e9d02995bc0407554bb1c3eb3a17ef3125c7b0d971b13bn);
    expect(setTree([reference]).root).toBe(
      0x268b1f136d12e2d84e2e26263d4e771b3756dcbbb8dd7e1e7aba4934127440fan,
    );
  });

  test('C_att', () => {
    const opening = { treeRoot, reference, epoch: 1700000001, salt: 5n };
    expect(attestationCommitment(opening)).toBe(
      0x26b086be9f2b7e8d66aad33ead952b19b19105bab6f8a02c940876216c425162n,
    );
  });

  test('C_key of an SNP key, and its TCB', () => {
    expect(vek.tcb).toBe(67114709n);
    expect(keyCommitment(vekSnp(vek), 6n)).toBe(
      0x2984bba78037bfc95657c1cff35ed505323d0b4605a0e4676b641ab1aa5b116cn,
    );
  });
});

/** Each changed value is another field than the first, and than every other. */
function allDiffer(fields: readonly Field[]): void {
  expect(new Set(fields).size).toBe(fields.length);
}

describe('SEV-SNP', () => {
  test('every part of a key, a level and an issuer counts', () => {
    allDiffer([
      vekSnp(vek),
      vekSnp({ ...vek, product: snpProducts.Genoa }),
      vekSnp({ ...vek, kind: 1 }),
      vekSnp({ ...vek, publicKey: concat(bytes(0x66, 48), bytes(0x55, 48)) }),
      vekSnp({ ...vek, chip: noChip }),
      vekSnp({ ...vek, tcb: vek.tcb + 1n }),
    ]);
    allDiffer([levelSnp(1, 5n), levelSnp(2, 5n), levelSnp(1, 6n)]);
    const modulus = bytes(0xc1, 512);
    const other = Uint8Array.from(modulus);
    other[511] = 0xc2;
    allDiffer([
      issuerSnp(1, 0, modulus),
      issuerSnp(2, 0, modulus),
      issuerSnp(1, 1, modulus),
      issuerSnp(1, 0, other),
    ]);
  });

  test("Turin's 8 bytes are those 64 that zeros follow", () => {
    const id = bytes(0x44, 8);
    expect(chipSnp(id)).toBe(chipSnp(concat(id, bytes(0, 56))));
    expect(chipSnp(id)).not.toBe(chipSnp(bytes(0x44, 64)));
  });

  test('each part of a TCB has its byte', () => {
    const parts = { fmc: 1, bootLoader: 2, tee: 3, snp: 4, microcode: 255 };
    expect(tcbSnp(parts)).toBe(0x01020304ffn);
    expect(() => tcbSnp({ ...parts, microcode: 256 })).toThrow(RangeError);
    expect(() => tcbSnp({ ...parts, fmc: -1 })).toThrow(RangeError);
    expect(() => tcbSnp({ ...parts, tee: 1.5 })).toThrow(RangeError);
  });

  test('another length is a mistake of the caller', () => {
    expect(() => chipSnp(bytes(1, 48))).toThrow(RangeError);
    expect(() => issuerSnp(1, 0, bytes(1, 256))).toThrow(RangeError);
    expect(() => vekSnp({ ...vek, publicKey: bytes(1, 64) })).toThrow(RangeError);
  });
});

describe('TDX', () => {
  const pck: Pck = {
    publicKey: concat(bytes(1, 32), bytes(2, 32)),
    chip: 3n,
    serial: 4n,
    fmspc: bytes(5, 6),
    cpuSvn: bytes(6, 16),
    pceSvn: 7,
  };
  const level: LevelTdx = {
    fmspc: bytes(1, 6),
    cpuSvn: bytes(2, 16),
    pceSvn: 3,
    teeTcbSvn: bytes(4, 16),
    qeIsvSvn: 5,
  };
  const limb = (value: number) => BigInt(`0x${value.toString(16).padStart(2, '0').repeat(16)}`);

  test('byte strings are integers in order, numbers of more than 31 bytes limbs of 16', () => {
    const point = concat(bytes(1, 32), bytes(2, 32));
    expect(issuerTdx(point)).toBe(p2('issuer-tdx', limb(1), limb(1), limb(2), limb(2)));
    expect(chipTdx(fromHex('000102030405060708090a0b0c0d0e0f', 'PPID'))).toBe(
      p2('chip-tdx', 0x000102030405060708090a0b0c0d0e0fn),
    );
    expect(serial(9n, fromHex('01ff', 'serial'))).toBe(p2('serial', 9n, 0x01ffn));
    const key = [limb(1), limb(1), limb(2), limb(2)];
    expect(vekTdx(pck)).toBe(p2('vek-tdx', ...key, 3n, 4n, 0x050505050505n, limb(6), 7n));
    expect(levelTdx(level)).toBe(p2('level-tdx', 0x010101010101n, limb(2), 3n, limb(4), 5n));
  });

  test('a reference counts every register, and which is which', () => {
    const registers = { mrTd: bytes(1, 48), rtmr: [2, 3, 4, 5].map((v) => bytes(v, 48)) };
    const swapped = { ...registers, rtmr: registers.rtmr.toReversed() };
    const fields = [1, 2, 3, 4, 5].flatMap((v) => [limb(v), limb(v), limb(v)]);
    expect(referenceTdx(registers, bytes(9, 32))).toBe(
      p2('reference-tdx', ...fields, limb(9), limb(9)),
    );
    allDiffer([
      referenceTdx(registers, bytes(9, 32)),
      referenceTdx(swapped, bytes(9, 32)),
      referenceTdx(registers, bytes(8, 32)),
    ]);
  });
});
