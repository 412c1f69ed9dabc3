/** What makes proofs in earnest: pinned artefacts, the ceremony's points, Barretenberg. */
import { circuitPin } from '../artifact.ts';
import type { LinkedCircuitName } from '../circuit-names.ts';
import { provingCosts } from '../costs.ts';
import { executeCircuit } from '../execute.ts';
import type { Progress } from '../progress.ts';
import type { Workshop } from '../workshop.ts';
import type { Prover, ProvingTools } from './stages.ts';

export function toProvingTools(workshop: Workshop, progress: Progress): ProvingTools {
  const { kind } = workshop;
  return {
    kind,
    artifactHash: async (circuit) => (await circuitPin(circuit)).artifactHash,
    async ready(circuits) {
      for (const circuit of circuits) await workshop.points(circuit);
      // Compiling takes long enough to say so, and no stage should hide it.
      for (const circuit of circuits) await workshop.artifact(circuit);
    },
    async solve(circuit, inputs) {
      return executeCircuit(await workshop.artifact(circuit), inputs);
    },
    open: (circuit) => openProver(circuit, workshop, progress),
  };
}

/** One backend for each circuit: what the last one held is given back before the next one begins. */
async function openProver(
  circuit: LinkedCircuitName,
  workshop: Workshop,
  progress: Progress,
): Promise<Prover> {
  const artifact = await workshop.artifact(circuit);
  const key = await workshop.key(circuit);
  const points = await workshop.points(circuit);
  const { megabytes } = provingCosts[circuit][workshop.kind];
  progress.note(
    `${circuit} with the ${workshop.kind} backend: about ${megabytes} MB of memory, points of ${points.from}`,
  );
  const backend = await workshop.open(points);
  return {
    prove: (solved) => backend.prove(artifact, solved, key),
    verify: (proof, publicInputs) => backend.verify(key, proof, publicInputs),
    close: () => backend.close(),
  };
}
