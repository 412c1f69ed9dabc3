/** What the policy says of an SGX enclave, one check a question. */
import type { EnclaveReport } from '../abi/sgx-report.ts';
import { type Bytes, bigEndian, fromHex, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import { checkFloor } from './intel.ts';
import { checkMember } from './member.ts';
import type { SgxPolicy } from './sgx-policy.ts';

/** ATTRIBUTES.DEBUG: bit 1 of the first byte. */
export function isDebugEnclave({ attributes }: EnclaveReport): boolean {
  return ((attributes[0] as number) & 2) !== 0;
}

/** Makes the checks that are about the enclave itself. */
export function checkEnclave(list: Checklist, report: EnclaveReport, policy: SgxPolicy): void {
  const debug = isDebugEnclave(report);
  list.decide('policy.debug', !debug || policy.debug === 'dangerously-allowed', {
    expected: policy.debug === 'refused' ? 'debug off' : 'any (debug dangerously allowed)',
    actual: debug ? 'debug on' : 'debug off',
    reason: 'the host can read and write the memory of this enclave',
  });
  const member = 'the policy does not name this value';
  checkMember(list, 'policy.mrenclave', toHex(report.mrEnclave), policy.mrEnclave, member);
  checkMember(list, 'policy.mrsigner', toHex(report.mrSigner), policy.mrSigner, member);
  checkMember(list, 'policy.isvprodid', report.isvProdId, policy.isvProdId, member);
  checkMember(list, 'policy.report-data', toHex(report.reportData), policy.reportData, member);
  checkFloor(list, 'policy.isvsvn', report.isvSvn, policy.minimumIsvSvn);

  // Written as the report holds it, least significant byte first.
  const miscSelect = bigEndian(report.miscSelect, 4).toReversed();
  const attributeFaults = [
    ...maskFaults('ATTRIBUTES', report.attributes, policy.attributes),
    ...maskFaults('MISCSELECT', miscSelect, policy.miscSelect),
  ];
  const masked = (name: string, wanted: 'any' | { value: string; mask: string }) =>
    wanted === 'any' ? [] : [`${name} ${wanted.value} under ${wanted.mask}`];
  list.decide('policy.sgx-attributes', attributeFaults.length === 0, {
    expected:
      [...masked('ATTRIBUTES', policy.attributes), ...masked('MISCSELECT', policy.miscSelect)].join(
        ', ',
      ) || 'any',
    actual: `ATTRIBUTES ${toHex(report.attributes)}, MISCSELECT ${toHex(miscSelect)}`,
    reason: attributeFaults.join(', '),
  });
  const faults = configurationFaults(report, policy);
  list.decide('policy.enclave-configuration', faults.length === 0, {
    ...configurationComparison(report, policy),
    reason: faults.join(', '),
  });
}

function maskFaults(
  name: string,
  actual: Bytes,
  wanted: 'any' | { value: string; mask: string },
): string[] {
  if (wanted === 'any') return [];
  const value = fromHex(wanted.value, name);
  const differs = [...fromHex(wanted.mask, name)].some(
    (mask, i) => (((actual[i] as number) ^ (value[i] as number)) & mask) !== 0,
  );
  return differs
    ? [`${name} ${toHex(actual)} is not ${wanted.value} under the mask ${wanted.mask}`]
    : [];
}

const configurationFields = ['configId', 'isvExtProdId', 'isvFamilyId'] as const;

function configurationComparison(report: EnclaveReport, policy: SgxPolicy) {
  const asked = configurationFields.flatMap((field) => {
    const accepted = policy[field];
    return accepted === 'any' ? [] : [`${field} ${accepted.join(' or ')}`];
  });
  if (policy.minimumConfigSvn !== 'any') {
    asked.push(`configSvn at least ${policy.minimumConfigSvn}`);
  }
  const found = configurationFields.map((field) => `${field} ${toHex(report[field])}`);
  return {
    expected: asked.join(', ') || 'any',
    actual: [...found, `configSvn ${report.configSvn}`].join(', '),
  };
}

function configurationFaults(report: EnclaveReport, policy: SgxPolicy): string[] {
  const faults: string[] = [];
  for (const field of configurationFields) {
    const accepted = policy[field];
    if (accepted !== 'any' && !accepted.includes(toHex(report[field])))
      faults.push(`${field} is ${toHex(report[field])}`);
  }
  const { minimumConfigSvn } = policy;
  if (minimumConfigSvn !== 'any' && report.configSvn < minimumConfigSvn)
    faults.push(`configSvn is ${minimumConfigSvn - report.configSvn} behind`);
  return faults;
}
