/** Barretenberg's own program, on points of the caller's choice: for tests, never for the product. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBbBinary } from '@aztec/bb.js/platform';
import { measureCircuit } from '#prover/circuit-gates.ts';
import type { Bytes } from '#verifier/bytes.ts';

/** What a compiled circuit has; more members are allowed. */
export type CompiledCircuit = { readonly bytecode: string };

/** What `bb` made of a circuit for the EVM: keccak transcript, zero knowledge. */
export type EvmProof = {
  readonly proof: Bytes;
  /** Source of the verifier contract, with the ceremony's G2. */
  readonly contract: string;
};

const run = promisify(execFile);

async function bb(args: readonly string[]): Promise<void> {
  const program = findBbBinary();
  if (program === null) throw new Error('@aztec/bb.js has no native program for this machine');
  await run(program, args, { maxBuffer: 2 ** 24 });
}

async function inFolder<T>(work: (file: (name: string) => string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-bb-'));
  try {
    return await work((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** 2^k + 1, 2^k the first power of two that holds the circuit's gates. */
export async function pointsNeeded(artifact: CompiledCircuit): Promise<number> {
  return (await measureCircuit(artifact.bytecode)).points;
}

/**
 * `bb prove` never says that a witness is wrong: only the contract's answer counts.
 * @param witness as noir_js gives it (gzip)
 * @param srsFolder `bn254_g1.dat` and `bn254_g2.dat`
 * @throws RangeError when the folder has too few points: `bb` would go and download others
 */
export async function proveForEvm(
  artifact: CompiledCircuit,
  witness: Bytes,
  srsFolder: string,
): Promise<EvmProof> {
  const needed = await pointsNeeded(artifact);
  const { size } = await stat(join(srsFolder, 'bn254_g1.dat'));
  if (size < 64 * needed) {
    throw new RangeError(`${srsFolder}: the circuit needs ${needed} points, found ${size / 64}`);
  }
  return inFolder(async (file) => {
    await writeFile(file('circuit.json'), JSON.stringify(artifact));
    await writeFile(file('witness.gz'), witness);
    const circuit = ['-b', file('circuit.json'), '-c', srsFolder];
    const target = ['-t', 'evm'];
    await bb(['write_vk', ...circuit, ...target, '-o', file('')]);
    const key = ['-k', file('vk')];
    await bb(['prove', ...circuit, ...target, ...key, '-w', file('witness.gz'), '-o', file('')]);
    await bb(['write_solidity_verifier', ...target, ...key, '-o', file('verifier.sol')]);
    return {
      proof: new Uint8Array(await readFile(file('proof'))),
      contract: await readFile(file('verifier.sol'), 'utf8'),
    };
  });
}
