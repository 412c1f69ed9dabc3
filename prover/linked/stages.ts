/** How one proof is made: the circuit executed, for the backend never says that a witness is none; then proved, and verified. */
import type { InputMap } from '@noir-lang/noir_js';
import type { Bytes } from '#verifier/bytes.ts';
import type { LinkedCircuitName } from '../circuit-names.ts';
import { type BackendKind, provingCosts, secondsToExecute } from '../costs.ts';
import { ProverError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import { AliceError } from './alice-errors.ts';
import type { LinkedProof } from './proof-file.ts';

/** One proof to be made. */
export type ProofJob = {
  readonly circuit: LinkedCircuitName;
  readonly inputs: InputMap;
  /** What the proof is about, one field of 32 bytes each. */
  readonly publicInputs: readonly Bytes[];
};

/** What makes proofs of one circuit, until it is closed. */
export type Prover = {
  /** @param solved the witness, gzipped */
  prove(solved: Bytes): Promise<Bytes>;
  verify(proof: Bytes, publicInputs: readonly Bytes[]): Promise<boolean>;
  close(): Promise<void>;
};

export type ProvingTools = {
  readonly kind: BackendKind;
  /** Hash of the pinned artefact, hex. */
  artifactHash(circuit: LinkedCircuitName): Promise<string>;
  /** Finds what all of them need, before time is spent. @throws ProverError */
  ready(circuits: readonly LinkedCircuitName[]): Promise<void>;
  /** The witness, gzipped. @throws Error when the circuit refuses the inputs */
  solve(circuit: LinkedCircuitName, inputs: InputMap): Promise<Bytes>;
  /** @throws ProverError */
  open(circuit: LinkedCircuitName): Promise<Prover>;
};

export type SolvedJob = { readonly job: ProofJob; readonly solved: Bytes };

/** @throws AliceError `circuit-refused` @throws ProverError of the tools */
export async function solveJob(
  job: ProofJob,
  tools: ProvingTools,
  progress: Progress,
): Promise<SolvedJob> {
  const { circuit, inputs } = job;
  const solved = await progress.stage(`${circuit}: executing`, secondsToExecute(circuit), () =>
    tools.solve(circuit, inputs).catch((cause: unknown) => {
      // What is lacking here says nothing about the inputs.
      if (cause instanceof ProverError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AliceError('circuit-refused', `circuit ${circuit} refuses it: ${reason}`, {
        cause,
      });
    }),
  );
  return { job, solved };
}

/** @throws Error when the proof does not verify: a fault of the program, and nothing is kept */
export async function proveJob(
  { job, solved }: SolvedJob,
  tools: ProvingTools,
  progress: Progress,
): Promise<LinkedProof> {
  const { circuit, publicInputs } = job;
  const { seconds } = provingCosts[circuit][tools.kind];
  const prover = await tools.open(circuit);
  try {
    const proof = await progress.stage(`${circuit}: proving`, seconds, async () => {
      const made = await prover.prove(solved);
      if (await prover.verify(made, publicInputs)) return made;
      throw new Error(`the proof of ${circuit} that was just made does not verify`);
    });
    return { artifact: await tools.artifactHash(circuit), proof };
  } finally {
    await prover.close();
  }
}
