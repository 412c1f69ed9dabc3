/** The proofs about a simulated SEV-SNP machine: inputs of the shipped circuits, and what the checker rebuilds of them. */
import { attestationJobs } from '#prover/linked/attestation-jobs.ts';
import type { ProofJob } from '#prover/linked/stages.ts';
import { aliceSnpScene, type SnpSceneOptions } from '#test/prover/linked/alice-snp-scene.ts';

export type SnpJobs = { readonly 'snp-vek': ProofJob; readonly 'snp-report': ProofJob };

export async function snpJobs(options: SnpSceneOptions = {}): Promise<SnpJobs> {
  const { key, machine } = attestationJobs((await aliceSnpScene(options)).task());
  if (key === null) throw new Error('the certificate is proved too');
  return { 'snp-vek': key, 'snp-report': machine };
}
