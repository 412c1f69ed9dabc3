/** Evidence of a CPU from bytes: which form it has is seen from them. */
import { parseBundle } from './abi/bundle.ts';
import { looksLikeQuote } from './abi/quote.ts';
import { reportLength } from './abi/snp.ts';
import { readSnpEvidence, type SnpEvidence } from './abi/snp-forms.ts';
import { bytesOfText } from './abi/text-form.ts';
import type { Bytes } from './bytes.ts';
import { AttestationError } from './errors.ts';
import type { Collateral, CpuEvidence, Evidence } from './evidence.ts';

/** Evidence, and the certificates that came in the same file. */
export type FoundEvidence<E extends Evidence = CpuEvidence> = {
  evidence: E;
  collateral: readonly Collateral[];
};

/**
 * A bundle, a quote, or a report in any of its forms.
 * @throws AttestationError `form-unknown` and whatever the form's reader throws
 */
export function evidenceOf(bytes: Bytes, nonce: Bytes | null): FoundEvidence {
  if (beginsWithBrace(bytes)) return alone({ form: 'bundle', bytes, nonce, connection: null });
  if (looksLikeQuote(bytes)) return alone({ form: 'quote', bytes });
  if (bytes.length === reportLength) return alone({ form: 'report', bytes });
  const raw = textOrNull(bytes);
  if (raw !== null && looksLikeQuote(raw)) return alone({ form: 'quote', bytes: raw });
  return fromSnp(readSnpEvidence(bytes));
}

/** A report, and what its host's table held beside AMD's own certificates. */
export function fromSnp({ form, report, collateral, extras }: SnpEvidence): FoundEvidence {
  const hasTable = form === 'extended-report' || form === 'protobuf';
  const certificateTable = extras.map(({ guid }) => guid);
  return {
    evidence: { form: 'report', bytes: report, ...(hasTable && { certificateTable }) },
    collateral,
  };
}

/** Null for what is no evidence at all, such as a certificate beside it. Damaged evidence is evidence. */
export function evidenceOrNull(bytes: Bytes): FoundEvidence | null {
  if (beginsWithBrace(bytes) && !namesEvidence(bytes)) return null;
  try {
    return evidenceOf(bytes, null);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** As if the nonce and the channel that a bundle names had been this verifier's: what a rule would say of live evidence. */
export function asIfLive(found: FoundEvidence): FoundEvidence {
  const { evidence } = found;
  if (evidence.form !== 'bundle') return found;
  try {
    const { nonce, channel } = parseBundle(evidence.bytes);
    return { ...found, evidence: { ...evidence, nonce, connection: { channel } } };
  } catch (error) {
    // What cannot be read gets a verdict that says so.
    if (error instanceof AttestationError) return found;
    throw error;
  }
}

function alone(evidence: CpuEvidence): FoundEvidence {
  return { evidence, collateral: [] };
}

/** Hex or base64 of something; text that is neither is for another reader to refuse. */
function textOrNull(bytes: Bytes): Bytes | null {
  try {
    return bytesOfText(bytes, 'evidence');
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** JSON, after blanks: of all forms of evidence a bundle alone. */
function beginsWithBrace(bytes: Bytes): boolean {
  const first = bytes.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === 0x7b;
}

/** Intel's documents and policies are JSON too. */
function namesEvidence(bytes: Bytes): boolean {
  return new TextDecoder('latin1').decode(bytes).includes('"evidence"');
}
