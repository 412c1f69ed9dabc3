/**
 * Azure's HCL report for `affidavit show`: headers, hardware report, runtime claims. And the JSON of trustee and attestation-rs
 * that holds one.
 */
import { readAzureEvidence } from '#verifier/abi/azure-evidence.ts';
import {
  type HclHash,
  type HclReport,
  hclHardwareReportLength,
  hclHeaderLength,
  hclReportData,
  hclReportTypes,
  hclRuntimeHeaderLength,
  parseHcl,
} from '#verifier/abi/hcl.ts';
import { parseReport } from '#verifier/abi/snp.ts';
import { attributesOf, type TdBits, tdAttributeBits, xfamBits } from '#verifier/abi/td-report.ts';
import { type TdReportStruct, tdReportStructLength } from '#verifier/abi/td-report-struct.ts';
import { type Bytes, equalBytes, isZero, Reader, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';
import { quoteSections } from './quote.ts';
import { reportSection } from './snp.ts';

const place = 'the HCL report';
const teeNames = { 'sev-snp': 'SEV-SNP', tdx: 'TDX' } as const;
const hashNames: Record<HclHash, string> = {
  sha256: '1 (SHA-256)',
  sha384: '2 (SHA-384)',
  sha512: '3 (SHA-512)',
};

/**
 * @throws AttestationError what `parseHcl` throws; a hardware report in it that cannot be read is shown as such
 */
export function hclSections(bytes: Bytes): ShowSection[] {
  const hcl = parseHcl(bytes);
  return [
    { title: `HCL report of ${teeNames[hcl.type]}`, offsetsFrom: place, fields: headerFields(hcl) },
    hardwareSection(hcl),
    { title: 'Runtime claims', offsetsFrom: place, fields: claimFields(hcl) },
  ];
}

/** @throws AttestationError what `readAzureEvidence` and `hclSections` throw */
export function azureEvidenceSections(bytes: Bytes): ShowSection[] {
  const { hcl, quote, tpm, vcek } = readAzureEvidence(bytes);
  const fields: ShowField[] = [
    { name: 'HCL report', value: `${hcl.length} bytes` },
    ...(quote === null ? [] : [{ name: 'TD quote', value: `${quote.length} bytes` }]),
    { name: 'TPM quote', value: toHex(tpm.message) },
    { name: 'signature', value: toHex(tpm.signature) },
    ...[...tpm.pcrs].flatMap(([bank, values]) =>
      [...values].map(([index, value]) => ({ name: `PCR ${index}, ${bank}`, value: toHex(value) })),
    ),
  ];
  return [
    { title: 'Evidence of an Azure VM', offsetsFrom: null, fields },
    ...hclSections(hcl),
    ...(quote === null ? [] : quoteSections(quote, 'the quote')),
    ...(vcek === null ? [] : [certificateSection(vcek, 'VCEK')]),
  ];
}

function headerFields(hcl: HclReport): ShowField[] {
  const runtimeAt = hclHeaderLength + hclHardwareReportLength;
  const claimsAt = runtimeAt + hclRuntimeHeaderLength;
  const { version, type, hash, runtimeData, padding } = hcl;
  const field = (name: string, value: string, offset: number, length: number, key?: string) => ({
    name,
    value,
    ...(key !== undefined && { key }),
    offset,
    length,
  });
  const end = claimsAt + runtimeData.length;
  const dataSize = hclRuntimeHeaderLength + runtimeData.length;
  return [
    field('signature', 'HCLA', 0, 4),
    field('version', String(version), 4, 4, 'version'),
    field('report size', String(end), 8, 4),
    field('request type', '2 (AK certificate)', 12, 4),
    field('status', '0', 16, 4),
    field('reserved', '00'.repeat(12), 20, 12),
    field(
      'hardware report',
      'see below',
      hclHeaderLength,
      hclHardwareReportLength,
      'hardwareReport',
    ),
    field('data size', String(dataSize), runtimeAt, 4),
    field('version of what follows', '1', runtimeAt + 4, 4),
    field('report type', `${hclReportTypes[type]} (${teeNames[type]})`, runtimeAt + 8, 4, 'type'),
    field('hash type', hashNames[hash], runtimeAt + 12, 4, 'hash'),
    field('variable data size', String(runtimeData.length), runtimeAt + 16, 4),
    field('runtime claims', 'see below', claimsAt, runtimeData.length, 'runtimeData'),
    ...(padding === 0 ? [] : [field('padding', '00'.repeat(padding), end, padding)]),
  ];
}

function hardwareSection({ hardwareReport, tdReport }: HclReport): ShowSection {
  if (tdReport !== null) {
    return {
      title: 'TDREPORT, which only a quote can vouch for',
      offsetsFrom: 'the TDREPORT',
      fields: tdReportFields(hardwareReport.subarray(0, tdReportStructLength), tdReport),
    };
  }
  try {
    return reportSection(hardwareReport, [], 'the hardware report');
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    const fields = [{ name: 'unreadable', value: error.message }];
    return { title: 'SEV-SNP report', offsetsFrom: null, fields };
  }
}

/** In the order of the bytes, all of them. */
const tdRows: readonly (readonly [
  length: number,
  name: string,
  key: string,
  bits?: readonly TdBits[],
])[] = [
  [4, 'REPORTTYPE', ''],
  [12, 'reserved', ''],
  [16, 'CPUSVN', 'cpuSvn'],
  [48, 'TEE_TCB_INFO_HASH', ''],
  [48, 'TEE_INFO_HASH', ''],
  [64, 'REPORTDATA', 'reportData'],
  [32, 'reserved', ''],
  [32, 'MAC', 'mac'],
  [8, 'VALID', 'tcbInfoValid'],
  [16, 'TEE_TCB_SVN', 'teeTcbSvn'],
  [48, 'MRSEAM', 'mrSeam'],
  [48, 'MRSIGNERSEAM', 'mrSignerSeam'],
  [8, 'SEAMATTRIBUTES', 'seamAttributes'],
  [16, 'TEE_TCB_SVN_2', 'teeTcbSvn2'],
  [95, 'reserved', ''],
  [17, 'reserved', ''],
  [8, 'ATTRIBUTES', 'tdAttributes', tdAttributeBits],
  [8, 'XFAM', 'xfam', xfamBits],
  [48, 'MRTD', 'mrTd'],
  [48, 'MRCONFIGID', 'mrConfigId'],
  [48, 'MROWNER', 'mrOwner'],
  [48, 'MROWNERCONFIG', 'mrOwnerConfig'],
  [48, 'RTMR0', 'rtmr.0'],
  [48, 'RTMR1', 'rtmr.1'],
  [48, 'RTMR2', 'rtmr.2'],
  [48, 'RTMR3', 'rtmr.3'],
  [48, 'SERVTD_HASH', 'mrServiceTd'],
  [64, 'reserved', ''],
];

function tdReportFields(bytes: Bytes, { version }: TdReportStruct): ShowField[] {
  const reader = new Reader(bytes, 'TDREPORT');
  return tdRows.map(([length, name, key, bits]) => {
    const { offset } = reader;
    const found = reader.bytes(length, name);
    const set = bits === undefined ? '' : ` (${namesOf(found, bits)})`;
    const about = name === 'REPORTTYPE' ? ` (TDX, version ${version})` : set;
    const value = toHex(found) + about;
    return { name, value, ...(key !== '' && { key }), offset, length };
  });
}

function namesOf(bytes: Bytes, known: readonly TdBits[]): string {
  const bits = attributesOf(bytes);
  const set = known.filter(({ bit, count }) => {
    const mask = (1n << BigInt(count)) - 1n;
    return ((bits >> BigInt(bit)) & mask) !== 0n;
  });
  return set.length === 0 ? 'none that has a name' : set.map(({ name }) => name).join(', ');
}

function claimFields(hcl: HclReport): ShowField[] {
  const { claims } = hcl;
  const { akPublicKey, akOperation, ekPublicKey, userData } = claims;
  const offset = hclHeaderLength + hclHardwareReportLength + hclRuntimeHeaderLength;
  return [
    {
      name: 'hash of the claims',
      value: `${toHex(hclReportData(hcl))}: ${matchText(hcl)}`,
      offset,
      length: hcl.runtimeData.length,
    },
    { name: `HCLAkPub, to ${akOperation}`, key: 'akPublicKey', value: toHex(akPublicKey) },
    {
      name: 'HCLEkPub, to encrypt',
      key: 'ekPublicKey',
      value: ekPublicKey === null ? 'not given' : toHex(ekPublicKey),
    },
    ...[...claims.configuration].map(([name, value]) => ({ name, value })),
    {
      name: 'user-data',
      key: 'userData',
      value: userData === null ? 'not given' : `${toHex(userData)}${userDataRemark(userData)}`,
    },
  ];
}

function userDataRemark(userData: Bytes): string {
  return isZero(userData) ? '' : ': the word of whoever writes to the vTPM in the guest';
}

/** Nothing is verified by this: the report need not be genuine. */
function matchText(hcl: HclReport): string {
  const stated = reportDataOf(hcl);
  if (stated === null) return 'the hardware report cannot be read';
  return equalBytes(stated, hclReportData(hcl))
    ? 'as in the hardware report'
    : `NOT as in the hardware report, which has ${toHex(stated)}`;
}

function reportDataOf({ tdReport, hardwareReport }: HclReport): Bytes | null {
  if (tdReport !== null) return tdReport.report.reportData;
  try {
    return parseReport(hardwareReport).reportData;
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
