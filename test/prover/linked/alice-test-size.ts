/**
 * Tools that make real proofs on the ceremony's points, of the test-size builds under circuits/test: the same public inputs and
 * commitments, without what vendor and service signed. Inputs are those of the circuits that ship, cut to what a build takes.
 */

import { type InputMap, Noir } from '@noir-lang/noir_js';
import { loadArtifact } from '#prover/artifact.ts';
import type { Backend } from '#prover/backend.ts';
import type { LinkedCircuitName } from '#prover/circuit-names.ts';
import type { Compiled } from '#prover/compile.ts';
import { toCompiledCircuit } from '#prover/execute.ts';
import type { ProvingTools } from '#prover/linked/stages.ts';
import { openBackend } from '#prover/native-backend.ts';
import { compiledForTests } from '#test/circuits/compiled.ts';
import { shortDepth } from '#test/circuits/linked/scene.ts';
import {
  snpReportInputsOf,
  snpVekInputsOf,
  textInputsOf,
} from '#test/circuits/linked/test-size.ts';
import { sharedFile } from '#test/shared.ts';
import { type Bytes, fromBigEndian, toHex } from '#verifier/bytes.ts';
import { genuineG1 } from '../points.ts';

const builds = {
  'tdx-pck': 'linked_pck',
  'tdx-quote': 'linked_quote',
  'snp-vek': 'linked_vek',
  'snp-report': 'linked_snp',
  response: 'linked_response',
  'response-text': 'linked_text',
};
type Built = keyof typeof builds | 'vek-member';

export type TestTools = ProvingTools & {
  /** Circuits in the order in which they were proved. */
  readonly proved: LinkedCircuitName[];
  verify(circuit: LinkedCircuitName, proof: Bytes, inputs: readonly Bytes[]): Promise<boolean>;
  close(): Promise<void>;
};

/** @param cache folder for what the backend keeps */
export async function openTestTools(cache: string, circuits: readonly Built[]): Promise<TestTools> {
  const programs = new Map<string, Compiled>();
  for (const circuit of circuits) {
    const program =
      circuit === 'vek-member' ? loadArtifact(circuit) : compiledForTests(builds[circuit]);
    programs.set(circuit, await program);
  }
  const g1 = genuineG1();
  const backend = await openBackend('native', { g1, g2: sharedFile('crs/bn254_g2.dat') }, cache);
  const keys = new Map<string, Bytes>();
  const programOf = (circuit: string) => {
    const program = programs.get(circuit);
    if (program === undefined)
      throw new RangeError(`no test-size build of ${circuit} was asked for`);
    return program;
  };
  for (const [circuit, program] of programs) keys.set(circuit, await backend.deriveKey(program));
  return toTools(backend, programOf, (circuit) => keys.get(circuit) as Bytes);
}

function toTools(
  backend: Backend,
  programOf: (circuit: string) => Compiled,
  keyOf: (circuit: string) => Bytes,
): TestTools {
  const proved: LinkedCircuitName[] = [];
  const verify: TestTools['verify'] = (circuit, proof, inputs) =>
    backend.verify(keyOf(circuit), proof, inputs);
  return {
    kind: 'native',
    proved,
    verify,
    close: () => backend.close(),
    artifactHash: async (circuit) => programOf(circuit).artifactHash,
    ready: async (circuits) => {
      for (const circuit of circuits) programOf(circuit);
    },
    async solve(circuit, inputs) {
      const noir = new Noir(toCompiledCircuit(programOf(circuit)));
      return (await noir.execute(cut(circuit, inputs))).witness;
    },
    open: async (circuit) => ({
      prove: async (solved) => {
        const proof = await backend.prove(programOf(circuit), solved, keyOf(circuit));
        proved.push(circuit);
        return proof;
      },
      verify: (proof, inputs) => verify(circuit, proof, inputs),
      close: async () => {},
    }),
  };
}

/** What the test-size build takes of the inputs of the circuit that ships. */
function cut(circuit: LinkedCircuitName, inputs: InputMap): InputMap {
  if (circuit === 'vek-member') return inputs;
  if (circuit === 'response-text') return textInputsOf(inputs);
  if (circuit === 'snp-vek') return snpVekInputsOf(inputs);
  if (circuit === 'snp-report') return snpReportInputsOf(inputs);
  const { signature: _, ...unsigned } = inputs;
  if (circuit === 'response') return shortened(unsigned);
  if (circuit === 'tdx-pck') {
    const { issuer, at, key_commitment, certificate, salt } = inputs;
    return { issuer, at, key_commitment, certificate, salt } as InputMap;
  }
  const { signed, certified, opening, ...same } = inputs as Nested;
  return shortened({
    ...same,
    ...ofQuote(signed as Nested, certified as Nested),
    ...opened(opening as Nested),
  } as InputMap);
}

type Nested = Record<string, InputMap[string]>;

/** TEE_TCB_SVN and the registers, from their places in the quote. */
function ofQuote(signed: Nested, certified: Nested): Nested {
  const bytes = Uint8Array.from(signed['bytes'] as number[]);
  const body = bytes.subarray(bytes[0] === 5 ? 54 : 48);
  const register = (at: number) => `0x${toHex(body.subarray(at, at + 16))}`;
  const registers = [136, 152, 168, ...Array.from({ length: 12 }, (_, i) => 328 + 16 * i)];
  const [low = 0, high = 0] = (certified['qe_report'] as number[]).slice(258, 260);
  return {
    tee_tcb_svn: [...body.subarray(0, 16)],
    registers: registers.map(register),
    qe_isv_svn: `0x${fromBigEndian(Uint8Array.of(high, low)).toString(16)}`,
    pck: certified['pck'] as InputMap,
    pck_salt: certified['pck_salt'] as string,
  };
}

function opened({ bound, epoch, salt }: Nested): Nested {
  const { closure, tree_root } = bound as Nested;
  return { opening: { closure, tree_root, epoch, salt } as InputMap };
}

/** Paths of as many levels as the build has. @throws RangeError for one that is longer */
function shortened(inputs: InputMap): InputMap {
  const entries = Object.entries(inputs).map(([name, value]) => {
    if (name === 'siblings') return [name, firstOf(value as string[])];
    const isMap = typeof value === 'object' && !Array.isArray(value);
    return [name, isMap ? shortened(value as InputMap) : value];
  });
  return Object.fromEntries(entries);
}

function firstOf(siblings: readonly string[]): string[] {
  if (siblings.slice(shortDepth).some((one) => BigInt(one) !== 0n)) {
    throw new RangeError('a path has more siblings than the test-size build has levels');
  }
  return siblings.slice(0, shortDepth);
}
