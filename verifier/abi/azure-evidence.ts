/**
 * Evidence of Azure's confidential VMs as two verifiers write it, JSON: trustee (confidential-containers) and attestation-rs.
 *
 *     {"quote": {"message": [u8…], "pcrs": [[u8…] × 24], "signature": [u8…]}, "report": [u8…], "vcek": PEM}     trustee, at first
 *     {"version": 1 | 2, "tpm_quote": {"message", "signature": hex, "pcrs": [hex × 24]}, "hcl_report": base64url,
 *      "vcek": base64url of DER (SEV-SNP) | "td_quote": base64url (TDX)}                                        both, today
 *     {"platform": "az-snp" | "az-tdx", "evidence": the same}                                                  attestation-rs
 *
 * PCRs are those of bank sha256, 0 to 23. Nothing in them is believed: parts come out as they went in.
 */
import { type Bytes, concat, fromHex, fromUtf8, isZero, Reader, utf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import {
  arrayOf,
  type Decoder,
  hexBytes,
  integer,
  object,
  oneOf,
  optional,
  parseJson,
  shapeError,
  version,
} from '../json.ts';
import { maxHclLength } from './hcl.ts';
import { readBase64Url } from './hcl-claims.ts';
import { readDerObject } from './pem.ts';
import { maxQuoteLength } from './quote.ts';
import type { TpmQuote } from './tpm/evidence.ts';
import { pcrCount } from './tpm/hash.ts';

export type AzureEvidence = {
  /** For `parseHcl`. */
  hcl: Bytes;
  /** The TD quote; null for SEV-SNP. */
  quote: Bytes | null;
  tpm: TpmQuote;
  /** DER of the VCEK's certificate; null for TDX, and where the evidence came without. */
  vcek: Bytes | null;
};

/** 1 MiB: genuine ones have 8 to 37 KiB. */
export const maxAzureEvidenceLength = 1024 * 1024;

const what = 'Azure evidence';
/** Of a TPMS_ATTEST, and of a signature. */
const maxTpmPart = 4096;
const maxCertificateLength = 16 * 1024;
/** The NV index has 4,096 bytes. */
const maxCertificateFile = 64 * 1024;

/**
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `base64-malformed`, `pem-malformed`, `der-malformed`
 */
export function readAzureEvidence(bytes: Bytes): AzureEvidence {
  if (bytes.length > maxAzureEvidenceLength) {
    throw new AttestationError(
      'too-large',
      `${what}: ${bytes.length} bytes, at most ${maxAzureEvidenceLength} (1 MiB) are allowed`,
    );
  }
  const value = parseJson(fromUtf8(bytes, what), what);
  if (!has(value, 'platform')) return readInner(value, what);
  const { platform, evidence } = wrapped(value, what);
  const found = readInner(evidence, `${what}.evidence`);
  if ((found.quote !== null) === (platform === 'az-tdx')) return found;
  throw new AttestationError(
    'json-shape',
    `${what}: platform "${platform}" does not fit evidence ${found.quote === null ? 'without' : 'with'} a TD quote`,
  );
}

/**
 * The AK's certificate as NV index 0x01C101D0 holds it, zeros after its end, or PEM of either.
 * @returns DER
 * @throws AttestationError `too-large`, `pem-malformed`, `base64-malformed`, `length-wrong`, `der-malformed`,
 *   `reserved-not-zero`
 */
export function readAkCertificate(bytes: Bytes): Bytes {
  const name = 'AK certificate';
  if (bytes.length > maxCertificateFile) {
    throw new AttestationError(
      'too-large',
      `${name}: ${bytes.length} bytes, at most ${maxCertificateFile} (64 KiB) are allowed`,
    );
  }
  const isPem = bytes[0] === 0x2d;
  const reader = new Reader(isPem ? readDerObject(bytes, 'CERTIFICATE', name) : bytes, name);
  // A SEQUENCE of 256 bytes to 64 KiB, which a certificate has.
  const start = reader.bytes(4, 'its outer header');
  if (start[0] !== 0x30 || start[1] !== 0x82) {
    const empty = isZero(start) ? ': the NV index is empty, Azure issued none' : '';
    throw new AttestationError('der-malformed', `${name}: it does not begin as DER${empty}`);
  }
  const content = reader.bytes((start[2] as number) * 256 + (start[3] as number), 'its content');
  reader.zero(reader.left, 'padding of the NV index');
  return concat(start, content);
}

function readInner(value: unknown, path: string): AzureEvidence {
  if (has(value, 'quote')) {
    const { quote, report, vcek } = first(value, path);
    return { hcl: report, quote: null, tpm: tpmQuote(quote), vcek };
  }
  if (has(value, 'td_quote')) {
    const { hcl_report, td_quote, tpm_quote } = ofTdx(value, path);
    return { hcl: hcl_report, quote: td_quote, tpm: tpmQuote(tpm_quote), vcek: null };
  }
  const { hcl_report, vcek, tpm_quote } = ofSnp(value, path);
  return { hcl: hcl_report, quote: null, tpm: tpmQuote(tpm_quote), vcek: vcek ?? null };
}

function has(value: unknown, member: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, member);
}

function tpmQuote(parts: { message: Bytes; signature: Bytes; pcrs: readonly Bytes[] }): TpmQuote {
  const { message, signature, pcrs } = parts;
  const values = new Map(pcrs.map((value, index) => [index, value] as const));
  return { message, signature, pcrs: new Map([['sha256', values]]) };
}

/** Bytes as an array of numbers. */
function numbers(limits: { min?: number; max: number }): Decoder<Bytes> {
  const decode = arrayOf(integer(0, 255), limits);
  return (value, path) => Uint8Array.from(decode(value, path));
}

function hexText(max: number): Decoder<Bytes> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length > 2 * max)
      throw shapeError(path, `hex of at most ${max} bytes`, value);
    return fromHex(value, path);
  };
}

function base64UrlText(max: number): Decoder<Bytes> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length > 4 * Math.ceil(max / 3))
      throw shapeError(path, `base64url of at most ${max} bytes`, value);
    // trustee pads, attestation-rs does not.
    return readBase64Url(value, path, true);
  };
}

const certificatePem: Decoder<Bytes> = (value, path) => {
  if (typeof value !== 'string' || value.length > maxCertificateLength)
    throw shapeError(path, `PEM of at most ${maxCertificateLength} characters`, value);
  return readDerObject(utf8(value), 'CERTIFICATE', path);
};

const all = { min: pcrCount, max: pcrCount };

const first = object({
  quote: object({
    message: numbers({ min: 1, max: maxTpmPart }),
    pcrs: arrayOf(numbers({ min: 32, max: 32 }), all),
    signature: numbers({ min: 1, max: maxTpmPart }),
  }),
  report: numbers({ max: maxHclLength }),
  vcek: certificatePem,
});

const hexTpmQuote = object({
  message: hexText(maxTpmPart),
  pcrs: arrayOf(hexBytes(32), all),
  signature: hexText(maxTpmPart),
});

/** From version 2 on the guest's nonce is in the claims' user-data too; the form is the same. */
const ofSnp = object({
  version: version(1, 2),
  tpm_quote: hexTpmQuote,
  hcl_report: base64UrlText(maxHclLength),
  vcek: optional(base64UrlText(maxCertificateLength)),
});

const ofTdx = object({
  version: version(1),
  tpm_quote: hexTpmQuote,
  hcl_report: base64UrlText(maxHclLength),
  td_quote: base64UrlText(maxQuoteLength),
});

const wrapped = object({
  platform: oneOf('az-snp', 'az-tdx'),
  evidence: (value: unknown) => value,
});
