/**
 * Makes the proofs about a machine: executes their circuits first, since what one of them refuses would else be found out after
 * minutes; then proves one after the other, and hands each over to be kept.
 */
import type { Progress } from '../progress.ts';
import { type AttestationJobs, attestationJobs } from './attestation-jobs.ts';
import type { AttestationTask } from './attestation-task.ts';
import type { LinkedProof } from './proof-file.ts';
import { isFinished, type SecretFile } from './secret-file.ts';
import { type ProvingTools, proveJob, type SolvedJob, solveJob } from './stages.ts';

/** A task whose circuits accept it. */
export type SolvedAttestation = {
  readonly task: AttestationTask;
  /** In the order in which they are proved; null what is proved already, or shown. */
  readonly key: SolvedJob | null;
  readonly machine: SolvedJob | null;
};

/** Executes the circuits whose proofs are still to be made. @throws AliceError `circuit-refused` */
export async function solveAttestation(
  task: AttestationTask,
  tools: ProvingTools,
  progress: Progress,
): Promise<SolvedAttestation> {
  const jobs = attestationJobs(task);
  const solve = async (place: keyof AttestationJobs) => {
    const job = jobs[place];
    if (job === null) return null;
    if (task.proofs[place] === null) return solveJob(job, tools, progress);
    progress.note(`${job.circuit} was proved before`);
    return null;
  };
  return { task, key: await solve('key'), machine: await solve('machine') };
}

/**
 * @param keep is awaited after each proof, so that no kill costs more than the proof it fell into
 * @returns the attestation with all its proofs, without what they were made of
 */
export async function proveAttestation(
  { task, key, machine }: SolvedAttestation,
  tools: ProvingTools,
  progress: Progress,
  keep: (secret: SecretFile) => Promise<void>,
): Promise<SecretFile> {
  let secret: SecretFile = task;
  for (const [place, solved] of [
    ['key', key],
    ['machine', machine],
  ] as const) {
    if (solved === null) continue;
    secret = withProof(secret, place, await proveJob(solved, tools, progress));
    await keep(secret);
  }
  return secret;
}

function withProof(
  secret: SecretFile,
  place: keyof SecretFile['proofs'],
  proof: LinkedProof,
): SecretFile {
  const proofs = { ...secret.proofs, [place]: proof };
  const work = isFinished({ key: secret.key, proofs }) ? null : secret.work;
  return { ...secret, proofs, work };
}
