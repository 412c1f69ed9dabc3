/** Words of the closure's part of the evidence view. */
import type { ChangeKind } from '../closure/diff.ts';
import type { Match, SortBy } from '../closure/model.ts';
import { count, counted } from './lists.ts';

export const closureStrings = {
  title: 'Closure',
  note: 'The closure is every store path that the system can run: its exact software. The manifest lists them, one line each with the hash of its contents, and the report binds the digest of that list.',
  missing:
    'This bundle binds a closure by its digest alone. To see what is in it, get the manifest from the agent and drop it here:',
  command: 'curl -o closure.txt AGENT/closure',
  commandWhat: 'the command',
  boundDigest: 'digest that the bundle binds',
  pick: 'Closure manifest',
  pickOther: 'Compare with another manifest',
  pickSizes: 'Add sizes, from “nix path-info --json -r”',

  match: {
    bound: {
      mark: '✓',
      text: 'This is the closure that the report binds: the digest computed here is equal.',
    },
    stated: {
      mark: '✕',
      text: 'This is the closure that the bundle names, but the report does not bind what the bundle says (see the checks): nobody vouches for it.',
    },
    other: {
      mark: '✕',
      text: 'This is another system’s closure: the digest computed here is not the one that the bundle binds.',
    },
    nothing: {
      mark: '?',
      text: 'There is no bundle to compare this manifest with: nothing binds it.',
    },
  } satisfies Record<Match, { mark: string; text: string }>,
  malformed: 'It is no manifest as an agent writes it:',
  computed: 'digest computed here',
  bound: 'bound by the bundle',

  counts: (paths: number, packages: number) =>
    `${counted(paths, 'store path')} of ${counted(packages, 'package')}.`,
  several: (packages: number) => `${counted(packages, 'package')} in more than one version.`,
  total: (size: string, known: number, all: number) =>
    known === all
      ? `${size} in all, as the file of sizes says; nothing proves a size.`
      : `${size} for ${count(known)} of ${count(all)} paths, as the file of sizes says; nothing proves a size.`,
  noSizes: 'The manifest does not hold sizes.',

  list: 'Contents of the closure',
  view: 'Show',
  views: {
    paths: 'store paths',
    packages: 'packages',
    several: 'packages in several versions',
  },
  sort: 'Sorted by',
  sorts: { name: 'name', path: 'path', size: 'size' } satisfies Record<SortBy, string>,
  search: 'Search',
  searchHint: 'name, version, hash…',
  found: (found: number, all: number, what: string) =>
    found === all ? `${count(all)} ${what}` : `${count(found)} of ${count(all)} ${what}`,
  none: 'Nothing is like that.',
  whatPaths: 'store paths',
  whatPackages: 'packages',
  whatChanges: 'changes',
  columns: {
    name: 'Package',
    version: 'Version',
    versions: 'Versions',
    output: 'Output',
    paths: 'Paths',
    size: 'Size',
    hash: 'Contents (NAR hash)',
  },
  path: 'store path',
  narHash: 'SHA-256 of its contents (NAR)',
  unknown: '–',
  showPackage: (name: string) => `Show the paths of ${name}`,

  diff: {
    title: (other: string) => `Changes since ${other}`,
    titleNote: (now: string) => `From there to ${now}.`,
    remove: 'Remove the comparison',
    kinds: {
      added: { mark: '+', word: 'added' },
      removed: { mark: '−', word: 'removed' },
      version: { mark: '↑', word: 'other version' },
      contents: { mark: '≠', word: 'other contents' },
      same: { mark: '=', word: 'unchanged' },
    } satisfies Record<ChangeKind, { mark: string; word: string }>,
    explain: {
      added: 'Not in the other closure.',
      removed: 'In the other closure only.',
      version: 'The same package in another version.',
      contents:
        'The same name and version, but other bytes or built from something else: rebuilt, patched, or configured otherwise.',
      same: 'The same path with the same contents.',
    } satisfies Record<ChangeKind, string>,
    label: 'Kinds of change to show',
    table: 'Changes between the two closures',
    columns: { kind: 'Change', name: 'Package', before: 'Before', after: 'Now' },
    samePath: 'the very same path with other contents',
    sameContents: 'another path with the same contents',
    identical: 'Both closures are the same, path for path.',
    unreadable: 'Two manifests that can be read are needed for a comparison.',
    before: 'path before',
    after: 'path now',
    beforeHash: 'contents before',
    afterHash: 'contents now',
    another: (place: number) => `manifest ${place}`,
  },
} as const;
