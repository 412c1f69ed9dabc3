/**
 * The sets that a checker demands and a prover finds her machine in (protocol, "Linked proofs"): trees of the field with value 1.
 * A set file also holds what each element stands for, so that whoever reads it can check that it is the set that it says.
 */
import { type Bytes, fromUtf8, toHex } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { type Field, fieldFromBytes, fieldToBytes } from '#verifier/field.ts';
import {
  arrayOf,
  hexBytes,
  object,
  oneOf,
  shapeError,
  text,
  unixTime,
  version,
} from '#verifier/json.ts';
import type { Claim, TreeProof } from '#verifier/smt/proof.ts';
import { buildTree, type Tree } from '#verifier/smt/tree.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { LevelTdx } from './formulas.ts';
import {
  type AcceptedEntry,
  elementOf,
  formatOf,
  isSnpLevel,
  lineOf,
  type RevokedEntry,
  type SetEntries,
  type SetKind,
  setKinds,
} from './set-entries.ts';
import type { LevelSnp } from './set-entries-snp.ts';
import {
  highestFirst,
  highestFirstSnp,
  reachesLevel,
  reachesLevelSnp,
  type SnpMachine,
} from './set-reach.ts';

export { type AcceptedEntry, elementOf, type RevokedEntry, type SetKind } from './set-entries.ts';
export type { SnpMachine } from './set-reach.ts';

export const maxSetEntries = 100_000;
/** 100,000 of the longest entries have 63 MB. */
export const maxSetLength = 64 * 1024 * 1024;

export type SetOf<K extends SetKind> = {
  readonly kind: K;
  /** When the set was made, and from what, for people: neither is part of the root. */
  readonly made: UnixTime;
  /** 1 to 1,000 printable ASCII characters. */
  readonly source: string;
  readonly root: Field;
  readonly tree: Tree;
  /** In the order of their lines (`lineOf`), each once. */
  readonly entries: readonly SetEntries[K][];
};
export type LinkedSet = { [K in SetKind]: SetOf<K> }[SetKind];

export type SetOrigin = { readonly made: UnixTime; readonly source: string };

export type Siblings = readonly Field[];

const sourceText = text(/^[ -~]{1,1000}$/, '1 to 1,000 printable ASCII characters');

const head = {
  version: version(1),
  kind: oneOf(...setKinds),
  made: unixTime,
  source: sourceText,
  root: hexBytes(32),
};

/** The tree of these elements, value 1 each. @throws AttestationError `tree-key-collision` */
export function setTree(elements: Iterable<Field>): Tree {
  return buildTree(Array.from(elements, (key) => ({ key, value: 1n })));
}

/**
 * The set of these entries, sorted, equal ones once.
 * @throws AttestationError `too-large` for more than 100,000, `tree-key-collision`, and for an entry or an origin with no form in a
 *   file what `parseSet` throws; `json-shape` for no entry at all, unless it is a set of what is revoked
 */
export function makeSet<K extends SetKind>(
  kind: K,
  entries: Iterable<SetEntries[K]>,
  { made, source }: SetOrigin,
): SetOf<K> {
  const { decode, toJson } = formatOf(kind);
  const given = [...entries];
  if (given.length > maxSetEntries) throw tooMany(kind, given.length);
  // What cannot be read back must not be written.
  const read = given.map((entry) => decode(toJson(entry), `${kind} entry`));
  const byLine = new Map(read.map((entry) => [lineOf(kind, entry), entry]));
  const sorted = [...byLine].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  demandEntries(kind, sorted.length);
  const tree = setTree(sorted.map((entry) => elementOf(kind, entry)));
  const origin = { made: unixTime(made, 'set.made'), source: sourceText(source, 'set.source') };
  return { kind, ...origin, root: tree.root, tree, entries: sorted };
}

export function acceptedSet(entries: Iterable<AcceptedEntry>, origin: SetOrigin) {
  return makeSet('accepted', entries, origin);
}

export function levelSet(entries: Iterable<SetEntries['levels']>, origin: SetOrigin) {
  return makeSet('levels', entries, origin);
}

export function revokedSet(entries: Iterable<RevokedEntry>, origin: SetOrigin) {
  return makeSet('revoked', entries, origin);
}

export function vekSet(entries: Iterable<SetEntries['veks']>, origin: SetOrigin) {
  return makeSet('veks', entries, origin);
}

/**
 * JSON: `version` 1 · `kind` · `made` (seconds) · `source` · `root` (hex) · `entries`, each on a line of its own. One set has one
 * text.
 */
export function encodeSet<K extends SetKind>(set: SetOf<K>): string {
  return textOf(set.kind, set, fieldToBytes(set.root));
}

function textOf<K extends SetKind>(
  kind: K,
  { made, source, entries }: SetOrigin & { readonly entries: readonly SetEntries[K][] },
  root: Bytes,
): string {
  const members = JSON.stringify({ version: 1, kind, made, source, root: toHex(root) });
  const lines = entries.map((entry) => `\n${lineOf(kind, entry)}`);
  return `${members.slice(0, -1)},"entries":[${lines.join(',')}]}\n`;
}

/**
 * The mirror of `encodeSet`, which recomputes the root.
 * @throws AttestationError `too-large`, `utf8-malformed`, `json-malformed` (also for another spelling of the same document),
 *   `json-shape`, `version-unknown`, `hex-malformed`, `field-not-canonical`, `value-out-of-range` for entries that do not have the
 *   root stated, `tree-key-collision`
 */
export function parseSet(bytes: Bytes): LinkedSet {
  if (bytes.length > maxSetLength) {
    throw new AttestationError(
      'too-large',
      `set: ${bytes.length} bytes, at most ${maxSetLength} are allowed`,
    );
  }
  const written = fromUtf8(bytes, 'set');
  const document = readJson(written);
  const { kind } = object({ ...head, entries: (entries: unknown) => entries })(document, 'set');
  switch (kind) {
    case 'accepted':
      return readSet('accepted', document, written);
    case 'levels':
      return readSet('levels', document, written);
    case 'revoked':
      return readSet('revoked', document, written);
    case 'veks':
      return readSet('veks', document, written);
  }
}

/** The kernel's strict reader takes fewer values than a set may hold; what else it refuses, `readSet` refuses too. */
function readJson(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    throw new AttestationError('json-malformed', 'set: the text is not JSON');
  }
}

function readSet<K extends SetKind>(kind: K, document: unknown, written: string): SetOf<K> {
  const { decode } = formatOf(kind);
  const members = object({ ...head, entries: arrayOf(decode, { max: maxSetEntries }) });
  const { made, source, root, entries } = members(document, 'set');
  demandEntries(kind, entries.length);
  demandOrder(entries.map((entry) => lineOf(kind, entry)));
  const stated = fieldFromBytes(root, 'set.root');
  // A member twice, an escape or a space: two readers could see two sets.
  if (textOf(kind, { made, source, entries }, root) !== written) {
    throw new AttestationError(
      'json-malformed',
      'set: not written as affidavit set make writes it, byte for byte',
    );
  }
  const tree = setTree(entries.map((entry) => elementOf(kind, entry)));
  if (tree.root !== stated) {
    throw new AttestationError(
      'value-out-of-range',
      `set: its entries have the root ${toHex(fieldToBytes(tree.root))}, it states ${toHex(root)}`,
    );
  }
  return { kind, made, source, root: stated, tree, entries };
}

/** Nobody is in an empty set, which cannot be meant; that nobody is revoked can. */
function demandEntries(kind: SetKind, count: number): void {
  if (count === 0 && kind !== 'revoked') throw shapeError('set.entries', 'an entry', count);
}

function demandOrder(lines: readonly string[]): void {
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    if (before === undefined || before < line) return;
    const fault = before === line ? 'is there twice' : 'should stand before the one above it';
    throw new AttestationError('json-shape', `set.entries[${index}] ${fault}`);
  });
}

function tooMany(kind: SetKind, count: number): AttestationError {
  return new AttestationError(
    'too-large',
    `set of ${kind}: ${count} entries, at most ${maxSetEntries} are allowed`,
  );
}

/** Where the set holds the element; null when it does not. */
export function memberSiblings(set: LinkedSet, element: Field): Siblings | null {
  const { claim, proof } = set.tree.prove(element);
  return claim.kind === 'present' ? proof.siblings : null;
}

/** That the set does not hold the element, as `verifyProof` takes it; null when it does. */
export function provenAbsence(
  set: LinkedSet,
  element: Field,
): { readonly claim: Claim; readonly proof: TreeProof } | null {
  const found = set.tree.prove(element);
  return found.claim.kind === 'absent' ? found : null;
}

/**
 * The highest level of the set that the machine reaches (protocol, floor), and where the set holds it; null when it reaches none.
 * @param machine its own versions, in the form of a level
 */
export function findLevel(
  set: SetOf<'levels'>,
  machine: LevelTdx,
): { readonly level: LevelTdx; readonly siblings: Siblings } | null {
  const reached = set.entries.filter(
    (level): level is LevelTdx => !isSnpLevel(level) && reachesLevel(machine, level),
  );
  return placeOf(set, reached.sort(highestFirst)[0]);
}

/** The same for an SNP machine: both its REPORTED_TCB and its COMMITTED_TCB reach the level. */
export function findLevelSnp(
  set: SetOf<'levels'>,
  machine: SnpMachine,
): { readonly level: LevelSnp; readonly siblings: Siblings } | null {
  const reached = set.entries.filter(isSnpLevel).filter((level) => reachesLevelSnp(machine, level));
  return placeOf(set, reached.sort(highestFirstSnp)[0]);
}

function placeOf<L extends LevelTdx | LevelSnp>(
  set: SetOf<'levels'>,
  level: L | undefined,
): { readonly level: L; readonly siblings: Siblings } | null {
  const siblings = level === undefined ? null : memberSiblings(set, elementOf('levels', level));
  return level === undefined || siblings === null ? null : { level, siblings };
}
