/** What the evidence says, field by field, and the bytes beside it: the same sections for every form, ready to be drawn. Nothing is verified. */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { readSnpEvidence } from '#verifier/abi/snp-forms.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Evidence } from '#verifier/evidence.ts';
import { memberSections } from '#verifier/show/bundle.ts';
import { describe } from '#verifier/show/describe.ts';
import type { ShowField, ShowPart } from '#verifier/show/document.ts';
import { nvidiaSections } from '#verifier/show/nvidia.ts';
import { attestSection, tpmSections } from '#verifier/show/tpm.ts';
import { fieldsStrings as words } from '../strings/fields.ts';
import { type Range, type Run, runsOf } from './byte-map.ts';
import { checksOf, type SectionKind } from './field-checks.ts';
import {
  type Content,
  hclContent,
  plainContent,
  quoteContent,
  snpContent,
  type Zone,
} from './layout-content.ts';

export type { Zone } from './layout-content.ts';

export type LaidField = {
  /** Place among all of its part's fields. */
  place: number;
  name: string;
  value: string;
  parts: readonly ShowPart[];
  /** Its bytes; null where it has none of its own. */
  at: Range | null;
  meaning: string | null;
  checks: readonly CheckId[];
};
export type LaidSection = {
  title: string;
  fields: readonly LaidField[];
  /** Shown open at first. */
  open: boolean;
};
/** One piece of evidence: its fields, and its bytes where fields have places in them. */
export type Part = {
  title: string;
  sections: readonly LaidSection[];
  bytes: Bytes | null;
  runs: readonly Run[];
  zones: readonly Zone[];
};

export type LayoutInput = {
  evidence: Evidence;
  /** Of the chain: reports before version 3 do not name their processor. */
  product: SnpProduct | null;
  /** The checks of the verdict. */
  made: ReadonlySet<CheckId>;
};

/** Evidence that cannot be read is a part that says why, with its bytes. */
export function layoutOf({ evidence, product, made }: LayoutInput): Part[] {
  const snp = (bytes: Bytes) =>
    readPart(words.parts.report, bytes, made, () => snpContent(bytes, product));
  const quote = (bytes: Bytes) =>
    readPart(words.parts.quote, bytes, made, () => quoteContent(bytes));
  switch (evidence.form) {
    case 'report':
      return [snp(evidence.bytes)];
    case 'quote':
      return [quote(evidence.bytes)];
    case 'bundle':
      return bundleParts(evidence.bytes, made, { snp, quote });
    case 'hcl': {
      const { bytes } = evidence;
      const hcl = readPart(words.parts.hcl, bytes, made, () => hclContent(bytes));
      return evidence.quote === null ? [hcl] : [hcl, quote(evidence.quote)];
    }
    case 'gpu':
      return evidence.devices.map((device, i) => {
        const one = { ...device, certificates: [] };
        return readPart(words.parts.gpu(i + 1), device.evidence, made, () =>
          plainContent(nvidiaSections([one])),
        );
      });
    case 'tpm-quote':
      return evidence.quotes.map((one, i) =>
        readPart(words.parts.tpm(i + 1), one.message, made, () =>
          plainContent([attestSection(one.message, one.signature), ...tpmSections([one]).slice(1)]),
        ),
      );
    case 'nitro':
      return [
        readPart(words.parts.nitro, evidence.bytes, made, () =>
          plainContent(describe(evidence.bytes).sections),
        ),
      ];
  }
}

function bundleParts(
  bytes: Bytes,
  made: ReadonlySet<CheckId>,
  inner: Record<'snp' | 'quote', (bytes: Bytes) => Part>,
): Part[] {
  const title = words.parts.bundle;
  const read = attempt(() => parseBundle(bytes));
  if ('refusal' in read) return [refusedPart(title, bytes, read.refusal)];
  const bundle = read.value;
  const members = readPart(title, bytes, made, () => ({
    sections: memberSections(bundle).map(({ title: name, fields }, i) => ({
      title: name,
      kind: 'bundle',
      fields,
      open: i === 0,
    })),
    zones: [],
  }));
  if (bundle.platform === 'tdx') return [members, inner.quote(bundle.evidence)];
  const report = attempt(() => readSnpEvidence(bundle.evidence).report);
  return [
    members,
    'refusal' in report
      ? refusedPart(words.parts.report, bundle.evidence, report.refusal)
      : inner.snp(report.value),
  ];
}

function readPart(
  title: string,
  bytes: Bytes,
  made: ReadonlySet<CheckId>,
  read: () => Content,
): Part {
  const found = attempt(read);
  if ('refusal' in found) return refusedPart(title, bytes, found.refusal);
  const { sections, zones } = found.value;
  let place = 0;
  const laid = sections.map(({ title: name, kind, fields, open }) => ({
    title: name,
    open,
    fields: fields.map((field) => laidField(field, place++, kind, made, bytes.length)),
  }));
  const ranges = laid.flatMap(({ fields }) => fields.map(({ at }) => at));
  if (ranges.every((range) => range === null)) {
    return { title, sections: laid, bytes: null, runs: [], zones: [] };
  }
  return {
    title,
    sections: laid,
    bytes,
    runs: runsOf(ranges, bytes.length),
    zones: zonesOf(zones, bytes.length),
  };
}

function laidField(
  { name, value, offset, length, parts = [] }: ShowField,
  place: number,
  kind: SectionKind,
  made: ReadonlySet<CheckId>,
  size: number,
): LaidField {
  const inside = offset !== undefined && length !== undefined && offset + length <= size;
  return {
    place,
    name,
    value,
    parts,
    at: inside && length > 0 ? { start: offset, end: offset + length } : null,
    meaning: words.meaningOf(kind, name),
    checks: checksOf(kind, name, made),
  };
}

function zonesOf(zones: readonly Zone[], length: number): Zone[] {
  const found = zones.filter(({ start, end }) => end > start);
  return found.length > 0 ? found : [{ start: 0, end: length, says: '' }];
}

function refusedPart(title: string, bytes: Bytes, refusal: string): Part {
  const field = {
    place: 0,
    name: words.unreadable,
    value: refusal,
    parts: [],
    at: null,
    meaning: null,
    checks: [],
  };
  return {
    title,
    sections: [{ title: words.unreadable, open: true, fields: [field] }],
    bytes,
    runs: runsOf([], bytes.length),
    zones: zonesOf([], bytes.length),
  };
}

function attempt<T>(read: () => T): { value: T } | { refusal: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof AttestationError) return { refusal: error.message };
    throw error;
  }
}

/** Null for a value that is not all zero bytes, else how many they are. */
export function zeroBytes(value: string): number | null {
  return /^(00)+$/.test(value) ? value.length / 2 : null;
}

/** Longer values are shown by their two ends. */
const shownCharacters = 192;

/** The two ends of a long value; null for one that is shown whole. */
export function endsOf(value: string): { start: string; end: string } | null {
  if (value.length <= shownCharacters) return null;
  return { start: value.slice(0, 96), end: value.slice(-32) };
}
