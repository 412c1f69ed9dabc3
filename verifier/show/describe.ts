/** What any bytes are, and what they say, field by field. Nothing is verified. */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { type PemLabel, readDerObjects } from '#verifier/abi/pem.ts';
import { looksLikeQuote } from '#verifier/abi/quote.ts';
import { readSnpEvidence, readSnpTable } from '#verifier/abi/snp-forms.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { bundleSections } from './bundle.ts';
import { certificateSection } from './certificate.ts';
import { describeDevice } from './devices.ts';
import type { ShowDocument } from './document.ts';
import { intelDocumentOf, intelDocumentSection } from './intel-json.ts';
import { quoteSections } from './quote.ts';
import { evidenceSections, tableSections } from './snp.ts';

/**
 * What the bytes are is seen from the bytes.
 * @throws AttestationError when they are none of the forms, or not whole
 */
export function describe(bytes: Bytes): ShowDocument {
  const found = (form: string, sections: ShowDocument['sections']) => ({
    form,
    length: bytes.length,
    sections,
  });
  const kind = intelDocumentOf(bytes);
  if (kind !== null) return found(kind, [intelDocumentSection(kind, bytes, documentTitles[kind])]);
  const device = describeDevice(bytes);
  if (device !== null) return found(device.form, device.sections);
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64)).trimStart();
  if (start.startsWith('{')) return found('evidence bundle', bundleSections(parseBundle(bytes)));
  const label = derLabel(bytes);
  if (label !== null) {
    const objects = readDerObjects(bytes, label, 'file');
    const titled = (i: number) => (objects.length === 1 ? 'X.509' : `X.509 ${i + 1}`);
    return found(
      'X.509',
      objects.map((der, i) => certificateSection(der, titled(i))),
    );
  }
  if (looksLikeQuote(bytes)) return found('quote', quoteSections(bytes, 'the quote'));
  const table = readSnpTable(bytes);
  if (table !== null) return found('certificate table', tableSections(bytes, table.collateral));
  const evidence = readSnpEvidence(bytes);
  return found(evidence.form, evidenceSections(evidence, bytes));
}

const documentTitles = { 'tcb-info': 'TCB info', 'qe-identity': 'QE identity' } as const;

/**
 * Null for what is neither PEM nor DER. Reports and tables hold zero bytes, and PEM in them is
 * theirs.
 */
function derLabel(bytes: Bytes): PemLabel | null {
  const text = bytes.includes(0) ? '' : new TextDecoder('latin1').decode(bytes);
  const begun = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text);
  if (begun !== null) return begun[1] === 'X509 CRL' ? 'X509 CRL' : 'CERTIFICATE';
  return bytes[0] === 0x30 && (bytes[1] as number) >= 0x80 ? 'CERTIFICATE' : null;
}
