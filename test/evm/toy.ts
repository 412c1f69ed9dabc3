/** Small circuits for tests of the tools; each compiles in seconds. */
import { type CompiledCircuit, Noir } from '@noir-lang/noir_js';
import { compileSources } from '#prover/compile.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import type { Bytes } from '#verifier/bytes.ts';

/** @param main text of `src/main.nr` */
export async function compileToy(main: string): Promise<CompiledCircuit> {
  const manifest = '[package]\nname = "toy"\ntype = "bin"\n\n[dependencies]\n';
  const sources = new Map([
    ['toy/Nargo.toml', manifest],
    ['toy/src/main.nr', main],
  ]);
  return toCompiledCircuit(await compileSources('toy', sources));
}

/** z ← z² + y + step from z = x: a gate a round, two public inputs (y and the last z). */
export function squares(rounds: number, step: number): string {
  return `fn main(x: Field, y: pub Field) -> pub Field {
    let mut z = x;
    for _ in 0..${rounds} { z = z * z + y + ${step}; }
    z
}
`;
}

/** @returns the witness (gzip) and the value that `main` returned */
export async function executeToy(
  artifact: CompiledCircuit,
  inputs: Readonly<Record<string, string>>,
): Promise<{ witness: Bytes; returned: bigint }> {
  const { witness, returnValue } = await new Noir(artifact).execute({ ...inputs });
  return { witness, returned: BigInt(String(returnValue)) };
}
