/** From a request's body to what `verify` takes. */
import { bundleMediaType } from '../abi/bundle.ts';
import { looksLikeQuote } from '../abi/quote.ts';
import { readSnpEvidence } from '../abi/snp-forms.ts';
import { bytesOfText } from '../abi/text-form.ts';
import { type Bytes, fromUtf8 } from '../bytes.ts';
import { AttestationError } from '../errors.ts';
import type { Collateral, CpuEvidence } from '../evidence.ts';
import { type Decoder, parseJson } from '../json.ts';
import { ServeError } from './errors.ts';
import { collectedEvidence, collectedMediaType } from './routes.ts';

export type Given = { evidence: CpuEvidence; collateral: readonly Collateral[] };

/**
 * A bundle is of no nonce yet: whoever has one puts it in.
 * @throws AttestationError for a `collectedMediaType` that is none
 */
export function readEvidence(mediaType: string, body: Bytes): Given {
  if (mediaType === bundleMediaType || mediaType === 'application/json') {
    return { evidence: bundleOf(body), collateral: [] };
  }
  if (mediaType === collectedMediaType) {
    const { form, evidence, collateral } = readJson(collectedEvidence.decode, body);
    if (form === 'bundle') return { evidence: bundleOf(evidence), collateral };
    const given = form === 'quote' ? quoteOf(evidence) : reportOf(evidence);
    return { ...given, collateral: [...collateral, ...given.collateral] };
  }
  return looksLikeQuote(body) ? quoteOf(body) : readBinary(body);
}

/** A report's forms are told by what they are; text that is neither may still be a quote's. */
function readBinary(body: Bytes): Given {
  const raw = rawOf(body);
  return looksLikeQuote(raw) ? quoteOf(raw) : reportOf(body);
}

/** What cannot be read as text of hex or base64 gets a verdict that says so. */
function rawOf(bytes: Bytes): Bytes {
  return orElse(
    () => bytesOfText(bytes, 'evidence') ?? bytes,
    () => bytes,
  );
}

/** A bundle has 4,096 log entries at most, each one text, and less than two thousand members more. */
const maxValues = 20_000;

/**
 * Commas and opening brackets, which is what a JSON text has values by. Reading millions of empty ones takes a second, in which
 * nobody else is served; counting them, a hundredth of that.
 * @throws AttestationError `too-large`
 */
export function refuseCrowd(json: Bytes): void {
  let count = 0;
  // By index: an iterator takes five times as long.
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) count += 1;
  }
  if (count > maxValues)
    throw new AttestationError('too-large', 'the JSON text holds more values than a bundle can');
}

export function bundleOf(bytes: Bytes): CpuEvidence {
  refuseCrowd(bytes);
  return { form: 'bundle', bytes, nonce: null, connection: null };
}

function quoteOf(bytes: Bytes): Given {
  return { evidence: { form: 'quote', bytes: rawOf(bytes) }, collateral: [] };
}

function reportOf(bytes: Bytes): Given {
  return orElse<Given>(
    () => {
      const { form, report, collateral, extras } = readSnpEvidence(bytes);
      const hasTable = form === 'extended-report' || form === 'protobuf';
      const certificateTable = extras.map(({ guid }) => guid);
      return {
        evidence: { form: 'report', bytes: report, ...(hasTable && { certificateTable }) },
        collateral,
      };
    },
    () => ({ evidence: { form: 'report', bytes }, collateral: [] }),
  );
}

function orElse<T>(read: () => T, otherwise: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return otherwise();
  }
}

/** @throws AttestationError `utf8-malformed`, `json-malformed`, `json-shape` and what the decoder throws */
export function readJson<T>(decode: Decoder<T>, body: Bytes): T {
  refuseCrowd(body);
  return decode(parseJson(fromUtf8(body, 'request'), 'request'), 'request');
}

/** @throws AttestationError `utf8-malformed`, `json-malformed`: a bundle that is no JSON is a bad request, not bad evidence */
export function refuseNoJson({ form, bytes }: CpuEvidence): void {
  if (form === 'bundle') parseJson(fromUtf8(bytes, 'bundle'), 'bundle');
}

/** @throws ServeError `challenge-misplaced` */
export function withNonce(evidence: CpuEvidence, nonce: () => Bytes): CpuEvidence {
  if (evidence.form !== 'bundle')
    throw new ServeError('challenge-misplaced', 'a raw report or quote holds no nonce');
  return { ...evidence, nonce: nonce() };
}
