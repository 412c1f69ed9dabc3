/**
 * What the agent's evidence lacks, found and made into the file that the agent sends along. Whatever the vendors do, a file comes
 * out of it: what was there stays as long as nothing better is to be had, and `problem` says so.
 */

import {
  type CollateralItem,
  type CollateralKind,
  encodeBundle,
  parseBundle,
} from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes, utf8 } from '#verifier/bytes.ts';
import { CollateralError } from '#verifier/collateral/collateral-error.ts';
import { type CollectTools, type Found, refresh } from '#verifier/collateral/collect.ts';
import { itemKinds } from '#verifier/collateral/facts.ts';
import { type NeedsOptions, needsOf } from '#verifier/collateral/needs.ts';
import { printableAddress } from '#verifier/collateral/printable.ts';
import {
  describeObject,
  objectName,
  type VendorObject,
} from '#verifier/collateral/vendor-object.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Evidence } from '#verifier/evidence.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { configuredSource } from './collateral.ts';
import { expiryOf } from './collateral-dates.ts';
import { type CollateralFile, oneLine } from './collateral-file.ts';

export type RefreshTools = Omit<CollectTools, 'revalidate'> & NeedsOptions;

export type Refreshed = {
  readonly file: CollateralFile;
  /** Whether evidence has all that a verifier without network needs, none of it past its end. */
  readonly complete: boolean;
  /** When the first of what was found is past two thirds of its validity; null: nothing was. */
  readonly ageing: UnixTime | null;
};

/**
 * @param answer the agent's bundle, with what it had from the folder; or why there is none
 * @param previous the folder's file, null where there is none that can be used
 */
export async function refreshCollateral(
  answer: { bundle: Bytes } | { missing: string },
  previous: CollateralFile | null,
  tools: RefreshTools,
): Promise<Refreshed> {
  if ('missing' in answer) return unchanged(previous, answer.missing, tools.now);
  const old = previous?.items ?? [];
  try {
    const own = withoutFolder(answer.bundle, old, tools);
    if (!own.readable) return unchanged(previous, unreadable, tools.now);
    // What ends within a day is looked for already.
    const { needs, lacks } = needsOf(own.evidence, [], tools.now + day, optionsOf(tools));
    const { found } = await refresh(needs, { ...tools, revalidate() {} });
    return complete(
      { own, needs, lacks, old, found: found.filter(({ name }) => names(needs).has(name)) },
      tools,
    );
  } catch (error) {
    if (!(error instanceof AttestationError || error instanceof CollateralError)) throw error;
    return unchanged(previous, error.message, tools.now);
  }
}

const unreadable = 'the agent’s evidence cannot be read: affidavit show says why';

/** What was there goes on; why nothing was looked for is told. */
function unchanged(previous: CollateralFile | null, problem: string, now: UnixTime): Refreshed {
  const items = previous?.items ?? [];
  const file = { version: 1, items, checked: now, problem: oneLine(problem) } as const;
  return { file, complete: false, ageing: null };
}

/** The agent's bundle as it would be without the folder. */
type Own = { evidence: Evidence; items: readonly CollateralItem[]; readable: boolean };

/** @throws AttestationError as `parseBundle` */
function withoutFolder(bytes: Bytes, old: readonly CollateralItem[], tools: RefreshTools): Own {
  const bundle = parseBundle(bytes);
  const isOld = (item: CollateralItem) =>
    old.some(({ kind, data }) => kind === item.kind && equalBytes(data, item.data));
  const items = bundle.collateral.filter((item) => !isOld(item));
  const evidenceWith = (collateral: CollateralItem[]): Evidence => {
    const bytes = utf8(encodeBundle({ ...bundle, collateral }));
    return { form: 'bundle', bytes, nonce: null, connection: null };
  };
  // Without any collateral all evidence needs some, but what cannot be read.
  const bare = needsOf(evidenceWith([]), [], tools.now, optionsOf(tools));
  const readable = bare.needs.length + bare.lacks.length > 0;
  return { evidence: evidenceWith(items), items, readable };
}

const day = 86_400;

function optionsOf({ product, update }: RefreshTools): NeedsOptions {
  return { update, ...(product && { product }) };
}

const names = (objects: readonly VendorObject[]) => new Set(objects.map(objectName));

type Search = {
  own: Own;
  needs: readonly VendorObject[];
  lacks: readonly string[];
  old: readonly CollateralItem[];
  found: readonly Found[];
};

function complete(search: Search, tools: RefreshTools): Refreshed {
  const { now } = tools;
  const { lacks, found } = search;
  const items = oncePerKind(found.flatMap((one) => itemsOf(one, search, tools)));
  const absent = found.filter(({ state }) => state === 'absent' || state === 'stale');
  const displaced = displacedBy(search.own, items, now);
  const problems = [...lacks, ...found.flatMap((one) => problemOf(one, now)), ...displaced];
  const problem = problems.length === 0 ? null : oneLine(problems.join('; '));
  return {
    file: { version: 1, items, checked: now, problem },
    complete: lacks.length + absent.length + displaced.length === 0,
    ageing: found.reduce<UnixTime | null>((first, one) => {
      const own = ageingOf(one);
      return first === null || (own !== null && own < first) ? own : first;
    }, null),
  };
}

/** Of an object that is not to be had, what the folder has of it. */
function itemsOf({ object, stored, fetched, source }: Found, search: Search, tools: RefreshTools) {
  if (stored === null) return heldBefore(object, search, tools);
  const known = { source: printableAddress(source ?? ''), fetched: fetched ?? tools.now };
  return stored.items.map(({ kind, data }): CollateralItem => ({ kind, data, ...known }));
}

/** A certificate of another chip or TCB would displace the host's right one. */
function heldBefore(object: VendorObject, { own, old }: Search, tools: RefreshTools) {
  const kinds: readonly CollateralKind[] = itemKinds[object.kind];
  const held = old.filter(({ kind }) => kinds.includes(kind));
  if (object.kind !== 'vcek') return held;
  const { needs } = needsOf(own.evidence, held, tools.now, optionsOf(tools));
  return names(needs).has(objectName(object)) ? [] : held;
}

/** Intel's root comes with several objects. */
function oncePerKind(items: readonly CollateralItem[]): CollateralItem[] {
  return items.filter(({ kind }, at) => items.findIndex((item) => item.kind === kind) === at);
}

/** ageing = issued + 2/3 (expires − issued) */
function ageingOf({ facts }: Found): UnixTime | null {
  if (facts === null) return null;
  return facts.issued + Math.floor((2 * (facts.expires - facts.issued)) / 3);
}

function problemOf(found: Found, now: UnixTime): string[] {
  const { object, state, facts, problem } = found;
  const what = describeObject(object);
  const why = problem === null ? '' : `: ${problem.message}`;
  if (state === 'absent' || facts === null) return [`${what} is not to be had${why}`];
  const end = formatTime(facts.expires);
  if (state === 'stale') return [`${what} ended ${end}, and no newer one is to be had${why}`];
  if (problem === null) return [];
  if (state === 'fetched') return [`${what} could not be kept${why}`];
  // A vendor that is away for a day is no news while there is time.
  const late = now > (ageingOf(found) ?? now);
  return late ? [`${what} ends ${end}, and no newer one is to be had${why}`] : [];
}

/** The agent's own files come before the folder's: one that is past its end keeps the newer one out. */
function displacedBy(
  { items: own }: Own,
  found: readonly CollateralItem[],
  now: UnixTime,
): string[] {
  return own
    .filter((item) => item.source === configuredSource)
    .filter((item) => found.some(({ kind }) => kind === item.kind))
    .filter((item) => (expiryOf(item) ?? now) < now)
    .map(
      ({ kind }) => `the agent’s own file of ${kind} has ended: take it out of its configuration`,
    );
}

const hour = 3600;

/**
 * When to look again: when the first object is past two thirds of its validity, up to an eighth of the wait earlier or later, so
 * that machines that began together do not go on together; not before an hour, and not after `longest` seconds.
 * @param random from 0 up to 1
 */
export function nextLook(
  { complete: nothingLacks, ageing }: Pick<Refreshed, 'complete' | 'ageing'>,
  { now, longest, random }: { now: UnixTime; longest: number; random: number },
): UnixTime {
  if (!nothingLacks) return now + hour + Math.floor((random * hour) / 4);
  const wait = Math.min(longest, ageing === null ? longest : ageing - now);
  const jittered = Math.floor(wait * (7 / 8 + random / 4));
  return now + Math.max(hour, Math.min(longest, jittered));
}
