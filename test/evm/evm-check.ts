/**
 * A true check of a circuit for which no ceremony points are at hand: it is proved on a development
 * string and verified, pairing and all, by the circuit's Solidity contract in an in-process EVM. The
 * contract checked is a COPY that holds the string's own G2 point. INSECURE: this shows that circuit,
 * prover and verifier work, never that a statement is true. The product takes no such points.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bytes } from '#verifier/bytes.ts';
import type { Field } from '#verifier/field.ts';
import { type CompiledCircuit, proveForEvm } from './bb.ts';
import { compileContracts, deployVerifier, type Outcome, withOtherG2 } from './contract.ts';

export type EvmCheckInput = {
  readonly artifact: CompiledCircuit;
  /** As noir_js gives it (gzip). */
  readonly witness: Bytes;
  /** As the checker rebuilt them, in the circuit's order. */
  readonly publicInputs: readonly Field[];
  /** Made by test/tools/dev-srs.ts, with `pointsNeeded(artifact)` points or more. */
  readonly srsFolder: string;
};

export type EvmCheck = {
  /** The proof as it was made. */
  readonly honest: Outcome;
  /** The same after the lowest bit of its middle field was flipped. */
  readonly changedProof: Outcome;
  /** The same after the lowest bit of the first public input was flipped. */
  readonly changedInput: Outcome;
  /** The honest proof and the contract as the product writes it. */
  readonly ceremonyG2: Outcome;
  readonly proofLength: number;
  readonly codeLength: number;
  readonly seconds: { readonly prove: number; readonly compile: number; readonly verify: number };
};

/** All four are made, whatever the first says: accepted, refused, refused, refused is right. */
export async function checkInEvm(input: EvmCheckInput): Promise<EvmCheck> {
  const { artifact, witness, publicInputs, srsFolder } = input;
  const [first, ...others] = publicInputs;
  if (first === undefined) throw new RangeError('a circuit without public inputs states nothing');

  const started = performance.now();
  const { proof, contract } = await proveForEvm(artifact, witness, srsFolder);
  const proved = performance.now();
  const g2 = new Uint8Array(await readFile(join(srsFolder, 'bn254_g2.dat')));
  const { development, ceremony } = compileContracts({
    development: withOtherG2(contract, g2),
    ceremony: contract,
  });
  const compiled = performance.now();
  const own = await deployVerifier(development);
  const honest = await own.verify(proof, publicInputs);
  const verified = performance.now();

  const changed = proof.slice();
  const last = 32 * Math.floor(proof.length / 64) + 31;
  changed[last] = (changed[last] as number) ^ 1;
  return {
    honest,
    changedProof: await own.verify(changed, publicInputs),
    changedInput: await own.verify(proof, [first ^ 1n, ...others]),
    ceremonyG2: await (await deployVerifier(ceremony)).verify(proof, publicInputs),
    proofLength: proof.length,
    codeLength: own.codeLength,
    seconds: {
      prove: (proved - started) / 1000,
      compile: (compiled - proved) / 1000,
      verify: (verified - compiled) / 1000,
    },
  };
}
