/** What the reader has given and what came of it. Every view reads these signals; only the actions at the end write them. */
import { computed, signal } from '@preact/signals';
import type { Bytes } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { fileKindOf } from './file-kinds.ts';
import { type Judged, judge } from './judge.ts';
import { RefusedFile } from './refused-file.ts';
import { type GivenFile, sortFiles } from './sort-files.ts';

/** Where the evidence came from. `nonce` was drawn here and sent to the agent. */
export type Source = { kind: 'files' } | { kind: 'agent'; url: string; nonce: Uint8Array };

export type Given = {
  /** Evidence, and all that belongs beside it. */
  files: readonly GivenFile[];
  source: Source;
  /** A policy as its author wrote it, JSON or YAML; null: `genuine`. */
  policy: GivenFile | null;
  /** A root certificate in place of the vendors': shown loudly wherever a verdict is. */
  insecureRoot: GivenFile | null;
  /** Null: the clock's time when it is judged. */
  at: UnixTime | null;
  /** The one that the reader drew and sent, which fresh evidence answers; an agent's evidence has that of its source. */
  nonce?: Bytes | null;
  /** Public keys among the files are trusted as attestation keys of TPMs, whoever made them. Never on by itself. */
  trustKeys?: boolean;
};

/** What a reader is told when there is no verdict: what happened, and what to do next. Made harmless to show. */
export type Problem = {
  code: string;
  message: string;
  remedy: string | null;
  /** The file that it is about, where it is one. */
  file?: string | null;
};

export type Outcome =
  | { state: 'empty' }
  | { state: 'working' }
  | { state: 'refused'; problem: Problem }
  | { state: 'judged'; judged: Judged };

export const given = signal<Given | null>(null);
export const outcome = signal<Outcome>({ state: 'empty' });
/** Null while there is no verdict. */
export const judged = computed<Judged | null>(() =>
  outcome.value.state === 'judged' ? outcome.value.judged : null,
);
/** The check whose words are open, in the road or in the list. */
export const openCheck = signal<CheckId | null>(null);

const nothing: Given = {
  files: [],
  source: { kind: 'files' },
  policy: null,
  insecureRoot: null,
  at: null,
};

/** Judgements overtake each other: only the last one that was asked for counts. */
let asked = 0;

/**
 * Changes what is given and judges anew. With no file left the page is empty again. A policy among the files is what the others
 * are judged by.
 */
export async function give(change: Partial<Given>): Promise<void> {
  const next = withPolicyApart({ ...(given.value ?? nothing), ...change });
  given.value = next;
  asked += 1;
  const mine = asked;
  if (next.files.length === 0) {
    outcome.value = { state: 'empty' };
    return;
  }
  if (outcome.value.state !== 'judged') outcome.value = { state: 'working' };
  const found = await outcomeOf(next);
  if (mine === asked) outcome.value = found;
}

export function forget(): void {
  asked += 1;
  given.value = null;
  outcome.value = { state: 'empty' };
  openCheck.value = null;
}

/** Instead of a verdict; what is given stays as it is. */
export function refuse(problem: Problem): void {
  asked += 1;
  outcome.value = { state: 'refused', problem };
}

/** The last one counts, as the last that was dropped. */
function withPolicyApart(next: Given): Given {
  const isPolicy = ({ bytes }: GivenFile) => fileKindOf(bytes).kind === 'policy';
  const policy = next.files.findLast(isPolicy);
  if (policy === undefined) return next;
  return { ...next, policy, files: next.files.filter((file) => !isPolicy(file)) };
}

async function outcomeOf(next: Given): Promise<Outcome> {
  try {
    const { nonce = null, trustKeys = false } = next;
    const sorted = sortFiles(next.files, next.source, { nonce, trustKeys });
    return { state: 'judged', judged: await judge(next, sorted) };
  } catch (error) {
    return { state: 'refused', problem: problemOf(error) };
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof AttestationError) {
    const { code, message, remedy } = error;
    const file = error instanceof RefusedFile ? error.file : null;
    return { code, message: harmless(message), remedy: harmless(remedy), file };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'fault', message: harmless(message), remedy: null };
}
