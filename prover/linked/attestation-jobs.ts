/** The proofs about a machine: what goes into each circuit, and what it states. */
import type { InputMap } from '@noir-lang/noir_js';
import type { Field } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import { machineCircuit } from './alice-release.ts';
import type { AttestationTask } from './attestation-task.ts';
import type { AttestationWork } from './attestation-work.ts';
import { attestationCommitment, vekTdx } from './formulas.ts';
import { snpProducts, vekSnp } from './formulas-snp.ts';
import {
  type MachineStatement,
  machineInputs,
  memberInputs,
  pckInputs,
  timeInteger,
} from './public-inputs.ts';
import { type QuoteFacts, readQuoteFacts } from './quote-facts.ts';
import { type OpeningWitness, toTdxQuoteInputs, toVekMemberInputs } from './quote-inputs.ts';
import type { SecretFile } from './secret-file.ts';
import { readSnpFacts, type SnpFacts } from './snp-facts.ts';
import { toSnpReportInputs } from './snp-report-inputs.ts';
import { toSnpVekInputs } from './snp-vek-inputs.ts';
import type { ProofJob } from './stages.ts';
import { toTdxPckInputs } from './tdx-inputs.ts';

/** `key` is null for one that is shown. */
export type AttestationJobs = { readonly key: ProofJob | null; readonly machine: ProofJob };

/** Of either vendor, as its work has it. */
type Facts =
  | { readonly platform: 'tdx'; readonly read: QuoteFacts }
  | { readonly platform: 'sev-snp'; readonly read: SnpFacts };

/**
 * @throws AttestationError as `readQuoteFacts`, `readSnpFacts`; RangeError as the circuits' inputs: a task that `toAttestationTask`
 *   did not make
 */
export function attestationJobs(task: AttestationTask): AttestationJobs {
  const facts = factsOf(task.work);
  const statement = machineStatement(task);
  return {
    key: keyJob(task, facts),
    machine: {
      circuit: machineCircuit(task),
      inputs: machineInputMap(task, statement, facts),
      publicInputs: machineInputs(statement),
    },
  };
}

function factsOf(work: AttestationWork): Facts {
  return work.platform === 'tdx'
    ? { platform: 'tdx', read: readQuoteFacts(work.evidence) }
    : { platform: 'sev-snp', read: readSnpFacts(work.evidence, work.chain) };
}

/** @throws RangeError for a time outside of the years 1970 to 9999 */
export function circuitTime(time: UnixTime): bigint {
  const at = timeInteger(time);
  if (at === null) throw new RangeError(`the circuits take no time such as ${time}`);
  return at;
}

function keyJob({ key, keyCommitment, work }: AttestationTask, facts: Facts): ProofJob | null {
  const salt = work.keySalt;
  switch (key.kind) {
    case 'shown':
      return null;
    case 'member': {
      const statement = { veks: key.veks, keyCommitment };
      const siblings = work.vekSiblings ?? [];
      const inputs = toVekMemberInputs({ statement, vek: vekOf(facts), salt, siblings });
      return { circuit: 'vek-member', inputs, publicInputs: memberInputs(statement) };
    }
    default: {
      const at = circuitTime(key.at);
      const { issuer } = facts.read;
      const publicInputs = pckInputs({ issuer, at, keyCommitment });
      const given = { at, commitment: keyCommitment, salt };
      return facts.platform === 'tdx'
        ? {
            circuit: 'tdx-pck',
            inputs: toTdxPckInputs({ facts: facts.read, ...given }),
            publicInputs,
          }
        : {
            circuit: 'snp-vek',
            inputs: toSnpVekInputs({ facts: facts.read, ...given }),
            publicInputs,
          };
    }
  }
}

function vekOf(facts: Facts): Field {
  return facts.platform === 'tdx' ? vekTdx(facts.read.pck) : vekSnp(facts.read.vek);
}

/** @throws RangeError for facts of another platform than the work's */
function machineInputMap(
  { work, opening }: AttestationTask,
  statement: MachineStatement,
  facts: Facts,
): InputMap {
  const { bound, channel, keySalt } = work;
  const { epoch, salt } = opening;
  const opened: OpeningWitness = { bound, channel, epoch, salt };
  const shared = { ...opened, statement, keySalt };
  if (work.platform === 'tdx' && facts.platform === 'tdx') {
    return toTdxQuoteInputs({ ...work, ...shared, facts: facts.read });
  }
  if (work.platform === 'sev-snp' && facts.platform === 'sev-snp') {
    const { product, ...svns } = work.level;
    const level = { product: snpProducts[product], svns };
    return toSnpReportInputs({ ...work, ...shared, level, facts: facts.read });
  }
  throw new RangeError('the facts are of another platform than the work');
}

/** What tdx-quote or snp-report states of this attestation. */
export function machineStatement({
  demanded,
  keyCommitment,
  opening,
}: SecretFile): MachineStatement {
  return { ...demanded, keyCommitment, attestation: attestationCommitment(opening) };
}
