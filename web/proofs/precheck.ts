/** Alice is refused at once, in words, when what she has would not verify: before points are asked for and time is spent. */
import { toTask } from '#prover/alice.ts';
import type { CircuitName } from '#prover/circuit-names.ts';
import { refuseOtherRelease } from '#prover/linked/alice-release.ts';
import { toLinkedResponseTask } from '#prover/linked/alice-response.ts';
import { parseSecretFile } from '#prover/linked/secret-file.ts';
import type { CircuitsCopy } from './copy.ts';
import type { Problem, Prove } from './messages.ts';
import { problemOf } from './problem.ts';

export type Precheck =
  | { readonly ready: true; readonly circuit: CircuitName }
  | { readonly ready: false; readonly problem: Problem };

export async function precheck(job: Prove, pins: CircuitsCopy['pins']): Promise<Precheck> {
  try {
    return { ready: true, circuit: await circuitOf(job, pins) };
  } catch (error) {
    return { ready: false, problem: problemOf(error) };
  }
}

async function circuitOf(job: Prove, pins: CircuitsCopy['pins']): Promise<CircuitName> {
  if (job.kind === 'prove-open') return toTask(job).circuit;
  const secret = parseSecretFile(job.secret);
  await refuseOtherRelease(secret, async (circuit) => pins[circuit].artifactHash);
  return toLinkedResponseTask({ ...job, secret }).job.circuit;
}
