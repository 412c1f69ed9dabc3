/** Which reports the circuits snp-vek and snp-report take: protocol, "Constants asserted", and the room that they have. */
import type { FirmwareVersion, SnpReport } from '#verifier/abi/snp.ts';
import {
  decodeTcb,
  hardwareIdLength,
  productOfCpuid,
  type SnpProduct,
  type TcbParts,
} from '#verifier/abi/snp-tcb.ts';
import { type Bytes, equalBytes, isZero, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Faults, refuseFaults } from './alice-errors.ts';
import { svnsAtLeast } from './set-reach.ts';
import type { SnpFacts } from './snp-facts.ts';
import { vekCertificateRoom } from './snp-vek-inputs.ts';

/** Of version 4 no real report is known, and so no circuit was tried on one. */
const circuitVersions: readonly number[] = [2, 3, 5];
/** A byte 0x80 and the length, 16 bytes: the least padding that SHA-384 adds. */
const leastPadding = 17;

/**
 * @param certified whether the VCEK's or VLEK's certificate is to be proved
 * @throws AliceError `report-unsupported`
 */
export function refuseReport(facts: SnpFacts, certified: boolean): void {
  refuseFaults('report-unsupported', 'the report', [
    ...guestFaults(facts.report),
    ...keyFaults(facts),
    ...tcbFaults(facts),
    ...chipFaults(facts),
    ...(certified ? roomFaults(facts) : []),
  ]);
}

function guestFaults({ version, policy, vmpl }: SnpReport): Faults {
  return [
    [
      circuitVersions.includes(version),
      `it has version ${version}, the circuit takes ${circuitVersions.join(', ')}`,
    ],
    [!policy.debug, 'the guest is to be debugged'],
    [!policy.migrateMa, 'a migration agent may move the guest'],
    [vmpl === 0, `it was asked for at VMPL ${vmpl}, not by the guest’s most privileged level, 0`],
  ];
}

function keyFaults({ report, certified, product }: SnpFacts): Faults {
  const { signingKey, maskChipKey, cpuid } = report;
  const role = certified.role.toUpperCase();
  return [
    [
      signingKey === certified.role,
      `it says that ${signingKey === 'none' ? 'no key' : `a ${signingKey.toUpperCase()}`} signed it, the certificate is of a ${role}`,
    ],
    [
      !maskChipKey || certified.role === 'vlek',
      'it says that the VCEK is masked, and so signs nothing',
    ],
    [
      cpuid === null || productOfCpuid(cpuid) === product,
      `its processor is no ${product}, for which the certificate is`,
    ],
  ];
}

function tcbFaults({ report, certified, product }: SnpFacts): Faults {
  const { reportedTcb } = report;
  const [current, reported, committed, launch] = [
    report.currentTcb,
    reportedTcb,
    report.committedTcb,
    report.launchTcb,
  ].map((tcb) => readTcb(product, tcb));
  const ordered = (parts: TcbParts | null | undefined) =>
    parts && current ? svnsAtLeast(current, parts) : false;
  return [
    [
      equalBytes(reportedTcb, certified.tcb),
      `REPORTED_TCB is ${toHex(reportedTcb)}, the certificate is for ${toHex(certified.tcb)}`,
    ],
    [launch !== null, 'LAUNCH_TCB has reserved bytes that are not zero'],
    [ordered(reported), 'REPORTED_TCB is above CURRENT_TCB'],
    [ordered(committed), 'COMMITTED_TCB is above CURRENT_TCB'],
    [
      ordinal(report.committed) <= ordinal(report.current),
      'the committed version is above the current one',
    ],
  ];
}

/** Null for reserved bytes that are not zero. */
function readTcb(product: SnpProduct, tcb: Bytes): TcbParts | null {
  try {
    return decodeTcb(product, tcb, 'TCB');
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

function ordinal({ major, minor, build }: FirmwareVersion): number {
  return 0x10000 * major + 0x100 * minor + build;
}

/** A VLEK names no chip, and nothing is stated of it. */
function chipFaults({ report: { chipId }, certified, product }: SnpFacts): Faults {
  const { hardwareId } = certified;
  if (hardwareId === null) return [];
  return [
    [
      !isZero(chipId),
      'the host masks CHIP_ID: the proof could not say that no such chip is revoked',
    ],
    [isChip(chipId, hardwareId, hardwareIdLength[product]), 'the certificate is for another chip'],
  ];
}

function isChip(chipId: Bytes, hardwareId: Bytes, length: number): boolean {
  return equalBytes(chipId.subarray(0, length), hardwareId) && isZero(chipId.subarray(length));
}

function roomFaults({ certificate, certified }: SnpFacts): Faults {
  const mostTbs = vekCertificateRoom - leastPadding;
  const { length } = certificate.tbs;
  const fault = `the ${certified.role.toUpperCase()} certificate has ${length} bytes to be signed, the circuit takes ${mostTbs}`;
  return [[length <= mostTbs, fault]];
}
