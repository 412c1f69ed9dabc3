/**
 * The body of an SGX REPORT ⇄ bytes: Intel SDM volume 3D, table "Layout of REPORT", without KEYID
 * and MAC, as it stands in a quote and as the quoting enclave's own. Fields keep Intel's names;
 * integers are little-endian.
 */
import { type Bytes, Reader, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';

export const enclaveReportLength = 384;

export type EnclaveReport = {
  /** 16 bytes, as all lengths below; how its parts are ordered is the processor's business. */
  cpuSvn: Bytes;
  miscSelect: number;
  /** 16 bytes */
  isvExtProdId: Bytes;
  /** 16 bytes: 8 of flags, 8 of XFRM, little-endian bit fields. */
  attributes: Bytes;
  /** 32 bytes */
  mrEnclave: Bytes;
  /** 32 bytes */
  mrSigner: Bytes;
  /** 64 bytes */
  configId: Bytes;
  isvProdId: number;
  isvSvn: number;
  configSvn: number;
  /** 16 bytes */
  isvFamilyId: Bytes;
  /** 64 bytes */
  reportData: Bytes;
};

/** Flags of ATTRIBUTES: SDM volume 3D, table "Layout of ATTRIBUTES Structure". */
export const sgxAttributeBits = [
  { bit: 0, key: 'init', name: 'INIT' },
  { bit: 1, key: 'debug', name: 'DEBUG' },
  { bit: 2, key: 'mode64Bit', name: 'MODE64BIT' },
  { bit: 4, key: 'provisionKey', name: 'PROVISIONKEY' },
  { bit: 5, key: 'einitTokenKey', name: 'EINITTOKEN_KEY' },
  { bit: 6, key: 'cet', name: 'CET' },
  { bit: 7, key: 'kss', name: 'KSS' },
  { bit: 10, key: 'aexNotify', name: 'AEXNOTIFY' },
] as const;

/**
 * Exactly 384 bytes, reserved ones zero.
 * @param what it is, for messages
 * @throws AttestationError `length-wrong`, `reserved-not-zero`
 */
export function parseEnclaveReport(bytes: Bytes, what = 'SGX report'): EnclaveReport {
  if (bytes.length !== enclaveReportLength) {
    throw new AttestationError(
      'length-wrong',
      `${what}: expected exactly ${enclaveReportLength} bytes, got ${bytes.length}`,
    );
  }
  return readEnclaveReport(new Reader(bytes, what));
}

/**
 * The next 384 bytes.
 * @throws AttestationError `length-wrong`, `reserved-not-zero`
 */
export function readEnclaveReport(reader: Reader): EnclaveReport {
  const cpuSvn = reader.bytes(16, 'CPUSVN');
  const miscSelect = reader.u32le('MISCSELECT');
  reader.zero(12, 'reserved after MISCSELECT');
  const isvExtProdId = reader.bytes(16, 'ISVEXTPRODID');
  const attributes = reader.bytes(16, 'ATTRIBUTES');
  const mrEnclave = reader.bytes(32, 'MRENCLAVE');
  reader.zero(32, 'reserved after MRENCLAVE');
  const mrSigner = reader.bytes(32, 'MRSIGNER');
  reader.zero(32, 'reserved after MRSIGNER');
  const configId = reader.bytes(64, 'CONFIGID');
  const isvProdId = reader.u16le('ISVPRODID');
  const isvSvn = reader.u16le('ISVSVN');
  const configSvn = reader.u16le('CONFIGSVN');
  reader.zero(42, 'reserved after CONFIGSVN');
  const isvFamilyId = reader.bytes(16, 'ISVFAMILYID');
  const reportData = reader.bytes(64, 'REPORTDATA');
  return {
    cpuSvn,
    miscSelect,
    isvExtProdId,
    attributes,
    mrEnclave,
    mrSigner,
    configId,
    isvProdId,
    isvSvn,
    configSvn,
    isvFamilyId,
    reportData,
  };
}

/** The inverse of `parseEnclaveReport`. @throws RangeError on a field of another length */
export function encodeEnclaveReport(report: EnclaveReport): Bytes {
  return new Writer(enclaveReportLength)
    .bytes(report.cpuSvn, 16)
    .u32le(report.miscSelect)
    .zero(12)
    .bytes(report.isvExtProdId, 16)
    .bytes(report.attributes, 16)
    .bytes(report.mrEnclave, 32)
    .zero(32)
    .bytes(report.mrSigner, 32)
    .zero(32)
    .bytes(report.configId, 64)
    .u16le(report.isvProdId)
    .u16le(report.isvSvn)
    .u16le(report.configSvn)
    .zero(42)
    .bytes(report.isvFamilyId, 16)
    .bytes(report.reportData, 64)
    .finish();
}

/** Whether these can be a whole REPORT as EREPORT writes it: the body, KEYID 32 and MAC 16. */
export function isSgxReport(bytes: Bytes): boolean {
  if (bytes.length !== enclaveReportLength + 48) return false;
  try {
    readEnclaveReport(new Reader(bytes, 'SGX report'));
    return true;
  } catch (error) {
    if (error instanceof AttestationError) return false;
    throw error;
  }
}
