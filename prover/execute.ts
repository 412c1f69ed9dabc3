/** Executes a circuit: what a proof is made from, and the only place that says whether the inputs satisfy it. */

import { sha256 } from '@noble/hashes/sha2.js';
import type { CompiledCircuit, InputMap } from '@noir-lang/noir_js';
import { type Bytes, fromBase64, toHex } from '#verifier/bytes.ts';

/** Of a circuit's artefact: base64 of the gzipped program, and what goes in. */
export type Executable = Pick<CompiledCircuit, 'bytecode' | 'abi'>;

/** As noir_js takes it; debug information is not kept. */
export function toCompiledCircuit({ bytecode, abi }: Executable): CompiledCircuit {
  return { bytecode, abi, debug_symbols: '', file_map: {} };
}

/** SHA-256 of the bytecode (the gzipped program, not its base64), in hex. */
export function artifactHashOf(bytecode: string): string {
  return toHex(sha256(fromBase64(bytecode, 'bytecode of a circuit')));
}

/** @returns the witness, gzipped @throws Error when the circuit refuses the inputs */
export async function executeCircuit(circuit: Executable, inputs: InputMap): Promise<Bytes> {
  // Loaded when it is needed: the machine that executes is some megabytes.
  const { Noir } = await import('@noir-lang/noir_js');
  return (await new Noir(toCompiledCircuit(circuit)).execute(inputs)).witness;
}
