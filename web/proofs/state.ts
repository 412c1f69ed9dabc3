/** What the proofs view holds while its reader looks elsewhere. Only the actions here write it. */
import { computed, signal } from '@preact/signals';
import { firstPoints } from '#prover/ceremony.ts';
import { toHex } from '#verifier/bytes.ts';
import { harmless } from '#verifier/words/lines.ts';
import { given, judged } from '../model/session.ts';
import type { GivenFile } from '../model/sort-files.ts';
import { proofStrings as words } from '../strings/proofs.ts';
import { type Kept, withFile } from './kept.ts';
import type { Check, Checked, Job, Problem, Prove, Proved } from './messages.ts';
import { JobRefused, type Running, type StageTold, start } from './proof-client.ts';
import { beginsWithPoints, recognise } from './recognise.ts';

export type Side = 'check' | 'prove';
/** What a job has come to. */
export type Work<A> =
  | { readonly state: 'idle' }
  | { readonly state: 'running'; readonly stages: readonly StageTold[]; readonly since: number }
  | { readonly state: 'cancelled' }
  | { readonly state: 'refused'; readonly problem: Problem }
  | { readonly state: 'done'; readonly answer: A; readonly stages: readonly StageTold[] };

export type Points = { readonly name: string; readonly blob: Blob };

export const side = signal<Side>('check');
export const files = signal<readonly Kept[]>([]);
export const points = signal<Points | null>(null);
/** Why files were not taken, the last drop's. */
export const refusedFiles = signal<readonly string[]>([]);
export const insecureRoot = signal<GivenFile | null>(null);
/** RFC 3339 as typed; empty: now. */
export const atText = signal('');
/** The checker's and the prover's: mostly one reader is only one of them. */
export const audience = { check: signal(''), prove: signal('') };
export const nonceText = { check: signal(''), prove: signal('') };
/** Names of sets that the checker does not let count (`choiceName`). */
export const leftOut = signal<ReadonlySet<string>>(new Set());

export const checkWork = signal<Work<Checked>>({ state: 'idle' });
export const proveWork = signal<Work<Proved>>({ state: 'idle' });
const running: Record<Side, Running<Job> | null> = { check: null, prove: null };

/** The evidence view's, where it is a bundle. */
export const bundleThere = computed(() =>
  judged.value?.sorted.evidence.form === 'bundle' ? given.value : null,
);

const largest = 64 * 1024 * 1024;
let lastId = 0;

export async function addFiles(list: Iterable<File>): Promise<void> {
  const refused: string[] = [];
  for (const file of list) {
    const beginning = await bytesOf(file.slice(0, firstPoints.length));
    if (beginsWithPoints(beginning)) {
      points.value = { name: file.name, blob: file };
    } else if (file.size > largest) {
      refused.push(words.files.tooLarge(harmless(file.name), largest / 2 ** 20));
    } else {
      keep(file.name, await bytesOf(file));
    }
  }
  refusedFiles.value = refused;
}

function keep(name: string, bytes: Kept['bytes']): void {
  lastId += 1;
  const kept: Kept = { id: lastId, name, bytes, ...recognise(name, bytes), set: null };
  files.value = withFile(files.value, kept);
  changed();
  if (kept.role === 'set') readSet(kept);
}

/** Its root is computed of its entries, which takes milliseconds for each. */
async function readSet({ id, bytes }: Kept): Promise<void> {
  const change = (found: Partial<Kept>) => {
    files.value = files.value.map((one) => (one.id === id ? { ...one, ...found } : one));
  };
  try {
    change({ set: await start({ kind: 'read-set', bytes }, null, () => {}).answer });
  } catch (error) {
    change({ fault: error instanceof Error ? error.message : String(error) });
  }
}

export function removeFile(id: number): void {
  files.value = files.value.filter((file) => file.id !== id);
  changed();
}

export function removePoints(): void {
  points.value = null;
}

/** Every file and every answer: a secret file is not kept longer than its reader wants. */
export function forgetAll(): void {
  cancel('check');
  cancel('prove');
  files.value = [];
  points.value = null;
  insecureRoot.value = null;
  refusedFiles.value = [];
  leftOut.value = new Set();
  checkWork.value = { state: 'idle' };
  proveWork.value = { state: 'idle' };
}

/** An answer is about the files that it was made of. */
export function changed(): void {
  if (checkWork.value.state !== 'running') checkWork.value = { state: 'idle' };
}

/** 32 bytes that nobody else knows. */
export function drawNonce(): void {
  nonceText.check.value = toHex(crypto.getRandomValues(new Uint8Array(32)));
  changed();
}

export function runCheck(job: Check): Promise<void> {
  return run('check', job, checkWork);
}

export function runProve(job: Prove): Promise<void> {
  return run('prove', job, proveWork);
}

async function run<A>(which: Side, job: Check | Prove, work: { value: Work<A> }): Promise<void> {
  running[which]?.cancel();
  const since = performance.now();
  let stages: readonly StageTold[] = [];
  work.value = { state: 'running', stages, since };
  const mine = start(job, points.value?.blob ?? null, (told) => {
    stages = told;
    if (running[which] === mine) work.value = { state: 'running', stages, since };
  });
  running[which] = mine;
  try {
    const answer = await mine.answer;
    if (running[which] === mine) work.value = { state: 'done', answer: answer as A, stages };
  } catch (error) {
    if (!(error instanceof JobRefused)) throw error;
    if (running[which] === mine) work.value = { state: 'refused', problem: error.problem };
  }
}

export function cancel(which: Side): void {
  running[which]?.cancel();
  running[which] = null;
  const work = which === 'check' ? checkWork : proveWork;
  if (work.value.state === 'running') work.value = { state: 'cancelled' };
}

/** Alice's own file among Bob's, to see what he will see. */
export function keepProved({ file, response }: Proved): void {
  const encode = (text: string) => new TextEncoder().encode(text);
  keep(words.prove.fileName, encode(file));
  if (response !== null) keep(words.prove.responseName, encode(response));
  audience.check.value = audience.prove.value;
  nonceText.check.value = nonceText.prove.value;
  side.value = 'check';
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

// Another bundle in the evidence view is other evidence.
bundleThere.subscribe(changed);
