/** Writes and shows set files. */
import { createHash } from 'node:crypto';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { fieldToBytes } from '#verifier/field.ts';
import { formatTime } from '#verifier/time.ts';
import { elementOf, formatOf, lineOf, type SetEntries, type SetKind } from './set-entries.ts';
import type { LinkedSet, SetOf } from './sets.ts';

const maxSourceLength = 1000;

/** What a set is from, in one text of the length that a set file has room for; each part once. */
export function joinSources(parts: readonly string[]): string {
  const once = [...new Set(parts)];
  for (let shown = once.length; shown > 0; shown--) {
    const rest = once.length - shown;
    const more = rest === 0 ? [] : [`and ${rest} more`];
    const text = [...once.slice(0, shown), ...more].join('; ');
    if (text.length <= maxSourceLength) return text;
  }
  throw new RangeError('a source has 1 to 1,000 characters');
}

/** The first bytes of a file's SHA-256: enough for a person to find it again. */
export function fileName(what: string, bytes: Bytes): string {
  return `${what} ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

export function rootText({ root }: { readonly root: LinkedSet['root'] }): string {
  return toHex(fieldToBytes(root));
}

export function setText(set: LinkedSet): string {
  const { kind, made, source, entries } = set;
  const head = [
    `kind     ${kind}`,
    `root     ${rootText(set)}`,
    `made     ${formatTime(made)}`,
    `source   ${source}`,
    `entries  ${entries.length}`,
  ];
  return `${[...head, ...entryLines(set.kind, set)].join('\n')}\n`;
}

function entryLines<K extends SetKind>(
  kind: K,
  { entries }: { readonly entries: readonly SetEntries[K][] },
): string[] {
  return entries.map((entry) => lineOf(kind, entry));
}

/** The members of the file, each entry with the element of the tree that it stands for. */
export function setJson(set: LinkedSet): string {
  const { kind, made, source } = set;
  const json = { version: 1, kind, made, source, root: rootText(set) };
  return `${JSON.stringify({ ...json, entries: entriesJson(set.kind, set) }, null, 2)}\n`;
}

function entriesJson<K extends SetKind>(kind: K, { entries }: Pick<SetOf<K>, 'entries'>): object[] {
  const { toJson } = formatOf(kind);
  return entries.map((entry) => ({
    ...toJson(entry),
    element: toHex(fieldToBytes(elementOf(kind, entry))),
  }));
}
