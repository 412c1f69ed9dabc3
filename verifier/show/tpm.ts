/** A TPM's quotes for `affidavit show`: what each says, the PCR values beside it, and the certificates of the key. */
import { looksLikeAttest, parseAttest } from '#verifier/abi/tpm/attest.ts';
import { parseTpmEvidence, type TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { looksLikeGoTpm, parseGoTpmAttestation } from '#verifier/abi/tpm/go-tpm.ts';
import type { PcrValues } from '#verifier/abi/tpm/hash.ts';
import { selectionText } from '#verifier/abi/tpm/selection.ts';
import { parseTpmSignature } from '#verifier/abi/tpm/signature.ts';
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { withoutPadding } from '#verifier/chain/tpm-chain.ts';
import { AttestationError } from '#verifier/errors.ts';
import { certificateSection } from './certificate.ts';
import type { ShowField, ShowSection } from './document.ts';

/**
 * A file of a TPM: a TPMS_ATTEST alone, go-tpm-tools' protobuf, or the evidence of a bundle's device.
 * @returns null for any other
 * @throws AttestationError for one that is not whole
 */
export function tpmDocument(bytes: Bytes): { form: string; sections: ShowSection[] } | null {
  if (looksLikeAttest(bytes)) {
    return { form: 'TPM quote', sections: [attestSection(bytes, null)] };
  }
  if (looksLikeGoTpm(bytes)) {
    const found = parseGoTpmAttestation(bytes);
    const { quotes, publicKey, certificates, eventLog } = found;
    const beside = {
      title: 'Beside the quotes',
      offsetsFrom: null,
      fields: [
        { name: 'attestation key', value: toHex(publicKey), key: 'publicKey' },
        { name: 'event log', value: lengthOf(eventLog) },
        { name: 'SEV-SNP attestation', value: lengthOf(found.sevSnp) },
        { name: 'TDX attestation', value: lengthOf(found.tdx) },
      ],
    };
    return {
      form: 'go-tpm-tools attestation',
      sections: [...tpmSections(quotes, certificates), beside],
    };
  }
  if (!/^\s*\{\s*"version"\s*:\s*[0-9]+\s*,\s*"quotes"/.test(startOf(bytes))) return null;
  const { quotes, certificates } = parseTpmEvidence(bytes);
  return { form: 'TPM evidence', sections: tpmSections(quotes, certificates) };
}

function lengthOf(bytes: Bytes | null): string {
  return bytes === null ? 'none' : `${bytes.length} bytes`;
}

function startOf(bytes: Bytes): string {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 64));
}

/**
 * @param certificates DER, the AK's own first; one that cannot be read is shown as such
 * @throws AttestationError what `parseAttest` throws; a signature of a scheme that is not verified is shown as it stands
 */
export function tpmSections(
  quotes: readonly TpmQuote[],
  certificates: readonly Bytes[] = [],
): ShowSection[] {
  const numbered = (title: string, i: number, all: readonly unknown[]) =>
    all.length === 1 ? title : `${title} ${i + 1}`;
  return [
    ...quotes.flatMap(({ message, signature, pcrs }, i) => [
      attestSection(message, signature, numbered('TPM quote', i, quotes)),
      ...pcrSections(pcrs, numbered('PCR values of quote', i, quotes)),
    ]),
    ...certificates.map((der, i) => {
      const title = numbered('AK chain', i, certificates);
      return orRefusal(title, () => certificateSection(withoutPadding(der), title));
    }),
  ];
}

/** @param signature null for a TPMS_ATTEST alone */
export function attestSection(
  message: Bytes,
  signature: Bytes | null,
  title = 'TPM quote',
): ShowSection {
  const attest = parseAttest(message);
  const fields: ShowField[] = [];
  let offset = 0;
  const add = (name: string, length: number, value: string, key?: string) => {
    fields.push({ name, value, offset, length, ...(key !== undefined && { key }) });
    offset += length;
  };
  const { qualifiedSigner, nonce, pcrDigest } = attest;
  add('magic', 4, '0xff544347 (made by a TPM)');
  add('type', 2, '0x8018 (quote)');
  add('qualifiedSigner', 2 + qualifiedSigner.length, toHex(qualifiedSigner), 'qualifiedSigner');
  add('extraData', 2 + nonce.length, nonceText(nonce), 'nonce');
  add('clock', 8, `${attest.clock} ms of power (${days(attest.clock)} days)`, 'clock');
  add('resetCount', 4, `${attest.resetCount}`, 'resetCount');
  add('restartCount', 4, `${attest.restartCount}`, 'restartCount');
  add('safe', 1, attest.safe ? 'yes' : 'no', 'safe');
  add('firmwareVersion', 8, attest.firmwareVersion, 'firmwareVersion');
  const rest = message.length - offset - 2 - pcrDigest.length;
  add('pcrSelect', rest, selectionText(attest.selections), 'selections');
  add('pcrDigest', 2 + pcrDigest.length, toHex(pcrDigest), 'pcrDigest');
  if (signature !== null) fields.push(...signatureFields(signature));
  return { title, offsetsFrom: 'the TPMS_ATTEST', fields };
}

function signatureFields(signature: Bytes): ShowField[] {
  try {
    const { scheme, value, bare } = parseTpmSignature(signature);
    const form = bare ? ', without a TPMT_SIGNATURE around it' : '';
    return [
      { name: 'signature scheme', value: `${scheme}${form}` },
      { name: 'signature', value: toHex(value), key: 'signature' },
    ];
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return [
      { name: 'signature scheme', value: `not verified here: ${error.message}` },
      { name: 'signature', value: toHex(signature), key: 'signature' },
    ];
  }
}

function pcrSections(pcrs: PcrValues, title: string): ShowSection[] {
  return [...pcrs].map(([bank, values]) => ({
    title: `${title}, ${bank}`,
    offsetsFrom: null,
    fields: [...values]
      .toSorted(([a], [b]) => a - b)
      .map(([index, value]) => ({
        name: `PCR ${index}`,
        value: toHex(value),
        key: `pcrs.${bank}.${index}`,
      })),
  }));
}

/** Beside the hex, text where the nonce is that. */
function nonceText(nonce: Bytes): string {
  const hex = toHex(nonce);
  if (nonce.length === 0) return 'none: it can be replayed';
  const printable = nonce.every((byte) => byte >= 0x20 && byte < 0x7f);
  return printable ? `${hex} (${JSON.stringify(fromUtf8(nonce, 'extraData'))})` : hex;
}

/** With one decimal. */
function days(milliseconds: bigint): string {
  const tenths = milliseconds / 8_640_000n;
  return `${tenths / 10n}.${tenths % 10n}`;
}

function orRefusal(title: string, read: () => ShowSection): ShowSection {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { title, offsetsFrom: null, fields: [{ name: 'unreadable', value: error.message }] };
  }
}
