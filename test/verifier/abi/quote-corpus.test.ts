/** Quotes of real machines, and the corpus's changed ones, through the parser alone. */
import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import {
  encodeQuote,
  intelQeVendorId,
  looksLikeQuote,
  parseQuote,
  pckChainType,
  type Quote,
  teeOf,
} from '#verifier/abi/quote.ts';
import { attributesOf } from '#verifier/abi/td-report.ts';
import { isZero, toHex } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { corpusQuotes } from './quote-samples.ts';

/** One has the descriptor of a shorter body, so that its signature data begins inside the body. */
const misdescribed = 'neg-v5-body-type-as-tdx10';
const isCut = ({ id, reason }: { id: string; reason: string }) =>
  reason === 'truncated' || id === misdescribed;

function bodyName({ body }: Quote): string {
  if (body.kind === 'sgx') return 'sgx';
  return body.report.teeTcbSvn2 === null ? 'tdx10' : 'tdx15';
}

function isDebug({ body }: Quote): boolean {
  return body.kind === 'sgx'
    ? ((body.report.attributes[0] as number) & 2) !== 0
    : (attributesOf(body.report.tdAttributes) & 1n) !== 0n;
}

test('quotes come back byte by byte, without what follows them', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const shapes = new Map<string, number>();
  let padded = 0;
  for (const one of corpusQuotes()) {
    if (isCut(one)) continue;
    const { id, tee, quote: bytes } = one;
    const quote = parseQuote(bytes);
    const end = bytes.length - quote.trailing;
    expect(toHex(encodeQuote(quote)), id).toBe(toHex(bytes.subarray(0, end)));
    expect([teeOf(bytes), looksLikeQuote(bytes), quote.body.kind], id).toEqual([tee, true, tee]);
    const shape = `${quote.header.version} ${bodyName(quote)}`;
    shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
    if (quote.trailing > 0) padded += 1;
  }
  expect(Object.fromEntries(shapes)).toEqual({ '3 sgx': 13, '4 tdx10': 36, '5 tdx15': 10 });
  expect(padded).toBeGreaterThan(20);
});

test('they say what their cases say', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  let compared = 0;
  for (const one of corpusQuotes()) {
    if (isCut(one) || one.facts.report_data === undefined) continue;
    const { id, facts } = one;
    const quote = parseQuote(one.quote);
    expect(quote.header.version, id).toBe(facts.quote_version);
    expect(bodyName(quote), id).toBe(facts.body);
    expect(toHex(quote.body.report.reportData), id).toBe(facts.report_data);
    if (facts.debug !== undefined) expect(isDebug(quote), id).toBe(facts.debug);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(40);
});

test('what Intel’s quoting enclaves always write', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  for (const one of corpusQuotes()) {
    if (isCut(one)) continue;
    const { header, qeReport, certification, body } = parseQuote(one.quote);
    expect(header.qeVendorId, one.id).toEqual(intelQeVendorId);
    expect(certification.type, one.id).toBe(pckChainType);
    expect(readDerObjects(certification.data, 'CERTIFICATE', 'PCK chain'), one.id).toHaveLength(3);
    // SHA-256 of the attestation key and the authentication data, then zeros.
    expect(isZero(qeReport.reportData.subarray(32)), one.id).toBe(true);
    expect(isZero(qeReport.reportData.subarray(0, 32)), one.id).toBe(false);
    // Offset 8 is QE_SVN: it is the SVN in the enclave's own report.
    if (header.version === 3) expect(header.qeSvn, one.id).toBe(qeReport.isvSvn);
    if (body.kind === 'tdx') expect(attributesOf(body.report.xfam) & 3n, one.id).toBe(3n);
  }
});

test('cut or misdescribed quotes are refused for their lengths', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  const cut = corpusQuotes().filter(isCut);
  expect(cut.map(({ id }) => id).toSorted()).toEqual([
    'neg-v4-siglen-huge',
    'neg-v4-truncated-sig',
    misdescribed,
  ]);
  for (const { id, quote } of cut)
    expect(
      codeOf(() => parseQuote(quote)),
      id,
    ).toBe('length-wrong');
});
