/** From files and fields to a job, or what is still missing of it. */
import type { OpenCircuitName } from '#prover/circuit-names.ts';
import { parseRanges, type Show } from '#prover/linked/alice-show.ts';
import { type Demands, parseDemands } from '#prover/linked/demands.ts';
import { parseLinkedProofFile } from '#prover/linked/proof-file.ts';
import { type Bytes, fromHex, utf8 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import type { Given } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { without } from './demand-choice.ts';
import { fileOf, givenOf, type Kept } from './kept.ts';
import type { AskedBy, Check, Prove } from './messages.ts';

/** What a reader still has to give; `words.missing` has a sentence for each. */
export type Missing =
  | 'proof'
  | 'response'
  | 'response-unwanted'
  | 'bundle'
  | 'demands'
  | 'sets'
  | 'audience'
  | 'nonce'
  | 'nonce-form'
  | 'time-form'
  | 'secret-or-bundle'
  | 'tree-proof'
  | 'ranges';

export type Asking<J> = { readonly job: J } | { readonly missing: readonly Missing[] };

type Fields = { readonly audience: string; readonly nonce: string };

export type CheckInputs = Fields & {
  readonly files: readonly Kept[];
  /** The evidence view's, where it is a bundle. */
  readonly evidence: Given | null;
  readonly leftOut: ReadonlySet<string>;
  /** Demands made of choices here; null: those of the file. */
  readonly made: Demands | null;
  readonly insecureRoot: GivenFile | null;
  /** As typed. */
  readonly at: string;
};

export function checkOf(inputs: CheckInputs): Asking<Check> {
  const { files } = inputs;
  const linked = fileOf(files, 'linked-proof');
  const open = fileOf(files, 'open-proof');
  const at = timeOf(inputs.at);
  const fields = [...missingFields(inputs), ...(at === undefined ? (['time-form'] as const) : [])];
  if (linked !== null) return linkedCheck(linked.bytes, inputs, at ?? null, fields);
  const response = fileOf(files, 'response');
  const settings = { insecureRoot: inputs.insecureRoot, at: at ?? null };
  const given = givenOf(files, inputs.evidence, settings);
  if (open === null || response === null || given === null || fields.length > 0) {
    return {
      missing: [
        ...when(open === null, 'proof'),
        ...when(open !== null && given === null, 'bundle'),
        ...when(open !== null && response === null, 'response'),
        ...fields,
      ],
    };
  }
  const { bytes: proof } = open;
  return {
    job: { kind: 'check-open', given, proof, response: response.bytes, ...askedBy(inputs) },
  };
}

function linkedCheck(
  proof: Bytes,
  inputs: CheckInputs,
  at: UnixTime | null,
  fields: readonly Missing[],
): Asking<Check> {
  const { files, insecureRoot } = inputs;
  const isText = parseLinkedProofFile(proof).response.kind === 'text';
  const response = fileOf(files, 'response');
  const all = demandsFrom(inputs);
  const demands = all && without(all, inputs.leftOut);
  const missing: Missing[] = [
    ...when(!isText && response === null, 'response'),
    ...when(isText && response !== null, 'response-unwanted'),
    ...when(all === null, 'demands'),
    ...when(all !== null && demands === null, 'sets'),
    ...fields,
  ];
  if (missing.length > 0 || demands === null) return { missing };
  const lists = files.filter(({ role, fault }) => role === 'lists' && fault === null);
  return {
    job: {
      kind: 'check-linked',
      proof,
      response: response?.bytes ?? null,
      demands: utf8(JSON.stringify(demands)),
      lists: lists.map(({ bytes }) => bytes),
      insecureRoot: insecureRoot?.bytes ?? null,
      at,
      ...askedBy(inputs),
    },
  };
}

/** Those of the file, else those that were made here; null without either. */
export function demandsFrom({ files, made }: Pick<CheckInputs, 'files' | 'made'>): Demands | null {
  const file = fileOf(files, 'demands');
  return file === null ? made : parseDemands(file.bytes);
}

export type ShowForm = {
  /** False: the whole response goes to the checker. */
  readonly parts: boolean;
  readonly body: 'all' | 'none' | 'ranges';
  /** `0-9,20-29` */
  readonly ranges: string;
  readonly nonce: boolean;
  readonly time: boolean;
  readonly request: boolean;
};

export type ProveInputs = Fields & {
  readonly files: readonly Kept[];
  /** Bytes of the bundle that the evidence view has; null where it has none. */
  readonly bundleThere: Bytes | null;
  readonly show: ShowForm;
  readonly showKey: boolean;
};

/** Linked where there is a secret file, else about a bundle. */
export function proveOf(inputs: ProveInputs): Asking<Prove> {
  const { files } = inputs;
  const secret = fileOf(files, 'secret');
  const bundle = fileOf(files, 'bundle')?.bytes ?? inputs.bundleThere;
  const response = fileOf(files, 'response');
  const treeProof = fileOf(files, 'tree-proof');
  const show = secret === null ? null : showOf(inputs.show);
  const missing: Missing[] = [
    ...when(secret === null && bundle === null, 'secret-or-bundle'),
    ...when(response === null, 'response'),
    ...when(treeProof === null, 'tree-proof'),
    ...when(show === undefined, 'ranges'),
    ...missingFields(inputs),
  ];
  if (missing.length > 0 || response === null || treeProof === null || show === undefined) {
    return { missing };
  }
  const shared = {
    response: response.bytes,
    treeProof: treeProof.bytes,
    ...askedBy(inputs),
  };
  if (secret !== null) {
    return { job: { kind: 'prove-linked', secret: secret.bytes, show, ...shared } };
  }
  const circuit: OpenCircuitName = inputs.showKey ? 'response-open-key' : 'response-open';
  return { job: { kind: 'prove-open', bundle: bundle as Bytes, circuit, ...shared } };
}

/** Undefined for ranges that are none. */
function showOf({ parts, body, ranges, ...rest }: ShowForm): Show | null | undefined {
  if (!parts) return null;
  if (body !== 'ranges') return { ...rest, body };
  const read = parseRanges(ranges);
  return read === null ? undefined : { ...rest, body: read };
}

function missingFields({ audience, nonce }: Fields): Missing[] {
  return [
    ...when(audience === '' || !audience.isWellFormed(), 'audience'),
    ...when(nonce === '', 'nonce'),
    ...when(nonce !== '' && nonceOf(nonce) === null, 'nonce-form'),
  ];
}

function askedBy({ audience, nonce }: Fields): AskedBy {
  return { audience, nonce: nonceOf(nonce) as Bytes };
}

/** 32 bytes; null for any other text. */
export function nonceOf(text: string): Bytes | null {
  try {
    return fromHex(text, 'nonce', 32);
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** Null for no text; undefined for one that is no time. */
function timeOf(text: string): UnixTime | null | undefined {
  return text === '' ? null : (parseTime(text) ?? undefined);
}

function when(holds: boolean, missing: Missing): Missing[] {
  return holds ? [missing] : [];
}
