/** `affidavit collateral show` and `prune`: what the cache holds, and until when. */
import { factsOf } from '#verifier/collateral/facts.ts';
import { objectOfName } from '#verifier/collateral/object-name.ts';
import {
  describeObject,
  type ObjectFacts,
  type StoredObject,
} from '#verifier/collateral/vendor-object.ts';
import { AttestationError } from '#verifier/errors.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { exitCodes, usageError } from './cli-error.ts';
import type { CollateralOutput } from './collateral-command.ts';
import type { CollateralFound } from './collateral-options.ts';
import { type Cache, needCache, openCache, unixNow } from './collateral-setup.ts';

type Entry = { name: string; what: string; stored: StoredObject; facts: ObjectFacts };
/** Damaged: what cannot be read, which nobody is handed. */
type Content = { entries: readonly Entry[]; damaged: readonly string[] };

/** @throws CliError wrong usage; undecided for a cache that cannot be read */
export async function runShowCache(options: CollateralFound): Promise<CollateralOutput> {
  const within = options.within === undefined ? null : secondsOf('within', options.within);
  const now = unixNow();
  const { entries, damaged } = await needCache(async () => contentOf(await openCache(options)));
  const soon = entries.filter(({ facts }) => within !== null && facts.expires <= now + within);
  return {
    stdout: options.format === 'json' ? jsonOf(entries, damaged) : textOf(entries, now),
    stderr: damaged.length === 0 ? '' : `affidavit: ${damagedLine(damaged.length)}\n`,
    exitCode: soon.length === 0 ? exitCodes.accepted : exitCodes.rejected,
  };
}

/** @throws CliError wrong usage; undecided for a cache that cannot be written */
export async function runPrune(options: CollateralFound): Promise<CollateralOutput> {
  const { all = false, olderThan } = options;
  if (all && olderThan !== undefined) {
    throw usageError('--all and --older-than contradict each other', 'Give one of them.');
  }
  const age = olderThan === undefined ? null : secondsOf('older-than', olderThan);
  const now = unixNow();
  const removed = await needCache(async () => {
    const cache = await openCache(options);
    const { entries, damaged } = await contentOf(cache);
    const goes = ({ stored, facts }: Entry) =>
      all || facts.expires < now || (age !== null && now - stored.fetched > age);
    const names = [...entries.filter(goes).map(({ name }) => name), ...damaged];
    for (const name of names) await cache.remove(name);
    return names;
  });
  const stdout =
    options.format === 'json'
      ? `${JSON.stringify({ removed }, null, 2)}\n`
      : `${removed.map((name) => `removed ${name}\n`).join('') || 'nothing to remove\n'}`;
  return { stdout, stderr: '', exitCode: exitCodes.accepted };
}

/** What ends first first. Only read: what is used is verified when it is. */
async function contentOf(cache: Cache): Promise<Content> {
  const entries: Entry[] = [];
  const damaged: string[] = [];
  for (const name of await cache.names()) {
    const entry = entryOf(name, await cache.read(name));
    if (entry === null) damaged.push(name);
    else entries.push(entry);
  }
  return { entries: entries.toSorted((a, b) => a.facts.expires - b.facts.expires), damaged };
}

function entryOf(name: string, stored: StoredObject | null): Entry | null {
  const object = objectOfName(name);
  if (object === null || stored === null) return null;
  try {
    return { name, what: describeObject(object), stored, facts: factsOf(object, stored) };
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

const units = { h: 3600, d: 86_400 } as const;

/** `12h`, `7d` @returns seconds @throws CliError wrong usage */
export function secondsOf(option: string, text: string): number {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  if (count === undefined) {
    throw usageError(`--${option} ${text} is no time span`, 'Write for example 12h or 7d.');
  }
  return Number(count) * units[unit as keyof typeof units];
}

function damagedLine(count: number): string {
  const entries = count === 1 ? 'entry is' : 'entries are';
  return `${count} ${entries} damaged and used by nobody. Remove with affidavit collateral prune.`;
}

function textOf(entries: readonly Entry[], now: UnixTime): string {
  if (entries.length === 0) return 'the cache is empty\n';
  return entries.map((entry) => `${linesOf(entry, now).map(harmless).join('\n')}\n`).join('');
}

function linesOf({ what, stored, facts }: Entry, now: UnixTime): string[] {
  const { issued, expires, number } = facts;
  const { fetched, source } = stored;
  const numbered = number === null ? '' : `, number ${number}`;
  return [
    what,
    `  ends     ${formatTime(expires)} (${expires < now ? 'out of date' : `in ${span(expires - now)}`})`,
    `  issued   ${formatTime(issued)}${numbered}`,
    `  fetched  ${formatTime(fetched)} from ${source}`,
  ];
}

function span(seconds: number): string {
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} minutes`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} hours`;
  return `${Math.floor(seconds / 86_400)} days`;
}

function jsonOf(entries: readonly Entry[], damaged: readonly string[]): string {
  const objects = entries.map(({ name, stored, facts }) => ({
    name,
    issued: facts.issued,
    expires: facts.expires,
    number: facts.number?.toString() ?? null,
    fetched: stored.fetched,
    source: stored.source,
  }));
  return `${JSON.stringify({ objects, damaged }, null, 2)}\n`;
}
