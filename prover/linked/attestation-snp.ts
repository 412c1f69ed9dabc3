/** An SEV-SNP machine as the task about it is made. */
import { decodeTcb, describeTcb } from '#verifier/abi/snp-tcb.ts';
import { AliceError } from './alice-errors.ts';
import type { Machine, MachineInputs } from './attestation-machine.ts';
import { refuseReport } from './attestation-report.ts';
import { absenceIn, acceptedSiblings, short } from './attestation-sets.ts';
import { referenceSnp } from './formulas.ts';
import { vekSnp } from './formulas-snp.ts';
import { findLevelSnp, type SetOf } from './sets.ts';
import { findSnpChain, readSnpFacts, type SnpFacts } from './snp-facts.ts';

/**
 * @param certified whether the VCEK's or VLEK's certificate is to be proved
 * @throws AliceError `certificate-missing`, `report-unsupported` @throws AttestationError as `readSnpFacts`
 */
export function snpMachine(inputs: MachineInputs, certified: boolean): Machine {
  const { evidence, bound, collateral } = inputs.bundle;
  const chain = findSnpChain(collateral);
  if (chain === null) {
    throw new AliceError(
      'certificate-missing',
      'the bundle lacks the VCEK or VLEK, or the certificates above it',
    );
  }
  const facts = readSnpFacts(evidence, chain);
  refuseReport(facts, certified);
  const { vek, certificate, report } = facts;
  const reference = referenceSnp(report.measurement, bound.closureDigest);
  const [, issuer, root] = chain;
  return {
    vek: vekSnp(vek),
    reference,
    certificate: { name: facts.certified.role.toUpperCase(), ...certificate },
    chain,
    certifiedAt: (at) => ({ kind: 'vek', issuer, root, at }),
    placed: () => {
      const { level, siblings } = reachedLevel(inputs.levels, facts);
      return {
        platform: 'sev-snp',
        evidence,
        chain,
        level,
        levelSiblings: siblings,
        referenceSiblings: acceptedSiblings(
          inputs.accepted,
          reference,
          `MEASUREMENT ${short(report.measurement)} and closure ${short(bound.closureDigest)} together`,
        ),
        chipAbsence: absenceIn(inputs.revoked, vek.chip, 'chip'),
      };
    },
  };
}

/** REPORTED and COMMITTED both pass the floor. */
function reachedLevel(set: SetOf<'levels'>, { report, product, vek }: SnpFacts) {
  const reported = decodeTcb(product, report.reportedTcb, 'REPORTED_TCB');
  const committed = decodeTcb(product, report.committedTcb, 'COMMITTED_TCB');
  const found = findLevelSnp(set, { product: vek.product, reported, committed });
  if (found !== null) return found;
  const isOfProduct = (level: (typeof set.entries)[number]) =>
    'product' in level && level.product === product;
  throw new AliceError(
    'level-not-reached',
    `the machine reaches none of the ${set.entries.filter(isOfProduct).length} levels for ${product}: it has REPORTED_TCB ${describeTcb(reported)}; COMMITTED_TCB ${describeTcb(committed)}`,
  );
}
