/** Circuits to execute: the shipped ones, and those under circuits/test. */

import { acvm, type InputMap, Noir } from '@noir-lang/noir_js';
import { loadArtifact } from '#prover/artifact.ts';
import type { CircuitName } from '#prover/circuit-names.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import { type Bytes, bigEndian } from '#verifier/bytes.ts';
import { compiledForTests } from './compiled.ts';

/** Runs on the inputs. @throws Error `Circuit execution failed: <message of the assert>` */
export type Circuit = (inputs: InputMap) => ReturnType<Noir['execute']>;

export async function shipped(name: CircuitName): Promise<Circuit> {
  const noir = new Noir(toCompiledCircuit(await loadArtifact(name)));
  return (inputs) => noir.execute(inputs);
}

/** @param name folder under circuits/test */
export async function forTests(name: string): Promise<Circuit> {
  const noir = new Noir(toCompiledCircuit(await compiledForTests(name)));
  return (inputs) => noir.execute(inputs);
}

/** @returns the message of the assert that refused, or undefined when the inputs were accepted */
export async function refusalOf(circuit: Circuit, inputs: InputMap): Promise<string | undefined> {
  try {
    await circuit(inputs);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace('Circuit execution failed: ', '');
  }
}

/** The first `count` values of the witness: the public inputs, which `main` takes first. */
export function firstValues(compressed: Bytes, count: number): Bytes[] {
  const [main] = acvm.decompressWitnessStack(compressed);
  return Array.from({ length: count }, (_, i) => bigEndian(BigInt(main?.witness.get(i) ?? -1), 32));
}
