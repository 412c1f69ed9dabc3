/** `affidavit show` of Intel's quotes: what is printed, where it stands, and what is refused. */
import { describe, expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { encodeQuote, parseQuote, type QuoteContent } from '#verifier/abi/quote.ts';
import { type Bytes, concat, toHex, utf8 } from '#verifier/bytes.ts';
import { describe as describeFile } from '#verifier/show/describe.ts';
import { renderShow, type ShowSection, showJson } from '#verifier/show/document.ts';
import { quoteSections } from '#verifier/show/quote.ts';
import { corpusQuotes, type QuoteShape, quoteShapes, sampleQuote } from '../abi/quote-samples.ts';
import { codeOf } from '../code-of.ts';

const shapeOf = (name: string) => quoteShapes.find((shape) => shape.name === name) as QuoteShape;
const sample = (name: string, other: Partial<QuoteContent> = {}) =>
  encodeQuote({ ...sampleQuote(shapeOf(name)), ...other });
const fieldOf = (sections: readonly ShowSection[], name: string) =>
  sections.flatMap(({ fields }) => fields).find((field) => field.name === name);
const partsOf = (sections: readonly ShowSection[], name: string) =>
  Object.fromEntries(fieldOf(sections, name)?.parts?.map((one) => [one.name, one.value]) ?? []);

describe.each(quoteShapes)('$name', (shape) => {
  const bytes = concat(encodeQuote(sampleQuote(shape)), utf8('more'));
  const { form, length, sections } = describeFile(bytes);
  const fields = sections.slice(0, 5).flatMap((section) => section.fields);

  test('is seen to be a quote, and shown in sections', () => {
    expect([form, length]).toEqual(['quote', bytes.length]);
    const tee = shape.body === 'sgx' ? 'SGX' : 'TDX';
    expect(sections.map(({ title }) => title)).toEqual([
      `${tee} quote, version ${shape.version}`,
      tee === 'SGX' ? 'Enclave report' : 'TD report',
      'Signature',
      'Report of the quoting enclave',
      'Certification of the quoting enclave',
      'PCK certificate chain',
    ]);
  });

  test('its fields cover all bytes, each once', () => {
    let offset = 0;
    for (const field of fields) {
      expect(field.offset, field.name).toBe(offset);
      offset += field.length as number;
    }
    expect(offset).toBe(bytes.length);
  });

  test('a field’s value is that of the bytes at its offset', () => {
    let hex = 0;
    for (const { name, value, offset = 0, length = 0 } of fields) {
      const found = bytes.subarray(offset, offset + length);
      if (!/^[0-9a-f]{16,}$/.test(value)) continue;
      expect(value, name).toBe(toHex(found));
      hex += 1;
    }
    expect(hex).toBeGreaterThan(15);
  });

  test('a key is where the parser puts the value', () => {
    const quote = parseQuote(bytes);
    for (const [i, from] of [quote.header, quote.body.report, quote, quote.qeReport].entries()) {
      for (const { key, value } of sections[i]?.fields ?? []) {
        if (key === undefined) continue;
        const found = key.split('.').reduce<unknown>((at, name) => Object(at)[name], from);
        if (found instanceof Uint8Array) expect(value, key).toContain(toHex(found));
        else if (typeof found === 'number') expect(value, key).toMatch(hexOrDecimal(found));
        else expect(found, key).toBe(quote.header.tee);
      }
    }
  });

  test('prints and is JSON', () => {
    const text = renderShow(describeFile(bytes), true);
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(text).toMatch(/^ {2}0x000 {5}2 {2}VERSION /m);
    expect(JSON.parse(showJson(describeFile(bytes), false)).verified).toBe(false);
  });
});

function hexOrDecimal(value: number): RegExp {
  return new RegExp(`^(?:${value}(?: \\(.*\\))?|0x${value.toString(16)} \\(bytes [0-9a-f]+\\))$`);
}

describe('bits by name', () => {
  const sections = quoteSections(sample('version 5 of TDX 1.5'), 'the quote');

  test('attributes of a TD', () => {
    expect(fieldOf(sections, 'TDATTRIBUTES')?.value).toBe(
      '0x8000000010000001 (bytes 0100001000000080)',
    );
    expect(partsOf(sections, 'TDATTRIBUTES')).toMatchObject({
      DEBUG: 'yes',
      SEPT_VE_DISABLE: 'yes',
      MIGRATABLE: 'no',
      PKS: 'no',
      PERFMON: 'yes',
    });
  });

  test('XFAM, where a feature of several bits can be set in part', () => {
    expect(partsOf(sections, 'XFAM')).toMatchObject({
      X87: 'yes',
      AVX512: 'yes',
      CET: 'yes',
      AMX: 'only bit 17',
      APX: 'no',
    });
  });

  test('attributes of an enclave, flags and XFRM', () => {
    const { qeReport } = sampleQuote(shapeOf('version 3 of SGX'));
    const attributes = Uint8Array.of(0x15, 0, 0, 0, 0, 0, 0, 0, 0x07, 0, 0, 0, 0, 0, 0, 0);
    const body = { kind: 'sgx', report: { ...qeReport, attributes } } as const;
    const found = quoteSections(sample('version 3 of SGX', { body }), 'the quote');
    expect(partsOf(found, 'ATTRIBUTES')).toMatchObject({
      INIT: 'yes',
      DEBUG: 'no',
      PROVISIONKEY: 'yes',
      'XFRM AVX': 'yes',
      'XFRM AVX512': 'no',
    });
  });

  test('a set bit without a name is shown all the same', () => {
    const quote = sampleQuote(shapeOf('version 4 of TDX'));
    if (quote.body.kind !== 'tdx') throw new TypeError('a TDX quote');
    const report = { ...quote.body.report, tdAttributes: Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0) };
    const bytes = encodeQuote({ ...quote, body: { kind: 'tdx', report } });
    const parts = partsOf(quoteSections(bytes, 'the quote'), 'TDATTRIBUTES');
    expect(parts).toMatchObject({ DEBUG: 'no', 'bit 1, without a name': 'yes' });
  });
});

describe('what comes with a quote', () => {
  test('certificates that cannot be read do not hide the rest', () => {
    const chain = (data: Bytes) =>
      quoteSections(sample('version 4 of TDX', { certification: { type: 5, data } }), 'the quote');
    const cut = chain(utf8('-----BEGIN CERTIFICATE-----'));
    expect(cut.at(-1)?.title).toBe('PCK certificate chain');
    expect(fieldOf(cut, 'unreadable')?.value).toMatch(/PEM/);
    const damaged = chain(utf8('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'));
    expect(damaged.at(-1)?.title).toBe('PCK chain 1');
    expect(fieldOf(damaged, 'unreadable')?.value).not.toBe('');
  });

  test('other certification data is shown as its bytes', () => {
    const certification = { type: 1, data: new Uint8Array(36).fill(0xab) };
    const found = quoteSections(sample('version 3 of SGX', { certification }), 'the quote');
    expect(fieldOf(found, 'QE_CERTIFICATION_TYPE')?.value).toBe('1 (PPID in the clear)');
    expect(fieldOf(found, 'QE_CERTIFICATION_DATA')?.value).toBe('ab'.repeat(36));
    expect(found.at(-1)?.title).toBe('Certification of the quoting enclave');
  });

  test('trailing bytes are counted, and shown where they are not zero', () => {
    const following = (rest: Bytes) =>
      fieldOf(
        quoteSections(concat(sample('version 4 of TDX'), rest), 'the quote'),
        'after the quote',
      );
    expect(following(new Uint8Array())).toBe(undefined);
    expect(following(new Uint8Array(9))?.value).toMatch(/^9 bytes, all zero/);
    expect(following(utf8('more'))?.value).toMatch(/^4 bytes, which nothing signs: 6d6f7265$/);
    expect(following(new Uint8Array(5000).fill(1))?.value).toMatch(/: (?:01){32}…$/);
  });
});

test('every quote of the corpus, with the certificates of its chain', ({ skip }) => {
  skip(!hasShared, sharedMissing);
  let shown = 0;
  for (const { id, quote } of corpusQuotes()) {
    if (codeOf(() => parseQuote(quote)) !== null) continue;
    const { sections } = describeFile(quote);
    const chain = sections.slice(5);
    expect(
      chain.map(({ title }) => title.replace(/,.*/, '')),
      id,
    ).toEqual(['PCK chain 1: certificate', 'PCK chain 2: certificate', 'PCK chain 3: certificate']);
    const subjects = chain.map(
      ({ fields }) => fields.find(({ name }) => name === 'subject')?.value,
    );
    expect(subjects[0], id).toMatch(/^CN=Intel SGX PCK Certificate,/);
    expect(subjects[1], id).toMatch(/^CN=Intel SGX PCK (?:Platform|Processor) CA,/);
    expect(subjects[2], id).toMatch(/^CN=Intel SGX Root CA,/);
    for (const { fields } of chain) {
      expect(fields.at(-1), id).toEqual({ name: 'affidavit', value: 'reads this certificate' });
    }
    shown += 1;
  }
  expect(shown).toBe(59);
});

describe('refused', () => {
  const quote = sample('version 4 of TDX');
  const tdReport = new Uint8Array(1024);
  tdReport[0] = 0x81;
  test.each<[string, Bytes, string]>([
    ['a quote cut off', quote.subarray(0, 1000), 'length-wrong'],
    ['a quote of a version to come', Uint8Array.of(6, ...quote.subarray(1)), 'version-unknown'],
    ['a TDREPORT', tdReport, 'form-unknown'],
  ])('%s', (_, input, code) => {
    expect(codeOf(() => describeFile(input))).toBe(code);
    expect(codeOf(() => describeFile(quote))).toBe(null);
  });
});
