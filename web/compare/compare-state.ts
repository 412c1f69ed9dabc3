/** The second piece of evidence. It is judged as the loaded one is: under the same policy and roots, for the same time. */
import { computed, effect, signal } from '@preact/signals';
import { type Judged, judge } from '../model/judge.ts';
import { judged, type Problem, problemOf } from '../model/session.ts';
import { type GivenFile, sortFiles } from '../model/sort-files.ts';

export const otherFiles = signal<readonly GivenFile[]>([]);
/** The other evidence stands on the left. */
export const swapped = signal(false);
export const onlyDifferences = signal(true);

type Other =
  | { state: 'empty' | 'working' }
  | { state: 'refused'; problem: Problem }
  | { state: 'judged'; judged: Judged };
export const other = signal<Other>({ state: 'empty' });

/** Judgements overtake each other: only the last counts. */
let asked = 0;

effect(() => {
  const loaded = judged.value;
  const files = otherFiles.value;
  asked += 1;
  const mine = asked;
  if (files.length === 0) {
    other.value = { state: 'empty' };
    return;
  }
  if (loaded === null) return;
  if (other.peek().state !== 'judged') other.value = { state: 'working' };
  judgeBeside(files, loaded).then((found) => {
    if (mine === asked) other.value = found;
  });
});

async function judgeBeside(files: readonly GivenFile[], loaded: Judged): Promise<Other> {
  try {
    const source = { kind: 'files' } as const;
    const { trustKeys = false } = loaded.given;
    const sorted = sortFiles(files, source, { trustKeys });
    const given = { ...loaded.given, files, source, nonce: null, at: loaded.at };
    return { state: 'judged', judged: await judge(given, sorted) };
  } catch (error) {
    return { state: 'refused', problem: problemOf(error) };
  }
}

export type Side = 'left' | 'right';

/** Both pieces, as they stand on the page; null until there are two. */
export const both = computed<Record<Side, Judged> | null>(() => {
  const loaded = judged.value;
  const second = other.value;
  if (loaded === null || second.state !== 'judged') return null;
  return swapped.value
    ? { left: second.judged, right: loaded }
    : { left: loaded, right: second.judged };
});
