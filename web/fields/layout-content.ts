/** The sections of each form of evidence, and which stretch of its bytes is signed by whom. */
import { hclHardwareReportLength, hclHeaderLength } from '#verifier/abi/hcl.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import { enclaveReportLength } from '#verifier/abi/sgx-report.ts';
import { reportLength, signedLength } from '#verifier/abi/snp.ts';
import { describeReport } from '#verifier/abi/snp-fields.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { ShowField, ShowSection } from '#verifier/show/document.ts';
import { hclSections } from '#verifier/show/hcl.ts';
import { quoteSections } from '#verifier/show/quote.ts';
import { fieldsStrings as words } from '../strings/fields.ts';
import type { Range } from './byte-map.ts';
import type { SectionKind } from './field-checks.ts';

/** A stretch of the bytes that one signature, or none, is over. */
export type Zone = Range & { says: string };
export type RawSection = {
  title: string;
  kind: SectionKind;
  fields: readonly ShowField[];
  /** Shown open at first. */
  open: boolean;
};
export type Content = { sections: readonly RawSection[]; zones: readonly Zone[] };

/** Where each group of AMD's table begins. */
const snpGroups = [
  { from: 0, title: words.groups.guest },
  { from: 0x50, title: words.groups.software },
  { from: 0x180, title: words.groups.platform },
  { from: signedLength, title: words.groups.signature },
] as const;

function snpGroupsOf(fields: readonly ShowField[], base: number, open: boolean): RawSection[] {
  return snpGroups.map(({ from, title }, i) => {
    const to = snpGroups[i + 1]?.from ?? reportLength;
    return {
      title,
      kind: 'snp',
      fields: fields.filter(({ offset = 0 }) => offset - base >= from && offset - base < to),
      open: open && from < signedLength,
    };
  });
}

/** @throws AttestationError what `describeReport` throws */
export function snpContent(bytes: Bytes, product: SnpProduct | null): Content {
  return {
    sections: snpGroupsOf(describeReport(bytes, product), 0, true),
    zones: [
      { start: 0, end: signedLength, says: words.zones.snpSigned },
      { start: signedLength, end: reportLength, says: words.zones.snpTail },
    ],
  };
}

const quoteKinds = [
  'quote-header',
  'body',
  'quote-signature',
  'qe-report',
  'certification',
] as const;

/** @throws AttestationError what `parseQuote` throws */
export function quoteContent(bytes: Bytes): Content {
  const quote = parseQuote(bytes);
  const body: SectionKind = quote.body.kind === 'sgx' ? 'enclave' : 'td';
  // What comes after these five are certificates, which have cards.
  const found = quoteSections(bytes, '').slice(0, quoteKinds.length);
  const sections = found.map(({ title, fields }, i) => {
    const kind = quoteKinds[i] ?? 'certification';
    return { title, kind: kind === 'body' ? body : kind, fields, open: i < 2 };
  });
  const qeStart = found[3]?.fields[0]?.offset ?? quote.signedLength;
  const end = bytes.length - quote.trailing;
  const qeEnd = qeStart + enclaveReportLength;
  const certificates = end - quote.certification.data.length;
  const zones = [
    { start: 0, end: quote.signedLength, says: words.zones.quoteSigned },
    { start: quote.signedLength, end: qeStart, says: words.zones.quoteSignature },
    { start: qeStart, end: qeEnd, says: words.zones.qeSigned },
    { start: qeEnd, end: certificates, says: words.zones.qeSignature },
    { start: certificates, end, says: words.zones.certification },
    { start: end, end: bytes.length, says: words.zones.trailing },
  ];
  return { sections, zones };
}

const hclHardware = ['the hardware report', 'the TDREPORT'];

/** @throws AttestationError what `parseHcl` throws */
export function hclContent(bytes: Bytes): Content {
  const sections = hclSections(bytes).flatMap(({ title, offsetsFrom, fields }): RawSection[] => {
    if (!hclHardware.includes(offsetsFrom ?? '')) {
      return [{ title, kind: 'other', fields, open: true }];
    }
    const moved = fields.map((field) => ({
      ...field,
      ...(field.offset !== undefined && { offset: field.offset + hclHeaderLength }),
    }));
    return offsetsFrom === 'the TDREPORT'
      ? [{ title, kind: 'td', fields: moved, open: true }]
      : snpGroupsOf(moved, hclHeaderLength, true);
  });
  const runtime = hclHeaderLength + hclHardwareReportLength;
  const zones = [
    { start: 0, end: hclHeaderLength, says: words.zones.hclHeader },
    { start: hclHeaderLength, end: runtime, says: words.zones.hclHardware },
    { start: runtime, end: bytes.length, says: words.zones.hclRuntime },
  ];
  return { sections, zones };
}

/** Certificates have cards of their own. */
export function plainContent(sections: readonly ShowSection[]): Content {
  const raw = sections
    .filter(({ offsetsFrom }) => !/^this (certificate|revocation list)$/.test(offsetsFrom ?? ''))
    .map(({ title, fields }, i) => ({ title, kind: 'other' as const, fields, open: i < 2 }));
  return { sections: raw, zones: [] };
}
