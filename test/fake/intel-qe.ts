/**
 * The simulated quoting enclave: an attestation key, bound by a report that the machine's PCK key
 * signs, and quotes of version 3 (SGX), 4 and 5 (TDX) over any body, right or wrong.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import {
  encodeQuote,
  encodeSignedPart,
  intelQeVendorId,
  pckChainType,
  type QuoteBody,
  type QuoteHeader,
  type QuoteVersion,
} from '#verifier/abi/quote.ts';
import { type EnclaveReport, encodeEnclaveReport } from '#verifier/abi/sgx-report.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import type { Intel } from './intel.ts';
import { quotingEnclaves } from './intel-collateral.ts';
import { type KeyPair, rawPoint } from './keys.ts';

export type QuoteOptions = {
  /** Default: 3 for an SGX body, 4 for one of TDX 1.0, 5 for one of TDX 1.5. */
  version?: QuoteVersion;
  header?: Partial<QuoteHeader>;
  /** Fields of the quoting enclave's own report; `reportData` breaks the binding of the key. */
  qe?: Partial<EnclaveReport>;
  /** The key that the quote names, that is bound and that signs. Default: the hierarchy's. */
  attestationKey?: KeyPair;
  /** Signs the quote in place of the attestation key. */
  signer?: KeyObject;
  /** Signs the quoting enclave's report in place of the PCK key. */
  qeSigner?: KeyObject;
  /** Default: 32 bytes 00 to 1f, as Intel's own. */
  qeAuthData?: Bytes;
  /** Default: type 5, the PEM chain of the PCK certificate. */
  certification?: { type: number; data: Bytes };
  /** Bytes after the quote, which nothing signs. */
  trailing?: Bytes;
  /** Changes the bytes before they are signed: a wrongly built quote with a right signature. */
  beforeSigning?: (bytes: Bytes) => void;
  /** Changes the bytes after that: a quote that was tampered with. */
  afterSigning?: (bytes: Bytes) => void;
};

/** @throws RangeError on fields that do not fit each other or their lengths */
export function makeQuote(intel: Intel, body: QuoteBody, options: QuoteOptions = {}): Bytes {
  const attestation = options.attestationKey ?? intel.keys.attestation;
  const attestationKey = rawPoint(attestation.publicKey);
  const qeAuthData = options.qeAuthData ?? Uint8Array.from({ length: 32 }, (_, index) => index);
  const qeReport = { ...quotingEnclave(body, attestationKey, qeAuthData), ...options.qe };
  const qeReportBytes = encodeEnclaveReport(qeReport);
  const content = {
    header: { ...headerOf(body, options.version), ...options.header },
    body,
    signature: new Uint8Array(64),
    attestationKey,
    qeReport,
    qeReportBytes,
    qeReportSignature: signP256(options.qeSigner ?? intel.keys.pck.privateKey, qeReportBytes),
    qeAuthData,
    certification: options.certification ?? {
      type: pckChainType,
      data: utf8(intel.pckChainPem()),
    },
  };
  const bytes = concat(encodeQuote(content), options.trailing ?? new Uint8Array());
  const signedLength = encodeSignedPart(content).length;
  options.beforeSigning?.(bytes);
  const signer = options.signer ?? attestation.privateKey;
  // The length of the signature data stands between.
  bytes.set(signP256(signer, bytes.subarray(0, signedLength)), signedLength + 4);
  options.afterSigning?.(bytes);
  return bytes;
}

/** A production enclave (INIT, MODE64BIT) with some measurements and no REPORTDATA. */
export function enclaveReport(fields: Partial<EnclaveReport> = {}): EnclaveReport {
  return {
    cpuSvn: fromHex('0404191b04ff00060000000000000000', 'CPUSVN'),
    miscSelect: 0,
    isvExtProdId: new Uint8Array(16),
    attributes: fromHex('0500000000000000e700000000000000', 'ATTRIBUTES'),
    mrEnclave: new Uint8Array(32).fill(0xe1),
    mrSigner: new Uint8Array(32).fill(0x51),
    configId: new Uint8Array(64),
    isvProdId: 0,
    isvSvn: 0,
    configSvn: 0,
    isvFamilyId: new Uint8Array(16),
    reportData: new Uint8Array(64),
    ...fields,
  };
}

/** REPORTDATA = SHA-256(attestation key ‖ authentication data) ‖ 32 zero bytes. */
function quotingEnclave(body: QuoteBody, attestationKey: Bytes, authData: Bytes): EnclaveReport {
  const { mrSigner, isvProdId, isvSvn } = quotingEnclaves[body.kind];
  const reportData = new Uint8Array(64);
  reportData.set(createHash('sha256').update(attestationKey).update(authData).digest());
  // PROVISIONKEY besides, which a quoting enclave needs.
  const attributes = fromHex('1500000000000000e700000000000000', 'ATTRIBUTES');
  return enclaveReport({ attributes, mrSigner, isvProdId, isvSvn, reportData });
}

function headerOf(body: QuoteBody, wanted: QuoteVersion | undefined): QuoteHeader {
  const ofTdx15 = body.kind === 'tdx' && body.report.teeTcbSvn2 !== null;
  const version = wanted ?? (body.kind === 'sgx' ? 3 : ofTdx15 ? 5 : 4);
  // From version 4 on these two are reserved.
  const svns = version === 3 ? { qeSvn: 10, pceSvn: 15 } : { qeSvn: 0, pceSvn: 0 };
  return {
    version,
    tee: body.kind,
    attestationKeyType: 2,
    ...svns,
    qeVendorId: intelQeVendorId,
    // The QE's id, then 4 zero bytes.
    userData: concat(new Uint8Array(16).fill(0x0e), new Uint8Array(4)),
  };
}

/** r ‖ s, big-endian, 32 bytes each, over SHA-256. */
function signP256(key: KeyObject, message: Bytes): Bytes {
  return new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
}
