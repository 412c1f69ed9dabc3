/** The two proofs about a machine: what goes into each circuit, and what it states. */
import type { UnixTime } from '#verifier/time.ts';
import type { AttestationTask } from './attestation-task.ts';
import { attestationCommitment, vekTdx } from './formulas.ts';
import {
  memberInputs,
  pckInputs,
  type QuoteStatement,
  quoteInputs,
  timeInteger,
} from './public-inputs.ts';
import { type QuoteFacts, readQuoteFacts } from './quote-facts.ts';
import { toTdxQuoteInputs, toVekMemberInputs } from './quote-inputs.ts';
import type { SecretFile } from './secret-file.ts';
import type { ProofJob } from './stages.ts';
import { toTdxPckInputs } from './tdx-inputs.ts';

export type AttestationJobs = { readonly key: ProofJob; readonly quote: ProofJob };

/**
 * @throws AttestationError as `readQuoteFacts`, RangeError as the circuits' inputs: a task that `toAttestationTask` did not make
 */
export function attestationJobs(task: AttestationTask): AttestationJobs {
  const facts = readQuoteFacts(task.work.evidence);
  return { key: keyJob(task, facts), quote: quoteJob(task, facts) };
}

/** @throws RangeError for a time outside of the years 1970 to 9999 */
export function circuitTime(time: UnixTime): bigint {
  const at = timeInteger(time);
  if (at === null) throw new RangeError(`the circuits take no time such as ${time}`);
  return at;
}

function keyJob({ key, keyCommitment, work }: AttestationTask, facts: QuoteFacts): ProofJob {
  const salt = work.keySalt;
  if (key.kind === 'pck') {
    const at = circuitTime(key.at);
    const inputs = toTdxPckInputs({ facts, at, commitment: keyCommitment, salt });
    return {
      circuit: 'tdx-pck',
      inputs,
      publicInputs: pckInputs({ issuer: facts.issuer, at, keyCommitment }),
    };
  }
  const statement = { veks: key.veks, keyCommitment };
  const siblings = work.vekSiblings ?? [];
  return {
    circuit: 'vek-member',
    inputs: toVekMemberInputs({ statement, vek: vekTdx(facts.pck), salt, siblings }),
    publicInputs: memberInputs(statement),
  };
}

function quoteJob(task: AttestationTask, facts: QuoteFacts): ProofJob {
  const { work, opening } = task;
  const statement = quoteStatement(task);
  const { epoch, salt } = opening;
  return {
    circuit: 'tdx-quote',
    inputs: toTdxQuoteInputs({ ...work, statement, facts, epoch, salt }),
    publicInputs: quoteInputs(statement),
  };
}

/** What tdx-quote states of this attestation. */
export function quoteStatement({ demanded, keyCommitment, opening }: SecretFile): QuoteStatement {
  return { ...demanded, keyCommitment, attestation: attestationCommitment(opening) };
}
