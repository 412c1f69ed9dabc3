/** What evidence lacks: from the cache while it is current, else from who publishes it. Nothing unverified is kept or used. */
import { equalBytes } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { Collateral } from '../evidence.ts';
import type { TrustedRoot } from '../roots.ts';
import type { UnixTime } from '../time.ts';
import { acceptObject } from './accept.ts';
import { CollateralError } from './collateral-error.ts';
import { addressOf, answerLimit, dependsOn, type Endpoints, readAnswer } from './endpoints.ts';
import { factsOf } from './facts.ts';
import type { Source, Store } from './ports.ts';
import { printableAddress } from './printable.ts';
import {
  describeObject,
  type ObjectFacts,
  objectName,
  type StoredObject,
  type VendorObject,
} from './vendor-object.ts';

export type CollectTools = {
  store: Store;
  /** Null: offline, the cache alone. */
  source: Source | null;
  endpoints: Endpoints;
  roots: readonly TrustedRoot[];
  /** When it began, by this machine's clock, whatever time evidence is verified for. */
  now: UnixTime;
  /** How late it has become: Intel dates a document when it is asked for. Without it no time passes. */
  clock?: () => UnixTime;
  crypto: CryptoPort;
  /** Told once of all objects that were used and should be asked for anew. Nobody waits for it. */
  revalidate(objects: readonly VendorObject[]): void;
};

/** An object whose signatures are good under the roots. */
type Held = {
  object: VendorObject;
  facts: ObjectFacts;
  stored: StoredObject;
};

type Had = Held & {
  name: string;
  /** From the cache, and current · asked for now · past its end, for nothing newer could be had. */
  state: 'cached' | 'fetched' | 'stale';
  fetched: UnixTime;
  source: string;
  /** Why it is stale, could not be renewed, or could not be kept. */
  problem: CollateralError | null;
};

type Absent = {
  object: VendorObject;
  name: string;
  state: 'absent';
  facts: null;
  stored: null;
  fetched: null;
  source: null;
  problem: CollateralError;
};

export type Found = Had | Absent;

/** Items of all that was found, each once; objects in an order in which each stands after what it is verified by. */
export type Collected = { items: readonly Collateral[]; found: readonly Found[] };

const hour = 3600;
const day = 86_400;

/**
 * Each object, and before it what it is verified by. What is current in the cache is used without asking anybody. Whatever
 * servers, mirrors and caches do is in `found` and not thrown.
 */
export function collect(objects: readonly VendorObject[], tools: CollectTools): Promise<Collected> {
  return gather(objects, tools, ({ facts }) => facts.expires < tools.now);
}

/** The same, asking as soon as that is due and not only when it is too late. */
export function refresh(objects: readonly VendorObject[], tools: CollectTools): Promise<Collected> {
  return gather(objects, tools, (held) => isDue(held, tools.now));
}

/**
 * Due a day after it was fetched, and in the last third of its validity, where it is asked for once an hour at most: its vendor
 * may have no newer one. A chip's certificate is made once for each TCB, and AMD limits how often one may ask: only the latter.
 */
export function isDue({ object, stored, facts }: Held, now: UnixTime): boolean {
  const age = now - stored.fetched;
  // lastThird = issued + 2/3 (expires − issued)
  const lastThird = facts.issued + Math.floor((2 * (facts.expires - facts.issued)) / 3);
  return (age > day && object.kind !== 'vcek') || (age > hour && now > lastThird);
}

/** Of what the cache holds: whether its publisher is asked all the same. */
type MustAsk = (held: Held) => boolean;
type Search = { object: VendorObject; name: string; tools: CollectTools; mustAsk: MustAsk };

async function gather(
  objects: readonly VendorObject[],
  tools: CollectTools,
  mustAsk: MustAsk,
): Promise<Collected> {
  const running = new Map<string, Promise<Found>>();
  const find = (object: VendorObject): Promise<Found> => {
    const name = objectName(object);
    const known = running.get(name);
    if (known !== undefined) return known;
    const issuers = Promise.all(dependsOn(object).map(find));
    const begun = issuers.then((all) => findOne({ object, name, tools, mustAsk }, all));
    running.set(name, begun);
    return begun;
  };
  for (const object of objects) find(object);
  const found = await Promise.all(running.values());
  const due = found.filter((one) => one.state === 'cached' && isDue(one, tools.now));
  if (tools.source !== null && due.length > 0) tools.revalidate(due.map(({ object }) => object));
  return { items: itemsOf(found), found };
}

async function findOne(search: Search, issuers: readonly Found[]): Promise<Found> {
  const { object, name, tools, mustAsk } = search;
  const lacking = issuers.find((one) => one.state === 'absent');
  if (lacking !== undefined) return absent(object, name, lacking.problem);
  const verifiedBy = issuers.map(({ stored }) => stored).filter((stored) => stored !== null);
  let held: Held | null = null;
  try {
    held = await readCache(search, verifiedBy);
    if (held !== null && !mustAsk(held)) return had('cached', name, held);
    return await ask(search, verifiedBy, held);
  } catch (error) {
    if (!(error instanceof CollateralError)) throw error;
    if (held === null) return absent(object, name, error);
    return had(held.facts.expires < tools.now ? 'stale' : 'cached', name, held, error);
  }
}

/**
 * What lies in the cache is accepted anew, as if it had come just now, or at its end where that is past. A verifier would refuse
 * a foreign entry too (the simulator's chain, another chip's certificate), but then evidence would be invalid that is not: here
 * such an entry, or a damaged one, costs a request. It is a few signatures, some milliseconds.
 * @throws CollateralError `cache-unusable` offline, when there is nothing else
 */
async function readCache(
  { object, name, tools }: Search,
  issuers: readonly StoredObject[],
): Promise<Held | null> {
  try {
    const stored = await tools.store.read(name);
    if (stored === null) return null;
    const { roots, crypto } = tools;
    const now = Math.min(nowOf(tools), factsOf(object, stored).expires);
    const moment = { roots, now, crypto, previous: null, issuers, date: null };
    return { object, stored, facts: await acceptObject(object, stored, moment) };
  } catch (error) {
    if (tools.source === null && isUnusable(error)) throw error;
    if (error instanceof CollateralError || error instanceof AttestationError) return null;
    throw error;
  }
}

/** @throws CollateralError */
async function ask(
  search: Search,
  issuers: readonly StoredObject[],
  held: Held | null,
): Promise<Found> {
  const { object, name, tools, mustAsk } = search;
  const { source, store } = tools;
  if (source === null) {
    const why = held === null ? 'is not in the cache' : 'is out of date in the cache';
    throw new CollateralError('not-cached', `${describeObject(object)} ${why}`);
  }
  return alone(store, name, async () => {
    // Whoever was alone before may have fetched it.
    const known = await readCache(search, issuers);
    if (known !== null && !mustAsk(known)) return had('cached', name, known);
    const fresh = await fetched(search, source, issuers, known ?? held);
    const problem = await keep(store, name, fresh.stored);
    return had('fetched', name, fresh, problem);
  });
}

/** @throws CollateralError */
async function fetched(
  { object, tools }: Search,
  source: Source,
  issuers: readonly StoredObject[],
  held: Held | null,
): Promise<Held> {
  const { endpoints, roots, crypto } = tools;
  const address = addressOf(object, endpoints);
  const answer = await source.get(address, answerLimit(object));
  const now = nowOf(tools);
  const stored = { ...readAnswer(object, answer), fetched: now, source: printableAddress(address) };
  const previous = held?.facts ?? null;
  const moment = { roots, now, crypto, previous, issuers, date: answer.date };
  return { object, stored, facts: await acceptObject(object, stored, moment) };
}

function nowOf({ now, clock }: CollectTools): UnixTime {
  return Math.max(now, clock?.() ?? now);
}

/** Without a cache that can be locked, everybody asks for himself. */
async function alone<T>(store: Store, name: string, work: () => Promise<T>): Promise<T> {
  let begun = false;
  try {
    return await store.alone(name, () => {
      begun = true;
      return work();
    });
  } catch (error) {
    if (begun || !isUnusable(error)) throw error;
    return work();
  }
}

/** What was had is good, whether or not it can be kept. */
async function keep(
  store: Store,
  name: string,
  stored: StoredObject,
): Promise<CollateralError | null> {
  try {
    await store.write(name, stored);
    return null;
  } catch (error) {
    if (isUnusable(error)) return error;
    throw error;
  }
}

function isUnusable(error: unknown): error is CollateralError {
  return error instanceof CollateralError && error.code === 'cache-unusable';
}

function had(
  state: Had['state'],
  name: string,
  { object, facts, stored }: Held,
  problem: CollateralError | null = null,
): Had {
  const { fetched, source } = stored;
  return { object, name, state, facts, stored, fetched, source, problem };
}

function absent(object: VendorObject, name: string, problem: CollateralError): Absent {
  const nothing = { facts: null, stored: null, fetched: null, source: null } as const;
  return { object, name, state: 'absent', ...nothing, problem };
}

function itemsOf(found: readonly Found[]): Collateral[] {
  const items: Collateral[] = [];
  for (const { kind, data } of found.flatMap(({ stored }) => stored?.items ?? [])) {
    if (!items.some((item) => item.kind === kind && equalBytes(item.data, data)))
      items.push({ kind, data });
  }
  return items;
}
