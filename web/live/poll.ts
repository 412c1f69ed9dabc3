/** Asks the service every few seconds, slower while it does not answer, and not at all while nobody looks. */
import { computed, signal } from '@preact/signals';
import {
  type Activity,
  activityAnswer,
  type DecisionsAnswer,
  decisionsAnswer,
} from '#verifier/serve/answers.ts';
import type { UnixTime } from '#verifier/time.ts';
import { liveStrings } from '../strings/live.ts';
import {
  type Listed,
  listedOf,
  longest,
  pauseAfter,
  shownNow,
  withNewer,
  withOlder,
} from './model.ts';

const { problems } = liveStrings.state;
const timeLimit = 10_000;
/** Rows of one answer. */
const pageLength = 50;

/** By the service's clock, as far as its answers tell it; ticks every second. */
export const now = signal<UnixTime>(Math.floor(Date.now() / 1000));
/** Its minute's first second: what is drawn by it is drawn once a minute. */
export const minute = computed<UnixTime>(() => now.value - (now.value % 60));
export const activity = signal<Activity | null>(null);
export const paused = signal(false);

export type Link =
  | { state: 'starting' }
  | { state: 'answering'; at: UnixTime }
  /** `since`: of the last answer, null when there never was one. */
  | { state: 'silent'; since: UnixTime | null; next: UnixTime; problem: string };
export const link = signal<Link>({ state: 'starting' });

export type Filter = { search: string; decision: string };
export const filter = signal<Filter>({ search: '', decision: '' });
export const listed = signal<Listed | null>(null);
/** What is being read for the reader, or went wrong in it. */
export const reading = signal<'list' | 'older' | 'failed' | null>(null);
export const waitingCount = computed(() => listed.value?.waiting.length ?? 0);

let clockError = 0;
let failures = 0;
let etag = '';
let timer: ReturnType<typeof setTimeout> | undefined;
/** Of the last search: answers to those before it are thrown away. */
let generation = 0;
let mayPush = (): boolean => true;

/** @param ask whether nobody reads where new rows would appear */
export function pushWhen(ask: () => boolean): void {
  mayPush = ask;
}

export function startLive(): void {
  setInterval(tick, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) soon(0);
  });
  soon(0);
}

export function setPaused(next: boolean): void {
  paused.value = next;
  if (next) clearTimeout(timer);
  else soon(0);
}

function tick(): void {
  now.value = Math.floor(Date.now() / 1000 + clockError);
}

function soon(seconds: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void round(), 1000 * seconds);
}

async function round(): Promise<void> {
  if (paused.value || document.hidden) return;
  try {
    await readActivity();
    await readNewer();
    failures = 0;
    link.value = { state: 'answering', at: now.value };
  } catch (error) {
    const since = link.value.state === 'answering' ? link.value.at : null;
    const before = link.value.state === 'silent' ? link.value.since : since;
    failures += 1;
    link.value = {
      state: 'silent',
      since: before,
      next: now.value + pauseAfter(failures),
      problem: error instanceof NoAnswer ? error.message : problems.network,
    };
  }
  if (!paused.value) soon(pauseAfter(failures));
}

/** Whose message is for the reader. */
class NoAnswer extends Error {}

/** Null for an answer that is here already. @throws NoAnswer, TypeError when the network gives none */
async function ask(path: string, tag = ''): Promise<{ json: unknown; tag: string } | null> {
  const response = await fetch(path, {
    cache: 'no-store',
    credentials: 'same-origin',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    signal: AbortSignal.timeout(timeLimit),
    headers: { accept: 'application/json', ...(tag !== '' && { 'if-none-match': tag }) },
  });
  const date = Date.parse(response.headers.get('date') ?? '');
  if (!Number.isNaN(date)) keepTime(date / 1000);
  if (response.status === 304) return null;
  if (response.status !== 200) throw new NoAnswer(problems.refused(response.status));
  const json: unknown = await response.json().catch(() => {
    throw new NoAnswer(problems.unreadable);
  });
  return { json, tag: response.headers.get('etag') ?? '' };
}

/** Dates have whole seconds: what is off by less is not off. */
function keepTime(date: UnixTime): void {
  const error = date - Date.now() / 1000;
  clockError = Math.abs(error) < 2 ? 0 : Math.round(error);
  tick();
}

function read<T>(decode: (value: unknown, path: string) => T, json: unknown): T {
  try {
    return decode(json, 'answer');
  } catch {
    throw new NoAnswer(problems.unreadable);
  }
}

async function readActivity(): Promise<void> {
  const answer = await ask('./activity', etag);
  if (answer === null) return;
  activity.value = read(activityAnswer.decode, answer.json);
  etag = answer.tag;
}

async function readDecisions(more: Record<string, string>): Promise<DecisionsAnswer> {
  const { search, decision } = filter.value;
  const query = new URLSearchParams({
    limit: String(pageLength),
    ...(search.trim() !== '' && { search: search.trim() }),
    ...(decision !== '' && { decision }),
    ...more,
  });
  const answer = await ask(`./decisions?${query}`);
  if (answer === null) throw new NoAnswer(problems.unreadable);
  return read(decisionsAnswer.decode, answer.json);
}

async function readNewer(): Promise<void> {
  const [before, mine] = [listed.value, generation];
  if (before === null) return readList();
  const answer = await readDecisions({ after: before.newest });
  const current = listed.value;
  // A new search, or the reader's own click, came first.
  if (mine !== generation || current === null || current.newest !== before.newest) return;
  const push = mayPush();
  const next = withNewer(current, answer, push);
  if (push && (next.gap || next.rows.length > longest)) return readList();
  listed.value = next;
}

/** From the newest on, with the filter as it is now. */
async function readList(): Promise<void> {
  const mine = generation;
  const answer = await readDecisions({});
  if (mine === generation) listed.value = listedOf(answer);
}

/** What is shown stays until there is an answer. */
export async function search(next: Filter): Promise<void> {
  filter.value = next;
  generation += 1;
  await forReader('list', readList);
}

export async function older(): Promise<void> {
  const [before, mine] = [listed.value?.older, generation];
  if (before === null || before === undefined) return;
  await forReader('older', async () => {
    const answer = await readDecisions({ before });
    const current = listed.value;
    if (mine === generation && current?.older === before) listed.value = withOlder(current, answer);
  });
}

/** What waits, at once where all of it is here. */
export async function showNew(): Promise<void> {
  const current = listed.value;
  if (current === null) return;
  if (!current.gap) listed.value = shownNow(current);
  else {
    generation += 1;
    await forReader('list', readList);
  }
}

async function forReader(what: 'list' | 'older', work: () => Promise<void>): Promise<void> {
  const mine = generation;
  reading.value = what;
  try {
    await work();
    if (mine === generation) reading.value = null;
  } catch {
    if (mine === generation) reading.value = 'failed';
  }
}
