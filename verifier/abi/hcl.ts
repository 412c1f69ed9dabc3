/**
 * The HCL report of Azure's confidential VMs ⇄ bytes, as it lies in NV index 0x01400001 of the guest's vTPM: Microsoft,
 * "Confidential VM guest attestation design detail", Hardware report; names and values beyond it are those of OpenHCL's
 * IgvmAttestRequest. Integers are little-endian.
 *
 *     HCL report = header 32 ‖ hardware report 1184 ‖ runtime header 20 ‖ runtime claims ‖ zeros to the end of the NV index
 *     header = "HCLA" ‖ version u32 ‖ report size u32 ‖ request type u32 ‖ status u32 ‖ 12 reserved
 *     runtime header = data size u32 ‖ version u32 ‖ report type u32 ‖ hash type u32 ‖ variable data size u32
 *     REPORT_DATA of the hardware report = hash(runtime claims) ‖ zeros
 *
 * Nothing signs either header: a hash of another type, or a report of another, fits no signed REPORT_DATA.
 */
import { type Bytes, concat, equalBytes, Reader, utf8, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { type HclClaims, parseHclClaims } from './hcl-claims.ts';
import {
  encodeTdReportStruct,
  parseTdReportStruct,
  type TdReportStruct,
  tdReportStructLength,
} from './td-report-struct.ts';
import { hashOf } from './tpm/hash.ts';

export const hclHeaderLength = 32;
/** As long as an SEV-SNP report; a TDREPORT is its first 1024 bytes. */
export const hclHardwareReportLength = 1184;
export const hclRuntimeHeaderLength = 20;
/** 64 KiB: the NV index of a genuine vTPM has 2,600 bytes. */
export const maxHclLength = 64 * 1024;

export const hclVersions = [1, 2] as const;
export type HclVersion = (typeof hclVersions)[number];

export type HclTee = 'sev-snp' | 'tdx';
/** Report type. */
export const hclReportTypes: Readonly<Record<HclTee, number>> = { 'sev-snp': 2, tdx: 4 };
const otherReportTypes: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'VBS, of a hypervisor',
  3: 'Trusted Launch, without hardware',
  5: 'Arm CCA',
};

export type HclHash = 'sha256' | 'sha384' | 'sha512';
/** Hash type. Real reports have 1. */
export const hclHashTypes: Readonly<Record<HclHash, number>> = { sha256: 1, sha384: 2, sha512: 3 };

/** AK_CERT_REQUEST: the request whose copy the NV index holds. */
const akCertificateRequest = 2;
/** Version 2 of the runtime header has more members; no NV index holds one. */
const runtimeVersion = 1;

export type HclReport = {
  version: HclVersion;
  type: HclTee;
  /** 1184 bytes; of a TDREPORT the last 160 are zero. */
  hardwareReport: Bytes;
  /** Of `tdx`: that TDREPORT, which nothing vouches for but a quote that says the same. */
  tdReport: TdReportStruct | null;
  /** What the hash in REPORT_DATA is of. */
  hash: HclHash;
  /** The exact bytes of the claims. */
  runtimeData: Bytes;
  claims: HclClaims;
  /** Zero bytes after the report. */
  padding: number;
};

/** Whether `parseHcl` is who should read or refuse these bytes. */
export function looksLikeHcl(bytes: Bytes): boolean {
  return equalBytes(bytes.subarray(0, 4), signature);
}

const signature = utf8('HCLA');

/** Of what processor the hardware report is, from the runtime header alone; null where it says nothing that is known. */
export function hclTeeOf(bytes: Bytes): HclTee | null {
  const at = hclHeaderLength + hclHardwareReportLength + 8;
  if (!looksLikeHcl(bytes) || bytes.length < at + 4) return null;
  return teeOfType(new Reader(bytes.subarray(at), 'HCL report').u32le('report type'));
}

/**
 * A whole report, its lengths agreeing, with claims that can be read. Nothing is verified. The SEV-SNP report in it is not
 * parsed, for it goes the way of any other.
 * @throws AttestationError `too-large`, `form-unknown`, `version-unknown`, `length-wrong`, `value-out-of-range`,
 *   `reserved-not-zero`, and what `parseHclClaims` and `parseTdReportStruct` throw
 */
export function parseHcl(bytes: Bytes): HclReport {
  if (bytes.length > maxHclLength) {
    throw new AttestationError(
      'too-large',
      `HCL report: ${bytes.length} bytes, at most ${maxHclLength} (64 KiB) are allowed`,
    );
  }
  if (!looksLikeHcl(bytes)) {
    throw new AttestationError('form-unknown', 'HCL report: it does not begin with "HCLA"');
  }
  const reader = new Reader(bytes, 'HCL report');
  const { version, size } = readHeader(reader);
  const hardwareReport = reader.bytes(hclHardwareReportLength, 'hardware report');
  const runtime = readRuntimeHeader(reader);
  sameSize('report size', size, reader.offset + runtime.length);
  const runtimeData = reader.bytes(runtime.length, 'runtime claims');
  const padding = reader.left;
  reader.zero(padding, 'padding of the NV index');
  return {
    version,
    type: runtime.type,
    hardwareReport,
    tdReport: runtime.type === 'tdx' ? readTdReport(hardwareReport) : null,
    hash: runtime.hash,
    runtimeData,
    claims: parseHclClaims(runtimeData),
    padding,
  };
}

/** What a report is made of; `encodeHclClaims` makes claims, and so does whoever wants others. */
export type HclContent = Pick<
  HclReport,
  'version' | 'type' | 'hardwareReport' | 'hash' | 'runtimeData' | 'padding'
>;

/** The inverse of `parseHcl`. @throws RangeError for a hardware report of another length */
export function encodeHcl(content: HclContent): Bytes {
  const { runtimeData, hardwareReport, padding } = content;
  const dataSize = hclRuntimeHeaderLength + runtimeData.length;
  const header = new Writer(hclHeaderLength)
    .bytes(signature, 4)
    .u32le(content.version)
    .u32le(hclHeaderLength + hclHardwareReportLength + dataSize)
    .u32le(akCertificateRequest)
    .zero(16)
    .finish();
  const report = new Writer(hclHardwareReportLength).bytes(hardwareReport, hclHardwareReportLength);
  const runtimeHeader = new Writer(hclRuntimeHeaderLength)
    .u32le(dataSize)
    .u32le(runtimeVersion)
    .u32le(hclReportTypes[content.type])
    .u32le(hclHashTypes[content.hash])
    .u32le(runtimeData.length)
    .finish();
  return concat(header, report.finish(), runtimeHeader, runtimeData, new Uint8Array(padding));
}

/** A TDREPORT as it stands in the place of a hardware report. */
export function hardwareReportOfTd(report: TdReportStruct): Bytes {
  return new Writer(hclHardwareReportLength)
    .bytes(encodeTdReportStruct(report), tdReportStructLength)
    .zero(hclHardwareReportLength - tdReportStructLength)
    .finish();
}

/** REPORT_DATA = hash(runtime claims) ‖ zeros, 64 bytes. */
export function hclReportData({
  hash,
  runtimeData,
}: Pick<HclReport, 'hash' | 'runtimeData'>): Bytes {
  const out = new Uint8Array(64);
  out.set(hashOf(hash, runtimeData));
  return out;
}

function readHeader(reader: Reader): { version: HclVersion; size: number } {
  reader.bytes(4, 'signature');
  const written = reader.u32le('version');
  const version = hclVersions.find((known) => known === written);
  if (version === undefined) throw unknown('version', written, hclVersions.join(', '));
  const size = reader.u32le('report size');
  const request = reader.u32le('request type');
  if (request !== akCertificateRequest)
    throw outOfRange('request type', `${akCertificateRequest} (AK certificate)`, request);
  const status = reader.u32le('status');
  if (status !== 0) throw outOfRange('status', '0', status);
  reader.zero(12, 'reserved');
  return { version, size };
}

function readRuntimeHeader(reader: Reader): { type: HclTee; hash: HclHash; length: number } {
  const size = reader.u32le('data size');
  const version = reader.u32le('version of the runtime header');
  if (version !== runtimeVersion)
    throw unknown('version of the runtime header', version, String(runtimeVersion));
  const reportType = reader.u32le('report type');
  const type = teeOfType(reportType);
  if (type === null) {
    const name = otherReportTypes[reportType];
    const actual = name === undefined ? String(reportType) : `${reportType} (${name})`;
    throw unknown('report type', actual, '2 (SEV-SNP), 4 (TDX)');
  }
  const hashType = reader.u32le('hash type');
  const hash = (Object.keys(hclHashTypes) as HclHash[]).find(
    (name) => hclHashTypes[name] === hashType,
  );
  if (hash === undefined)
    throw unknown('hash type', hashType, '1 (SHA-256), 2 (SHA-384), 3 (SHA-512)');
  const length = reader.u32le('variable data size');
  sameSize('data size', size, hclRuntimeHeaderLength + length);
  return { type, hash, length };
}

function readTdReport(hardwareReport: Bytes): TdReportStruct {
  const rest = new Reader(hardwareReport, 'HCL report, hardware report');
  const report = rest.bytes(tdReportStructLength, 'TDREPORT');
  rest.zero(rest.left, 'after the TDREPORT');
  return parseTdReportStruct(report);
}

function teeOfType(type: number): HclTee | null {
  return (
    (Object.keys(hclReportTypes) as HclTee[]).find((tee) => hclReportTypes[tee] === type) ?? null
  );
}

function sameSize(field: string, stated: number, expected: number): void {
  if (stated === expected) return;
  throw new AttestationError(
    'length-wrong',
    `HCL report: ${field} should be ${expected} by what follows, got ${stated}`,
  );
}

/** For what Microsoft may well have given a meaning that this release does not know. */
function unknown(field: string, actual: string | number, known: string): AttestationError {
  return new AttestationError(
    'version-unknown',
    `HCL report: ${field} ${actual} is not known (known: ${known})`,
  );
}

function outOfRange(field: string, expected: string, actual: number): AttestationError {
  return new AttestationError(
    'value-out-of-range',
    `HCL report: ${field} should be ${expected}, got ${actual}`,
  );
}
