/**
 * `affidavit show`: prints what evidence, certificates, revocation lists, event logs and manifests say,
 * and verifies nothing.
 */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { maxLogLength } from '#verifier/abi/event-log/types.ts';
import { type PemLabel, readDerObjects } from '#verifier/abi/pem.ts';
import { looksLikeQuote } from '#verifier/abi/quote.ts';
import { readSnpEvidence, readSnpTable } from '#verifier/abi/snp-forms.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { blaming } from './cli-error.ts';
import { readFileLimited, readStdinLimited, standardInput } from './files.ts';
import { bundleSections } from './show-bundle.ts';
import { certificateSection } from './show-certificate.ts';
import { describeDevice } from './show-devices.ts';
import { renderShow, type ShowDocument, showJson } from './show-document.ts';
import { intelDocumentOf, intelDocumentSection } from './show-intel-json.ts';
import { quoteSections } from './show-quote.ts';
import { evidenceSections, tableSections } from './show-snp.ts';

export type ShowOptions = {
  /** A path, or what stands for standard input. */
  file: string;
  offsets?: boolean | undefined;
  format?: 'text' | 'json' | undefined;
};

/**
 * @returns what to print
 * @throws CliError wrong usage for a file that cannot be opened, invalid for bytes that cannot be
 *   read
 */
export async function runShow({ file, offsets = false, format }: ShowOptions): Promise<string> {
  const stdin = file === standardInput;
  const bytes = stdin
    ? await readStdinLimited(maxLogLength, 'evidence')
    : await readFileLimited(file, maxLogLength, 'file', 'invalid');
  const document = blaming('invalid', stdin ? 'standard input' : file, () => describe(bytes));
  return format === 'json' ? showJson(document, offsets) : renderShow(document, offsets);
}

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
