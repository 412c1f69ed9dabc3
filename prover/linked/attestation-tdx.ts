/** A TDX machine as the task about it is made. */
import { readPemChain } from '#verifier/abi/pem.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { AliceError } from './alice-errors.ts';
import type { Machine, MachineInputs } from './attestation-machine.ts';
import { refuseQuote } from './attestation-quote.ts';
import { absenceIn, acceptedSiblings, short } from './attestation-sets.ts';
import { referenceTdx, vekTdx } from './formulas.ts';
import { type QuoteFacts, readQuoteFacts } from './quote-facts.ts';
import { findLevel, type SetOf } from './sets.ts';

/**
 * @param certified whether the PCK's certificate is to be proved
 * @throws AliceError `quote-unsupported` @throws AttestationError as `readQuoteFacts`
 */
export function tdxMachine(inputs: MachineInputs, certified: boolean): Machine {
  const { evidence, bound } = inputs.bundle;
  const facts = readQuoteFacts(evidence);
  refuseQuote(facts, certified);
  const { pck, certificate, report } = facts;
  const reference = referenceTdx(report, bound.closureDigest);
  const chain = pckChain(evidence);
  const [, issuer] = chain;
  return {
    vek: vekTdx(pck),
    reference,
    certificate: { name: 'PCK', ...certificate },
    chain,
    certifiedAt: (at) => ({ kind: 'pck', issuer, at }),
    placed: () => {
      const { level, siblings } = reachedLevel(inputs.levels, facts);
      return {
        platform: 'tdx',
        evidence,
        level,
        levelSiblings: siblings,
        referenceSiblings: acceptedSiblings(
          inputs.accepted,
          reference,
          `MRTD ${short(report.mrTd)}, RTMR ${report.rtmr.map(short).join(', ')} and closure ${short(bound.closureDigest)} together`,
        ),
        chipAbsence: absenceIn(inputs.revoked, pck.chip, 'chip'),
        serialAbsence: absenceIn(inputs.revoked, pck.serial, 'PCK certificate'),
      };
    },
  };
}

/** DER of the certificates of PCK and PCK CA, which a quote whose facts were read has. */
function pckChain(evidence: Bytes): [pck: Bytes, ca: Bytes] {
  const { data } = parseQuote(evidence).certification;
  const [pck, ca] = readPemChain(data, 'certification data') as [Bytes, Bytes];
  return [pck, ca];
}

function reachedLevel(set: SetOf<'levels'>, { pck, report, qeIsvSvn }: QuoteFacts) {
  const { fmspc, cpuSvn, pceSvn } = pck;
  const { teeTcbSvn } = report;
  const found = findLevel(set, { fmspc, cpuSvn, pceSvn, teeTcbSvn, qeIsvSvn });
  if (found !== null) return found;
  const isOfModel = (level: (typeof set.entries)[number]) =>
    'fmspc' in level && toHex(level.fmspc) === toHex(fmspc);
  throw new AliceError(
    'level-not-reached',
    `the machine reaches none of the ${set.entries.filter(isOfModel).length} levels for FMSPC ${toHex(fmspc)}: it has CPUSVN ${toHex(cpuSvn)}, PCESVN ${pceSvn}, TEE_TCB_SVN ${toHex(teeTcbSvn)}, ISVSVN ${qeIsvSvn}`,
  );
}
