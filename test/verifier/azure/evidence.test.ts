import { expect, test } from 'vitest';
import { hasShared, sharedMissing } from '#test/shared.ts';
import {
  maxAzureEvidenceLength,
  readAkCertificate,
  readAzureEvidence,
} from '#verifier/abi/azure-evidence.ts';
import { type Bytes, concat, fromUtf8, toBase64, toHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { azureCases } from './cases.ts';

const base64Url = (bytes: Bytes) =>
  toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
const certificate = utf8('certificate');
const der = concat(Uint8Array.of(0x30, 0x82, 0x01, 0x00), new Uint8Array(256).fill(7));
const pem = (bytes: Bytes) =>
  `-----BEGIN CERTIFICATE-----\n${toBase64(bytes)}\n-----END CERTIFICATE-----\n`;
const values = Array.from({ length: 24 }, (_, i) => new Uint8Array(32).fill(i));
const parts = {
  message: Uint8Array.of(0xff, 0x54),
  signature: Uint8Array.of(1, 2, 3),
  hcl: Uint8Array.of(0xfb, 0xff),
  quote: Uint8Array.of(4, 0),
};

const first = {
  quote: {
    message: [...parts.message],
    pcrs: values.map((value) => [...value]),
    signature: [...parts.signature],
  },
  report: [...parts.hcl],
  vcek: pem(certificate),
};
const tpm_quote = {
  signature: toHex(parts.signature),
  message: toHex(parts.message),
  pcrs: values.map(toHex),
};
const ofSnp = {
  version: 2,
  tpm_quote,
  hcl_report: base64Url(parts.hcl),
  vcek: base64Url(certificate),
};
const ofTdx = {
  version: 1,
  tpm_quote,
  hcl_report: base64Url(parts.hcl),
  td_quote: base64Url(parts.quote),
};

const read = (value: unknown) => readAzureEvidence(utf8(JSON.stringify(value)));
const tpm = {
  message: parts.message,
  signature: parts.signature,
  pcrs: new Map([['sha256', new Map(values.map((value, i) => [i, value]))]]),
};
const snp = { hcl: parts.hcl, quote: null, tpm, vcek: certificate };
const tdx = { hcl: parts.hcl, quote: parts.quote, tpm, vcek: null };

test.for<[string, unknown, unknown]>([
  ['trustee, at first', first, snp],
  ['SEV-SNP, version 1', { ...ofSnp, version: 1 }, snp],
  ['SEV-SNP, version 2', ofSnp, snp],
  ['SEV-SNP without the VCEK', { ...ofSnp, vcek: undefined }, { ...snp, vcek: null }],
  ['TDX', ofTdx, tdx],
  ['padded', { ...ofTdx, hcl_report: `${ofTdx.hcl_report}=` }, tdx],
  ['wrapped, SEV-SNP', { platform: 'az-snp', evidence: ofSnp }, snp],
  ['wrapped, TDX', { platform: 'az-tdx', evidence: ofTdx }, tdx],
])('%s', ([, value, expected]) => {
  expect(read(value)).toEqual(expected);
});

test.for<[string, unknown, string]>([
  ['nothing', null, 'json-shape'],
  ['an empty object', {}, 'json-shape'],
  ['version 3', { ...ofSnp, version: 3 }, 'version-unknown'],
  ['TDX of version 2', { ...ofTdx, version: 2 }, 'version-unknown'],
  ['no version', { ...ofSnp, version: undefined }, 'json-shape'],
  ['a member more', { ...ofSnp, collateral: [] }, 'json-shape'],
  ['both a VCEK and a TD quote', { ...ofTdx, vcek: ofSnp.vcek }, 'json-shape'],
  ['two forms at once', { ...first, ...ofSnp }, 'json-shape'],
  ['no HCL report', { ...ofSnp, hcl_report: undefined }, 'json-shape'],
  [
    'a PCR less',
    { ...ofSnp, tpm_quote: { ...tpm_quote, pcrs: tpm_quote.pcrs.slice(1) } },
    'json-shape',
  ],
  [
    'a PCR more',
    { ...ofSnp, tpm_quote: { ...tpm_quote, pcrs: [...tpm_quote.pcrs, '00'.repeat(32)] } },
    'json-shape',
  ],
  [
    'a short PCR',
    { ...ofSnp, tpm_quote: { ...tpm_quote, pcrs: tpm_quote.pcrs.with(3, '00') } },
    'hex-malformed',
  ],
  ['hex in capitals', { ...ofSnp, tpm_quote: { ...tpm_quote, message: 'FF54' } }, 'hex-malformed'],
  ['standard base64', { ...ofSnp, hcl_report: toBase64(parts.hcl) }, 'base64-malformed'],
  ['a byte above 255', { ...first, report: [256] }, 'json-shape'],
  ['a byte below 0', { ...first, report: [-1] }, 'json-shape'],
  ['a byte in text', { ...first, report: ['1'] }, 'json-shape'],
  ['a VCEK that is no PEM', { ...first, vcek: 'certificate' }, 'der-malformed'],
  ['two VCEKs', { ...first, vcek: pem(certificate).repeat(2) }, 'pem-malformed'],
  ['another platform', { platform: 'snp', evidence: ofSnp }, 'json-shape'],
  ['SEV-SNP that is said to be TDX', { platform: 'az-tdx', evidence: ofSnp }, 'json-shape'],
  ['TDX that is said to be SEV-SNP', { platform: 'az-snp', evidence: ofTdx }, 'json-shape'],
  [
    'wrapped twice',
    { platform: 'az-snp', evidence: { platform: 'az-snp', evidence: ofSnp } },
    'json-shape',
  ],
])('%s is refused', ([, value, code]) => {
  expect(codeOf(() => read(value))).toBe(code);
});

test('a member twice, and text after the end', () => {
  const text = JSON.stringify(ofSnp);
  const twice = text.replace('"vcek"', '"hcl_report":"AA","vcek"');
  expect(codeOf(() => readAzureEvidence(utf8(text)))).toBe(null);
  expect(codeOf(() => readAzureEvidence(utf8(twice)))).toBe('json-malformed');
  expect(codeOf(() => readAzureEvidence(utf8(`${text}{}`)))).toBe('json-malformed');
});

test('a document that is too large', () => {
  const text = JSON.stringify(ofSnp);
  const padded = (length: number) => utf8(text.padEnd(length));
  expect(codeOf(() => readAzureEvidence(padded(maxAzureEvidenceLength)))).toBe(null);
  expect(codeOf(() => readAzureEvidence(padded(maxAzureEvidenceLength + 1)))).toBe('too-large');
});

test('an AK certificate: DER or PEM, zeros after its end', () => {
  const padded = concat(der, new Uint8Array(300));
  for (const given of [der, padded, utf8(pem(der)), utf8(pem(padded))])
    expect(readAkCertificate(given)).toEqual(der);
  expect(codeOf(() => readAkCertificate(padded.with(-1, 1)))).toBe('reserved-not-zero');
  expect(codeOf(() => readAkCertificate(concat(der, der)))).toBe('reserved-not-zero');
  expect(codeOf(() => readAkCertificate(der.subarray(0, -1)))).toBe('length-wrong');
  expect(codeOf(() => readAkCertificate(new Uint8Array(4096)))).toBe('der-malformed');
  expect(codeOf(() => readAkCertificate(new Uint8Array()))).toBe('length-wrong');
  expect(codeOf(() => readAkCertificate(utf8('-----')))).toBe('der-malformed');
});

if (hasShared) {
  test('the corpus: each document holds the parts that lie beside it', () => {
    const all = azureCases().filter(({ files }) => files['evidence']?.endsWith('.json'));
    expect(all.length).toBeGreaterThanOrEqual(6);
    for (const one of all) {
      const found = readAzureEvidence(one.read('evidence') as Bytes);
      expect(found.hcl, one.id).toEqual(one.read('hcl_report'));
      expect(found.quote, one.id).toEqual(one.read('td_quote'));
      expect(found.vcek, one.id).toEqual(one.read('vcek'));
      expect(found.tpm.message).toEqual(one.read('tpm_quote_msg'));
      expect(found.tpm.signature).toEqual(one.read('tpm_quote_sig'));
      const pcrs = JSON.parse(fromUtf8(one.read('pcrs') as Bytes, 'pcrs'));
      expect([...(found.tpm.pcrs.get('sha256')?.values() ?? [])].map(toHex)).toEqual(pcrs);
    }
  });

  test('the corpus: an AK certificate as the vTPM holds it', () => {
    const one = azureCases().find(({ files }) => files['ak_cert'] !== undefined);
    const trimmed = one?.read('ak_cert_trimmed');
    expect(readAkCertificate(one?.read('ak_cert') as Bytes)).toEqual(trimmed);
  });
} else test.skip(sharedMissing, () => undefined);
