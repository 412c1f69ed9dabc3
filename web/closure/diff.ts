/** What changed from one closure to another: by path where it is the same, else by package, output and version. */
import type { StorePath } from './store-path.ts';

export const changeKinds = ['added', 'removed', 'version', 'contents', 'same'] as const;
/**
 * `version`: the same package and output in another version. `contents`: the same in every word of its name, but other bytes, or
 * built from something else (another hash in its path).
 */
export type ChangeKind = (typeof changeKinds)[number];

export type Change = {
  readonly kind: ChangeKind;
  /** Null for what was added. */
  readonly before: StorePath | null;
  /** Null for what was removed. */
  readonly after: StorePath | null;
};

export type Diff = {
  /** By package name. */
  readonly changes: readonly Change[];
  readonly counts: Readonly<Record<ChangeKind, number>>;
};

export function diffClosures(before: readonly StorePath[], after: readonly StorePath[]): Diff {
  const changes: Change[] = [];
  const [oldByPath, newByPath] = [byPath(before), byPath(after)];
  for (const one of after) {
    const old = oldByPath.get(one.path);
    if (old === undefined) continue;
    const kind = old.narHash === one.narHash ? 'same' : 'contents';
    changes.push({ kind, before: old, after: one });
  }
  const gone = Map.groupBy(
    before.filter(({ path }) => !newByPath.has(path)),
    packageOf,
  );
  const come = Map.groupBy(
    after.filter(({ path }) => !oldByPath.has(path)),
    packageOf,
  );
  for (const key of new Set([...gone.keys(), ...come.keys()])) {
    changes.push(...ofPackage(gone.get(key) ?? [], come.get(key) ?? []));
  }
  return { changes: sorted(changes), counts: countsOf(changes) };
}

function byPath(paths: readonly StorePath[]): ReadonlyMap<string, StorePath> {
  return new Map(paths.map((one) => [one.path, one]));
}

function packageOf({ name, output }: StorePath): string {
  return `${name}\n${output}`;
}

/** Equal versions are one another's successors first; what is left over follows in order. */
function ofPackage(gone: readonly StorePath[], come: readonly StorePath[]): Change[] {
  const left = [...gone];
  const changes: Change[] = [];
  const fresh = come.filter((after) => {
    const i = left.findIndex(({ version }) => version === after.version);
    const [before] = i < 0 ? [] : left.splice(i, 1);
    if (before === undefined) return true;
    changes.push({ kind: 'contents', before, after });
    return false;
  });
  for (const after of fresh) {
    const before = left.shift() ?? null;
    changes.push({ kind: before === null ? 'added' : 'version', before, after });
  }
  for (const before of left) changes.push({ kind: 'removed', before, after: null });
  return changes;
}

function sorted(changes: readonly Change[]): Change[] {
  return changes
    .map((one) => ({ one, key: keyOf(one) }))
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ one }) => one);
}

function keyOf(change: Change): string {
  const { name, output, version } = pathOf(change);
  return `${name.toLowerCase()}\n${output}\n${version}`;
}

/** The newer one, where there are two. */
export function pathOf({ before, after }: Change): StorePath {
  return (after ?? before) as StorePath;
}

function countsOf(changes: readonly Change[]): Record<ChangeKind, number> {
  const counts = { added: 0, removed: 0, version: 0, contents: 0, same: 0 };
  for (const { kind } of changes) counts[kind] += 1;
  return counts;
}

/** Of some kinds; every word must occur in one of the two paths. */
export function filterChanges(
  changes: readonly Change[],
  kinds: ReadonlySet<ChangeKind>,
  text: string,
): readonly Change[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return changes.filter(({ kind, before, after }) => {
    if (!kinds.has(kind)) return false;
    const searched = `${before?.path ?? ''}\n${after?.path ?? ''}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}
