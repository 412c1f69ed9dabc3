/**
 * Intel's quotes ⇄ bytes: version 3 (Intel SGX ECDSA quoting library API, appendix A), versions 4
 * and 5 (Intel TDX DCAP quoting library API, appendix A), signed with ECDSA P-256. Fields keep
 * Intel's names; integers are little-endian, signatures and keys big-endian.
 *
 *     quote = header 48 ‖ [version 5: body type u16 ‖ body size u32] ‖ body
 *           ‖ length u32 ‖ signature data ‖ bytes that no length counts
 *     signature data = signature 64 ‖ attestation key 64 ‖ QE part          (version 3)
 *     signature data = signature 64 ‖ attestation key 64 ‖ 6 u16 ‖ size u32 ‖ QE part
 *     QE part = QE report 384 ‖ its signature 64 ‖ length u16 ‖ authentication data
 *             ‖ certification type u16 ‖ size u32 ‖ certification data
 */
import { type Bytes, concat, equalBytes, fromHex, Reader, Writer } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  type EnclaveReport,
  enclaveReportLength,
  encodeEnclaveReport,
  isSgxReport,
  parseEnclaveReport,
  readEnclaveReport,
} from './sgx-report.ts';
import {
  encodeTdReport,
  isTdReportStructure,
  readTdReport,
  type TdReport,
  tdReport10Length,
  tdReport15Length,
} from './td-report.ts';

export const quoteVersions = [3, 4, 5] as const;
export type QuoteVersion = (typeof quoteVersions)[number];
export type Tee = 'sgx' | 'tdx';

/** 256 KiB: a genuine quote has about 5 KiB, in a buffer of 8. */
export const maxQuoteLength = 256 * 1024;
export const quoteHeaderLength = 48;
export const intelQeVendorId: Bytes = fromHex('939a7233f79c4ca9940a0db3957f0607', 'QE vendor id');

export type QuoteHeader = {
  version: QuoteVersion;
  tee: Tee;
  /** ECDSA with P-256. */
  attestationKeyType: 2;
  /** 16 bits each; Intel's headers of versions 4 and 5 call both reserved, QVL reads them all the same. */
  qeSvn: number;
  pceSvn: number;
  /** 16 bytes; `intelQeVendorId` for Intel's quoting enclaves. */
  qeVendorId: Bytes;
  /** 20 bytes */
  userData: Bytes;
};

export type QuoteBody = { kind: 'sgx'; report: EnclaveReport } | { kind: 'tdx'; report: TdReport };

/** What a quote says; with it goes what only its bytes show. */
export type QuoteContent = {
  header: QuoteHeader;
  body: QuoteBody;
  /** r ‖ s, 32 bytes each, over the first `signedLength` bytes. */
  signature: Bytes;
  /** x ‖ y, 32 bytes each, on P-256. */
  attestationKey: Bytes;
  qeReport: EnclaveReport;
  /** The 384 bytes that `qeReportSignature` covers. */
  qeReportBytes: Bytes;
  /** r ‖ s by the key of the PCK certificate. */
  qeReportSignature: Bytes;
  /** At most 65535 bytes. */
  qeAuthData: Bytes;
  /** Type 5, the PEM chain of the PCK certificate, is the one that can be verified. */
  certification: { type: number; data: Bytes };
};
export type Quote = QuoteContent & {
  /** Header, body descriptor and body. */
  signedLength: number;
  /** Bytes after the stated length, which nothing signs: guests hand out padded quotes. */
  trailing: number;
};

/** @see certificationTypes */
export const pckChainType = 5;
const qeReportType = 6;
/** Of the QE part. */
export const certificationTypes: Readonly<Record<number, string>> = {
  1: 'PPID in the clear',
  2: 'PPID encrypted with RSA-2048',
  3: 'PPID encrypted with RSA-3072',
  4: 'PCK certificate',
  [pckChainType]: 'PCK certificate chain',
};

const teeTypes: Record<Tee, number> = { sgx: 0, tdx: 0x81 };
const keyTypeNames: Readonly<Record<number, string>> = { 0: 'EPID', 3: 'ECDSA P-384' };
/** What TEE type and length a body of each type of version 5 has. */
const bodyTypes = {
  1: { tee: 'sgx', length: enclaveReportLength, name: 'SGX enclave report' },
  2: { tee: 'tdx', length: tdReport10Length, name: 'TD report of TDX 1.0' },
  3: { tee: 'tdx', length: tdReport15Length, name: 'TD report of TDX 1.5' },
} as const;
type BodyType = keyof typeof bodyTypes;

/**
 * A whole quote of a known version, its lengths agreeing. Nothing is verified.
 * @throws AttestationError `too-large`, `form-unknown` (a raw report in place of a quote),
 *   `version-unknown`, `length-wrong`, `value-out-of-range`, `reserved-not-zero`
 */
export function parseQuote(bytes: Bytes): Quote {
  if (bytes.length > maxQuoteLength) {
    throw new AttestationError(
      'too-large',
      `quote: ${bytes.length} bytes, at most ${maxQuoteLength} (256 KiB) are allowed`,
    );
  }
  const raw = rawReportOf(bytes);
  if (raw !== null) {
    throw new AttestationError(
      'form-unknown',
      `this is a raw ${raw}, not a quote: its MAC can only be checked on the machine that made it, so the quoting enclave there must turn it into a quote`,
    );
  }
  const reader = new Reader(bytes, 'quote');
  const header = readHeader(reader);
  const body = readBody(reader, header);
  const signedLength = reader.offset;
  const length = reader.u32le('SIGNATURE_DATA_LENGTH');
  if (length > reader.left) {
    throw new AttestationError(
      'length-wrong',
      `quote: SIGNATURE_DATA_LENGTH ${at(signedLength)} says ${length} bytes, ${reader.left} are left`,
    );
  }
  const end = reader.offset + length;
  // From the start, so that offsets in messages are those of the quote.
  const inside = new Reader(bytes.subarray(0, end), 'quote');
  inside.bytes(reader.offset, 'signed part');
  const signatureData = readSignatureData(inside, header.version);
  return { header, body, signedLength, ...signatureData, trailing: bytes.length - end };
}

/**
 * The inverse of `parseQuote`, without trailing bytes.
 * @throws RangeError on fields that do not fit each other or their lengths
 */
export function encodeQuote(quote: QuoteContent): Bytes {
  const { version } = quote.header;
  if (!equalBytes(encodeEnclaveReport(quote.qeReport), quote.qeReportBytes)) {
    throw new RangeError('qeReport and qeReportBytes are not the same report');
  }
  const { qeAuthData, certification } = quote;
  if (qeAuthData.length > 0xffff) throw new RangeError('more than 65535 bytes of qeAuthData');
  const qePart = new Writer(384 + 64 + 2 + qeAuthData.length + 6 + certification.data.length)
    .bytes(quote.qeReportBytes, 384)
    .bytes(quote.qeReportSignature, 64)
    .u16le(qeAuthData.length)
    .bytes(qeAuthData, qeAuthData.length)
    .u16le(certification.type)
    .u32le(certification.data.length)
    .bytes(certification.data, certification.data.length)
    .finish();
  const wrapper =
    version === 3
      ? new Uint8Array()
      : new Writer(6).u16le(qeReportType).u32le(qePart.length).finish();
  const start = new Writer(4 + 128)
    .u32le(128 + wrapper.length + qePart.length)
    .bytes(quote.signature, 64)
    .bytes(quote.attestationKey, 64)
    .finish();
  return concat(encodeSignedPart(quote), start, wrapper, qePart);
}

/**
 * What the quote's signature covers: header, body descriptor and body.
 * @throws RangeError on fields that do not fit each other or their lengths
 */
export function encodeSignedPart({ header, body }: Pick<QuoteContent, 'header' | 'body'>): Bytes {
  const { version, tee } = header;
  const is15 = body.kind === 'tdx' && body.report.teeTcbSvn2 !== null;
  if (tee !== body.kind || (version === 3 && tee === 'tdx') || (version === 4 && is15)) {
    throw new RangeError(`no ${tee} quote of version ${version} has this ${body.kind} body`);
  }
  const headerBytes = new Writer(quoteHeaderLength)
    .u16le(version)
    .u16le(header.attestationKeyType)
    .u32le(teeTypes[tee])
    .u16le(header.qeSvn)
    .u16le(header.pceSvn)
    .bytes(header.qeVendorId, 16)
    .bytes(header.userData, 20)
    .finish();
  const bodyBytes =
    body.kind === 'sgx' ? encodeEnclaveReport(body.report) : encodeTdReport(body.report);
  if (version < 5) return concat(headerBytes, bodyBytes);
  const type = body.kind === 'sgx' ? 1 : is15 ? 3 : 2;
  const descriptor = new Writer(6).u16le(type).u32le(bodyBytes.length).finish();
  return concat(headerBytes, descriptor, bodyBytes);
}

/**
 * What a quote is of, from its first 8 bytes; null for what is no quote of a known version. The key
 * type is asked too: an SEV-SNP report has a zero there and may else begin alike.
 */
export function teeOf(bytes: Bytes): Tee | null {
  if (bytes.length < 8) return null;
  const reader = new Reader(bytes, 'quote');
  const version = reader.u16le('VERSION');
  const keyType = reader.u16le('ATTESTATION_KEY_TYPE');
  if (!quoteVersions.some((known) => known === version) || keyType === 0) return null;
  return teeOfType(reader.u32le('TEE_TYPE'));
}

/**
 * Whether `parseQuote` is who should read or refuse these bytes: a quote, one of a version to come
 * by Intel's quoting enclave, or a raw report in place of one.
 */
export function looksLikeQuote(bytes: Bytes): boolean {
  if (teeOf(bytes) !== null || rawReportOf(bytes) !== null) return true;
  return equalBytes(bytes.subarray(12, 28), intelQeVendorId);
}

/** A version 3 quote cut off after its signed part is as long as an SGX REPORT. */
function rawReportOf(bytes: Bytes): string | null {
  if (isTdReportStructure(bytes)) return 'TDREPORT';
  return teeOf(bytes) === null && isSgxReport(bytes) ? 'SGX REPORT' : null;
}

function readHeader(reader: Reader): QuoteHeader {
  const version = asVersion(reader.u16le('VERSION'));
  const keyType = reader.u16le('ATTESTATION_KEY_TYPE');
  if (keyType !== 2) {
    const name = keyTypeNames[keyType];
    const actual = name === undefined ? keyType : `${keyType} (${name})`;
    throw unknown('ATTESTATION_KEY_TYPE', 2, actual, '2 (ECDSA P-256)');
  }
  const teeType = reader.u32le('TEE_TYPE');
  const tee = teeOfType(teeType);
  const hex = `0x${teeType.toString(16)}`;
  if (tee === null) throw unknown('TEE_TYPE', 4, hex, '0 (SGX), 0x81 (TDX)');
  if (version === 3 && tee !== 'sgx') throw outOfRange('TEE_TYPE', 4, '0 in version 3', hex);
  const qeSvn = reader.u16le('QE_SVN');
  const pceSvn = reader.u16le('PCE_SVN');
  const qeVendorId = reader.bytes(16, 'QE_VENDOR_ID');
  const userData = reader.bytes(20, 'USER_DATA');
  return { version, tee, attestationKeyType: keyType, qeSvn, pceSvn, qeVendorId, userData };
}

function readBody(reader: Reader, { version, tee }: QuoteHeader): QuoteBody {
  const type = version === 5 ? readDescriptor(reader, tee) : tee === 'sgx' ? 1 : 2;
  return type === 1
    ? { kind: 'sgx', report: readEnclaveReport(reader) }
    : { kind: 'tdx', report: readTdReport(reader, bodyTypes[type].length) };
}

function readDescriptor(reader: Reader, tee: Tee): BodyType {
  const type = reader.u16le('BODY_TYPE');
  if (type !== 1 && type !== 2 && type !== 3) {
    throw unknown('BODY_TYPE', quoteHeaderLength, type, '1 (SGX), 2 (TDX 1.0), 3 (TDX 1.5)');
  }
  const expected = bodyTypes[type];
  if (expected.tee !== tee) {
    const wanted = tee === 'sgx' ? '1 in an SGX quote' : '2 or 3 in a TDX quote';
    throw outOfRange('BODY_TYPE', quoteHeaderLength, wanted, `${type} (${expected.name})`);
  }
  const where = reader.offset;
  const size = reader.u32le('BODY_SIZE');
  if (size !== expected.length) {
    throw outOfRange('BODY_SIZE', where, `${expected.length} (${expected.name})`, size);
  }
  return type;
}

function readSignatureData(reader: Reader, version: QuoteVersion) {
  const signature = reader.bytes(64, 'SIGNATURE');
  const attestationKey = reader.bytes(64, 'ATTESTATION_KEY');
  if (version !== 3) {
    const where = reader.offset;
    const type = reader.u16le('CERTIFICATION_TYPE');
    if (type !== qeReportType) {
      throw outOfRange('CERTIFICATION_TYPE', where, '6 (QE report certification data)', type);
    }
    readLastSize(reader, 'QE_REPORT_CERTIFICATION_SIZE');
  }
  const qeReportAt = reader.offset;
  const qeReportBytes = reader.bytes(enclaveReportLength, 'QE_REPORT');
  const qeReport = parseEnclaveReport(qeReportBytes, `quote: QE_REPORT ${at(qeReportAt)}`);
  const qeReportSignature = reader.bytes(64, 'QE_REPORT_SIGNATURE');
  const qeAuthData = reader.bytes(reader.u16le('QE_AUTH_DATA_LENGTH'), 'QE_AUTH_DATA');
  const where = reader.offset;
  const type = reader.u16le('QE_CERTIFICATION_TYPE');
  if (type === qeReportType) {
    throw outOfRange('QE_CERTIFICATION_TYPE', where, '1 to 5 (6 is what holds it)', type);
  }
  if (certificationTypes[type] === undefined) {
    throw unknown('QE_CERTIFICATION_TYPE', where, type, '1 to 5');
  }
  const data = reader.bytes(readLastSize(reader, 'QE_CERTIFICATION_SIZE'), 'QE_CERTIFICATION_DATA');
  const certification = { type, data };
  return {
    signature,
    attestationKey,
    qeReport,
    qeReportBytes,
    qeReportSignature,
    qeAuthData,
    certification,
  };
}

/** A size of what goes to the end of the signature data, no less and no more. */
function readLastSize(reader: Reader, field: string): number {
  const where = reader.offset;
  const size = reader.u32le(field);
  if (size !== reader.left) {
    throw new AttestationError(
      'length-wrong',
      `quote: ${field} ${at(where)} should be ${reader.left}, all that is left of the signature data, got ${size}`,
    );
  }
  return size;
}

function asVersion(version: number): QuoteVersion {
  const found = quoteVersions.find((known) => known === version);
  if (found === undefined) throw unknown('VERSION', 0, version, quoteVersions.join(', '));
  return found;
}

function teeOfType(teeType: number): Tee | null {
  if (teeType === teeTypes.sgx) return 'sgx';
  return teeType === teeTypes.tdx ? 'tdx' : null;
}

/** For what Intel may well have given a meaning that this release does not know. */
function unknown(field: string, offset: number, actual: string | number, known: string) {
  return new AttestationError(
    'version-unknown',
    `quote: ${field} ${actual} ${at(offset)} is not known (known: ${known})`,
  );
}

function outOfRange(field: string, offset: number, expected: string, actual: string | number) {
  return new AttestationError(
    'value-out-of-range',
    `quote: ${field} ${at(offset)} should be ${expected}, got ${actual}`,
  );
}

function at(offset: number): string {
  return `at offset 0x${offset.toString(16)}`;
}
