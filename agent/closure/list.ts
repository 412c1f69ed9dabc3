/** A list of a closure's paths, from whichever tool wrote it. */
import { type ClosurePath, storePathPattern } from '#verifier/abi/closure.ts';
import { type Bytes, fromUtf8, quote } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { parseJson, shapeError } from '#verifier/json.ts';
import { parseNixHash } from '../nix-hash.ts';

export type ListedPath = ClosurePath & {
  /** Length of the NAR in bytes, as the list says. */
  readonly narSize: number;
  readonly references: readonly string[];
};

/** More than any system closure holds, and few enough to be read at once. */
export const maxPaths = 100_000;

/**
 * Every reference of a closure is in it: a list that lacks one is a part of a closure.
 * @throws AttestationError `closure-malformed`
 */
export function refuseMissingReferences(list: readonly ListedPath[], what: string): void {
  const listed = new Set(list.map(({ path }) => path));
  for (const { path, references } of list) {
    const missing = references.find((reference) => !listed.has(reference));
    if (missing !== undefined) {
      throw malformed(what, `${path} refers to ${missing}, which is not listed`);
    }
  }
}

/**
 * The answer of `nix path-info --json -r`: an array of objects with `path` (Nix 2.8), or an object keyed by path (2.26, and
 * newer ones with `--json-format 1`). Nix adds members from release to release: others than `narHash`,
 * `narSize`, `references` (and `path`, `valid`) are not looked at.
 * @throws AttestationError `closure-malformed`, `json-malformed`, `json-shape`, `utf8-malformed`
 */
export function parsePathInfo(bytes: Bytes): ListedPath[] {
  const what = 'path info';
  const json = parseJson(fromUtf8(bytes, what), what);
  const entries = entriesOf(json, what);
  if (entries.length === 0) throw malformed(what, 'it names no path');
  if (entries.length > maxPaths) throw malformed(what, `more than ${maxPaths} paths`);
  const list = entries.map(({ path, info, place }) => readInfo(path, info, place));
  const seen = new Set<string>();
  for (const { path } of list) {
    if (seen.has(path)) throw malformed(what, `${path} occurs twice`);
    seen.add(path);
  }
  refuseMissingReferences(list, what);
  return list;
}

type Entry = { path: unknown; info: unknown; place: string };

function entriesOf(json: unknown, what: string): Entry[] {
  if (Array.isArray(json)) {
    return json.map((info, index) => {
      const place = `${what}[${index}]`;
      return { path: members(info, place)['path'], info, place };
    });
  }
  const keyed = members(json, what);
  if ('version' in keyed) {
    const hint = 'write it with nix path-info --json --json-format 1';
    throw malformed(what, `it is of a format that is not read here; ${hint}`);
  }
  return Object.entries(keyed).map(([path, info]) => ({ path, info, place: `${what}.${path}` }));
}

function members(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw shapeError(place, 'an object', value);
  }
  return value as Record<string, unknown>;
}

function readInfo(path: unknown, info: unknown, place: string): ListedPath {
  const storePath = storePathFrom(path, `${place}: path`);
  // What Nix writes for a path that its store does not have.
  if (info === null) throw malformed(place, 'it is not in the store that was asked');
  const { narHash, narSize, references, valid } = members(info, place);
  if (valid === false) throw malformed(place, 'it is not in the store that was asked');
  if (typeof narHash !== 'string') throw shapeError(`${place}.narHash`, 'a text', narHash);
  const hash = parseNixHash(narHash);
  if (hash === null) {
    throw malformed(`${place}.narHash`, `expected a SHA-256, got ${quote(narHash)}`);
  }
  if (typeof narSize !== 'number' || !Number.isSafeInteger(narSize) || narSize < 0) {
    throw shapeError(`${place}.narSize`, 'a size in bytes', narSize);
  }
  if (!Array.isArray(references)) throw shapeError(`${place}.references`, 'an array', references);
  return {
    path: storePath,
    narHash: hash,
    narSize,
    references: references.map((one, i) => storePathFrom(one, `${place}.references[${i}]`)),
  };
}

function storePathFrom(value: unknown, place: string): string {
  if (typeof value !== 'string') throw shapeError(place, 'a store path', value);
  if (!storePathPattern.test(value)) {
    throw malformed(place, `expected a store path, got ${quote(value)}`);
  }
  return value;
}

function malformed(what: string, problem: string): AttestationError {
  return new AttestationError('closure-malformed', `${what}: ${problem}`);
}
