/**
 * TDREPORT_STRUCT ⇄ bytes, what TDG.MR.REPORT writes: Intel TDX Module ABI (348551), tables "TDREPORT_STRUCT",
 * "REPORTMACSTRUCT", "TEE_TCB_INFO" and "TDINFO_STRUCT". Its MAC can be checked by nobody but the machine that made it: what it
 * says is worth something only where a quote says the same.
 *
 *     TDREPORT = REPORTMACSTRUCT 256 ‖ TEE_TCB_INFO 239 ‖ 17 reserved ‖ TDINFO 512
 *     TEE_TCB_INFO_HASH = SHA-384(TEE_TCB_INFO), TEE_INFO_HASH = SHA-384(TDINFO), both in REPORTMACSTRUCT
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, Reader, toHex, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import { isTdReportStructure, type TdReport } from './td-report.ts';

export const tdReportStructLength = 1024;
const macStructLength = 256;
const tcbInfoLength = 239;
const tdInfoOffset = 512;

/** What a TDREPORT says that its quote says too. */
export type TdReport15 = TdReport & { teeTcbSvn2: Bytes; mrServiceTd: Bytes };

export type TdReportStruct = {
  /** REPORTTYPE.VERSION: 1 where a service TD was bound. */
  version: 0 | 1;
  /** 16 bytes */
  cpuSvn: Bytes;
  /** 8 bytes: which parts of TEE_TCB_INFO the module filled in. */
  tcbInfoValid: Bytes;
  /** TEE_TCB_SVN_2 and MRSERVICETD (SERVTD_HASH) are zero before TDX 1.5. */
  report: TdReport15;
  /** 32 bytes, HMAC-SHA-256 under a key of the processor. */
  mac: Bytes;
};

/**
 * Exactly 1024 bytes, reserved ones zero, both hashes as they must be. Nothing is verified: anyone can write a TDREPORT.
 * @throws AttestationError `length-wrong`, `version-unknown`, `reserved-not-zero`, `value-out-of-range`
 */
export function parseTdReportStruct(bytes: Bytes): TdReportStruct {
  if (bytes.length !== tdReportStructLength) {
    throw new AttestationError(
      'length-wrong',
      `TDREPORT: expected exactly ${tdReportStructLength} bytes, got ${bytes.length}`,
    );
  }
  if (!isTdReportStructure(bytes)) {
    throw new AttestationError(
      'version-unknown',
      `TDREPORT: REPORTTYPE 0x${toHex(bytes.subarray(0, 4))} is not known (known: 0x81000000, 0x81000100)`,
    );
  }
  const reader = new Reader(bytes, 'TDREPORT');
  const version = reader.bytes(4, 'REPORTTYPE')[2] === 1 ? 1 : 0;
  reader.zero(12, 'reserved');
  const cpuSvn = reader.bytes(16, 'CPUSVN');
  const tcbInfoHash = reader.bytes(48, 'TEE_TCB_INFO_HASH');
  const tdInfoHash = reader.bytes(48, 'TEE_INFO_HASH');
  const reportData = reader.bytes(64, 'REPORTDATA');
  reader.zero(32, 'reserved');
  const mac = reader.bytes(32, 'MAC');
  const tcbInfoEnd = macStructLength + tcbInfoLength;
  sameHash('TEE_TCB_INFO_HASH', tcbInfoHash, bytes.subarray(macStructLength, tcbInfoEnd));
  sameHash('TEE_INFO_HASH', tdInfoHash, bytes.subarray(tdInfoOffset));

  const tcbInfoValid = reader.bytes(8, 'VALID');
  const teeTcbSvn = reader.bytes(16, 'TEE_TCB_SVN');
  const mrSeam = reader.bytes(48, 'MRSEAM');
  const mrSignerSeam = reader.bytes(48, 'MRSIGNERSEAM');
  const seamAttributes = reader.bytes(8, 'SEAMATTRIBUTES');
  const teeTcbSvn2 = reader.bytes(16, 'TEE_TCB_SVN_2');
  reader.zero(tdInfoOffset - reader.offset, 'reserved');

  const tdAttributes = reader.bytes(8, 'ATTRIBUTES');
  const xfam = reader.bytes(8, 'XFAM');
  const mrTd = reader.bytes(48, 'MRTD');
  const mrConfigId = reader.bytes(48, 'MRCONFIGID');
  const mrOwner = reader.bytes(48, 'MROWNER');
  const mrOwnerConfig = reader.bytes(48, 'MROWNERCONFIG');
  const rtmr = [
    reader.bytes(48, 'RTMR0'),
    reader.bytes(48, 'RTMR1'),
    reader.bytes(48, 'RTMR2'),
    reader.bytes(48, 'RTMR3'),
  ] as const;
  const mrServiceTd = reader.bytes(48, 'SERVTD_HASH');
  reader.zero(reader.left, 'reserved');
  const report = {
    teeTcbSvn,
    mrSeam,
    mrSignerSeam,
    seamAttributes,
    tdAttributes,
    xfam,
    mrTd,
    mrConfigId,
    mrOwner,
    mrOwnerConfig,
    rtmr,
    reportData,
    teeTcbSvn2,
    mrServiceTd,
  };
  return { version, cpuSvn, tcbInfoValid, report, mac };
}

/** The inverse of `parseTdReportStruct`; it computes both hashes. @throws RangeError on a field of another length */
export function encodeTdReportStruct({
  version,
  cpuSvn,
  tcbInfoValid,
  report,
  mac,
}: TdReportStruct): Bytes {
  const tcbInfo = new Writer(tcbInfoLength)
    .bytes(tcbInfoValid, 8)
    .bytes(report.teeTcbSvn, 16)
    .bytes(report.mrSeam, 48)
    .bytes(report.mrSignerSeam, 48)
    .bytes(report.seamAttributes, 8)
    .bytes(report.teeTcbSvn2, 16)
    .zero(95)
    .finish();
  const tdInfo = new Writer(tdReportStructLength - tdInfoOffset)
    .bytes(report.tdAttributes, 8)
    .bytes(report.xfam, 8)
    .bytes(report.mrTd, 48)
    .bytes(report.mrConfigId, 48)
    .bytes(report.mrOwner, 48)
    .bytes(report.mrOwnerConfig, 48);
  for (const register of report.rtmr) tdInfo.bytes(register, 48);
  const tdInfoBytes = tdInfo.bytes(report.mrServiceTd, 48).zero(64).finish();
  return new Writer(tdReportStructLength)
    .bytes(Uint8Array.of(0x81, 0, version, 0), 4)
    .zero(12)
    .bytes(cpuSvn, 16)
    .bytes(sha384(tcbInfo), 48)
    .bytes(sha384(tdInfoBytes), 48)
    .bytes(report.reportData, 64)
    .zero(32)
    .bytes(mac, 32)
    .bytes(tcbInfo, tcbInfoLength)
    .zero(tdInfoOffset - macStructLength - tcbInfoLength)
    .bytes(tdInfoBytes, tdReportStructLength - tdInfoOffset)
    .finish();
}

function sameHash(field: string, stated: Bytes, of: Bytes): void {
  const expected = sha384(of);
  if (equalBytes(stated, expected)) return;
  throw new AttestationError(
    'value-out-of-range',
    `TDREPORT: ${field} should be ${toHex(expected)}, got ${toHex(stated)}`,
  );
}
