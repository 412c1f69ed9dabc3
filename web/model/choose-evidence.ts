/** From files of known kinds to one piece of evidence, put together as the command line does from its options. */

import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { reportLength } from '#verifier/abi/snp.ts';
import { readSnpEvidence, readTsmEvidence } from '#verifier/abi/snp-forms.ts';
import { type Bytes, fromUtf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral, Connection, Evidence } from '#verifier/evidence.ts';
import { type FoundEvidence, fromSnp } from '#verifier/evidence-forms.ts';
import { parseJson } from '#verifier/json.ts';
import { inputStrings as words } from '../strings/input.ts';
import { gpuEvidence, hclEvidence, tpmEvidence } from './device-files.ts';
import type { FileKind } from './file-kinds.ts';
import { naming, RefusedFile } from './refused-file.ts';

export type SortOptions = {
  /** The one that the reader drew and sent, where the evidence is to answer it. */
  nonce?: Bytes | null;
  /** Whether public keys among the files are trusted as attestation keys, whoever made them. */
  trustKeys?: boolean;
};

export type KnownFiles = readonly KnownGiven[];
export type KnownGiven = {
  name: string;
  kind: FileKind;
  /** Decoded, where they came as hex or base64. */
  bytes: Bytes;
};

export type Context = {
  nonce: Bytes | null;
  trustKeys?: boolean;
  connection: Connection;
};

/** @typeParam F the same objects that were given */
export type Chosen<F extends KnownGiven = KnownGiven> = {
  evidence: Evidence;
  /** What came in the evidence's own files. */
  collateral: readonly Collateral[];
  /** Files that the evidence was made of. */
  used: readonly F[];
  /** What a reader should know of a file. */
  notes: ReadonlyMap<F, string>;
};

/** Evidence by itself: of several, the first that was given. */
const whole: readonly FileKind[] = [
  'bundle',
  'quote',
  'snp-report',
  'nitro',
  'go-tpm',
  'tpm-evidence',
  'tpm-message',
  'nvidia',
  'nvidia-report',
];

/** The smallest certificate table: the entry of zeros that ends every one. */
const smallestTable = 24;

/** @throws RefusedFile when nothing is evidence, or what is cannot be put together */
export function chooseEvidence(files: KnownFiles, context: Context): Chosen {
  const found = assemble(files, context);
  const notes = new Map<KnownGiven, string>();
  for (const file of files) {
    if (found.used.includes(file)) continue;
    if (isEvidence(file.kind)) {
      notes.set(file, found.evidence.form === 'hcl' ? words.insideHcl : words.otherEvidence);
    }
    if (file.kind === 'private-key') notes.set(file, words.privateKey);
    if (file.kind === 'public-key') {
      notes.set(file, found.evidence.form === 'tpm-quote' ? words.keyNotTrusted : words.keyUseless);
    }
  }
  refuseStrayNonce(found.evidence, context.nonce);
  return { ...found, notes };
}

function isEvidence(kind: FileKind): boolean {
  return whole.includes(kind) || ['hcl', 'azure-evidence', 'td-report'].includes(kind);
}

type Assembled = Omit<Chosen, 'notes'>;

function assemble(files: KnownFiles, context: Context): Assembled {
  // A paravisor's report claims the quotes beside it as its own.
  if (files.some(({ kind }) => kind === 'hcl' || kind === 'azure-evidence'))
    return hclEvidence(files, context);
  const first = files.find(({ kind }) => whole.includes(kind)) ?? likely(files);
  if (first === null) throw noEvidence(files);
  switch (first.kind) {
    case 'bundle':
      return alone(first, {
        form: 'bundle',
        bytes: first.bytes,
        nonce: context.nonce,
        connection: context.connection,
      });
    case 'nitro':
      return alone(first, { form: 'nitro', bytes: first.bytes, nonce: context.nonce });
    case 'snp-report':
      return snpEvidence(files, first);
    case 'go-tpm':
    case 'tpm-evidence':
    case 'tpm-message':
      return tpmEvidence(files, context);
    case 'nvidia':
    case 'nvidia-report':
      return gpuEvidence(files, context);
    default:
      return quoteEvidence(files, first);
  }
}

function alone(file: KnownGiven, evidence: Evidence): Assembled {
  return { evidence, collateral: [], used: [file] };
}

function quoteEvidence(files: KnownFiles, quote: KnownGiven): Assembled {
  const log = files.find(({ kind }) => kind === 'event-log');
  return {
    evidence: { form: 'quote', bytes: quote.bytes, ...(log && { eventLog: log.bytes }) },
    collateral: [],
    used: log === undefined ? [quote] : [quote, log],
  };
}

/** A report in any of its forms; a host's table in a file of its own belongs to a raw one. */
function snpEvidence(files: KnownFiles, report: KnownGiven): Assembled {
  const { bytes, name } = report;
  const table = files.find(({ kind }) => kind === 'snp-table');
  if (table !== undefined && bytes.length === reportLength) {
    const read = () => readTsmEvidence({ outblob: bytes, auxblob: table.bytes });
    return { ...fromSnp(naming(table.name, read)), used: [report, table] };
  }
  return { ...readReport(name, bytes), used: [report] };
}

function readReport(name: string, bytes: Bytes): FoundEvidence {
  try {
    return fromSnp(readSnpEvidence(bytes));
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    // Not of a known form, nor long enough for a table: as a raw report it gets a verdict that says what is wrong with it.
    if (bytes.length < reportLength + smallestTable || error.code === 'form-unknown')
      return { evidence: { form: 'report', bytes }, collateral: [] };
    throw new RefusedFile(error.code, name, error.message, error.remedy);
  }
}

/** Evidence too damaged to be known by itself, but for what stands beside it; and a report where a quote should be. */
function likely(files: KnownFiles): KnownGiven | null {
  const raw = files.find(({ kind }) => kind === 'td-report');
  if (raw !== undefined) return { ...raw, kind: 'quote' };
  const [only, ...others] = files.filter(({ kind }) => kind === 'binary');
  const isIntel = files.some(({ kind }) => kind === 'tcb-info' || kind === 'qe-identity');
  return only !== undefined && others.length === 0 && isIntel ? only : null;
}

/** The reason that helps most: a document that cannot be read, else what there is. */
function noEvidence(files: KnownFiles): RefusedFile {
  const json = files.find(({ kind }) => kind === 'json');
  if (json !== undefined) {
    try {
      if (json.bytes.length <= maxBundleLength) parseJson(fromUtf8(json.bytes, 'JSON'), 'JSON');
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      return new RefusedFile(error.code, json.name, error.message, error.remedy);
    }
  }
  const [only, ...others] = files;
  if (only === undefined || others.length > 0)
    return new RefusedFile(
      'form-unknown',
      null,
      words.noneIsEvidence(files.length),
      words.whatToDrop,
    );
  return new RefusedFile(
    'form-unknown',
    only.name,
    words.isNoEvidence(only.kind),
    words.whatToDrop,
  );
}

/** Silence about a nonce that cannot be in the evidence would pass for an answer to it. */
function refuseStrayNonce({ form }: Evidence, nonce: Bytes | null): void {
  if (nonce === null || (form !== 'report' && form !== 'quote')) return;
  throw new RefusedFile('value-out-of-range', null, words.strayNonce, words.strayNonceRemedy);
}
