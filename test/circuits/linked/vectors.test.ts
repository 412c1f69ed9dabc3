/** The formulas that link the proofs: TypeScript and Noir against the same file. */
import { readFileSync } from 'node:fs';
import type { InputMap } from '@noir-lang/noir_js';
import { beforeAll, expect, test } from 'vitest';
import { fieldInput, limbsInput } from '#prover/circuit-inputs.ts';
import { type Circuit, forTests } from '#test/circuits/circuit.ts';
import { type Bytes, bigEndian, fromBigEndian, fromHex, toHex } from '#verifier/bytes.ts';
import { limbs } from '#verifier/field.ts';
import { bytesOf, type Limbs, returned } from './inputs.ts';
import { type FormulaVector, type VectorInputs, vectorsFile, vectorsText } from './vectors.ts';

const text = readFileSync(vectorsFile, 'utf8');
const vectors: FormulaVector[] = JSON.parse(text);

let circuit: Circuit;
beforeAll(async () => {
  circuit = await forTests('formula_vectors');
}, 300_000);

function inputsOf(inputs: VectorInputs): InputMap {
  const bytes = (name: keyof VectorInputs): Bytes => fromHex(String(inputs[name]), name);
  const integer = (name: keyof VectorInputs) => fieldInput(fromBigEndian(bytes(name)));
  const point = (name: 'ca' | 'key') =>
    [bytes(name).subarray(0, 32), bytes(name).subarray(32)].map(limbsInput);
  const registers = bytes('registers');
  return {
    ca: point('ca'),
    key: point('key'),
    ppid: integer('ppid'),
    number: integer('serialNumber'),
    fmspc: integer('fmspc'),
    cpu_svn: integer('cpuSvn'),
    pce_svn: fieldInput(BigInt(inputs.pceSvn)),
    tcb: { tee_tcb_svn: integer('teeTcbSvn'), qe_isv_svn: fieldInput(BigInt(inputs.qeIsvSvn)) },
    registers: Array.from({ length: 15 }, (_, i) =>
      fieldInput(fromBigEndian(registers.subarray(16 * i, 16 * i + 16))),
    ),
    bound: {
      closure: limbsInput(bytes('closureDigest')),
      tree_root: integer('treeRoot'),
      device: limbsInput(bytes('deviceDigest')),
      log: limbsInput(bytes('logDigest')),
    },
    nonce: limbsInput(bytes('nonce')),
    channel: limbsInput(bytes('channel')),
    epoch: fieldInput(BigInt(inputs.epoch)),
    salt: integer('salt'),
    snp: snpInputOf(inputs),
  };
}

function snpInputOf(inputs: VectorInputs): InputMap {
  const limbsOf = (hex: string) => limbs(fromHex(hex, 'bytes')).map(fieldInput);
  const [x, y] = [inputs.vekKey.slice(0, 96), inputs.vekKey.slice(96)].map(limbsOf) as [
    string[],
    string[],
  ];
  return {
    product: fieldInput(BigInt(inputs.product)),
    kind: fieldInput(BigInt(inputs.kind)),
    modulus: limbsOf(inputs.modulus),
    chip_id: limbsOf(inputs.chipId.padEnd(128, '0')),
    x,
    y,
    svns: [...fromHex(inputs.svns, 'svns')],
    measurement: limbsOf(inputs.measurement),
  };
}

type Formulas = Record<
  'issuer' | 'chip' | 'serial' | 'vek' | 'key_commitment' | 'reference' | 'level' | 'attestation',
  string
> & {
  binding: Limbs;
  freshness: Limbs;
  snp: Record<'issuer' | 'chip' | 'tcb' | 'vek' | 'reference' | 'level', string>;
};

test('the file is what the formulas of TypeScript give', () => {
  expect(text).toBe(vectorsText());
  expect(vectors.map(({ name }) => name)).toEqual([
    'zeros',
    'ones',
    'drawn 1',
    'drawn 2',
    'drawn 3',
  ]);
});

test.each(vectors)('Noir gives the same: $name', async ({ inputs, outputs }) => {
  const { key_commitment, binding, freshness, snp, ...fields } = await returned<Formulas>(
    circuit,
    inputsOf(inputs),
  );
  const snpNamed = Object.entries(snp).map(([name, value]) => [`${name}Snp`, value]);
  const named: Record<string, string> = {
    ...fields,
    keyCommitment: key_commitment,
    ...Object.fromEntries(snpNamed),
  };
  expect({
    ...Object.fromEntries(
      Object.entries(named).map(([name, value]) => [name, toHex(bigEndian(BigInt(value), 32))]),
    ),
    binding: toHex(bytesOf(binding)),
    freshness: toHex(bytesOf(freshness)),
  }).toEqual(outputs);
});
