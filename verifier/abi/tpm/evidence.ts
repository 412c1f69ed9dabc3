/**
 * Quotes of one TPM with the certificates of its attestation key ⇄ JSON: the evidence of a bundle's device of kind `tpm`
 * (docs/formats.md). Nothing in it is believed: what verifies it reads each part.
 */
import { type Bytes, fromUtf8, toBase64, utf8 } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { arrayOf, base64Bytes, object, parseJson, version } from '../../json.ts';
import { parseAttest } from './attest.ts';
import type { PcrValues } from './hash.ts';
import { encodePcrs, pcrsOfJson, readPcrs } from './pcrs.ts';

export type TpmQuote = {
  /** TPMS_ATTEST */
  message: Bytes;
  /** TPMT_SIGNATURE, or an RSA signature alone. */
  signature: Bytes;
  /** Of the selected PCRs, and of no other. */
  pcrs: PcrValues;
};

export type TpmEvidence = {
  quotes: readonly TpmQuote[];
  /** DER, the AK's own first; empty when there are none. */
  certificates: readonly Bytes[];
};

/** 256 KiB */
export const maxTpmEvidenceLength = 256 * 1024;
/** One a bank, and room for those who quote PCRs apart. */
export const maxQuotes = 8;
export const maxAkCertificates = 8;

const evidenceShape = object({
  version: version(1),
  quotes: arrayOf(object({ message: base64Bytes, signature: base64Bytes, pcrs: pcrsOfJson }), {
    min: 1,
    max: maxQuotes,
  }),
  certificates: arrayOf(base64Bytes, { max: maxAkCertificates }),
});

/**
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed`, `json-shape`, `version-unknown`, `hex-malformed`,
 *   `base64-malformed`
 */
export function parseTpmEvidence(bytes: Bytes): TpmEvidence {
  if (bytes.length > maxTpmEvidenceLength) {
    throw new AttestationError(
      'too-large',
      `TPM evidence: ${bytes.length} bytes, at most ${maxTpmEvidenceLength} (256 KiB) are allowed`,
    );
  }
  const json = parseJson(fromUtf8(bytes, 'TPM evidence'), 'TPM evidence');
  const { quotes, certificates } = evidenceShape(json, 'evidence');
  return { quotes, certificates };
}

/** UTF-8 JSON, members in the order of docs/formats.md. */
export function encodeTpmEvidence({ quotes, certificates }: TpmEvidence): Bytes {
  const text = JSON.stringify({
    version: 1,
    quotes: quotes.map(({ message, signature, pcrs }) => ({
      message: toBase64(message),
      signature: toBase64(signature),
      pcrs: encodePcrs(pcrs),
    })),
    certificates: certificates.map(toBase64),
  });
  return utf8(text);
}

/**
 * The three files of `tpm2_quote -m MESSAGE -s SIGNATURE -o PCRS`; PCRs also in every other form of `readPcrs`.
 * @throws AttestationError what `parseAttest` and `readPcrs` throw
 */
export function readTpm2Quote(files: { message: Bytes; signature: Bytes; pcrs: Bytes }): TpmQuote {
  const { message, signature } = files;
  return { message, signature, pcrs: readPcrs(files.pcrs, parseAttest(message).selections) };
}
