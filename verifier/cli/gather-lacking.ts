/** What a piece of evidence lacks, from the cache or from who publishes it, and what people are told of it. */

import type { CollateralError } from '#verifier/collateral/collateral-error.ts';
import type { CollectTools, Found } from '#verifier/collateral/collect.ts';
import { needsOf } from '#verifier/collateral/needs.ts';
import {
  describeObject,
  type StoredObject,
  type VendorObject,
} from '#verifier/collateral/vendor-object.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import type { SourceOptions } from './collateral-options.ts';
import type { Setup } from './collateral-setup.ts';
import { withSpinner } from './spinner.ts';

/** @param now what the evidence is verified for, and may be past; what is gathered is current by the clock */
export type GatherLacking = (
  evidence: Evidence,
  given: readonly Collateral[],
  now: UnixTime,
) => Promise<readonly StoredObject[]>;

/** @param say one line for people */
export function gatherLacking(
  options: SourceOptions,
  roots: readonly TrustedRoot[],
  say: (line: string) => void,
): GatherLacking {
  let opened: Promise<Setup> | undefined;
  return async (evidence, given, now) => {
    const { needs, lacks } = needsOf(evidence, given, now, needsOptions(options));
    for (const lack of lacks) say(harmless(`cannot be gathered: ${lack}`));
    if (needs.length === 0) return [];
    // Loaded here: evidence that is simply bad needs no cache.
    const { openTools, unixNow } = await import('./collateral-setup.ts');
    opened ??= openTools(options, roots, (problem) => say(problemLine(problem)));
    const tools = (await opened).toolsAt(unixNow());
    const found = await collecting(needs, tools);
    for (const line of linesOf(found)) say(line);
    return found.map(({ stored }) => stored).filter((stored) => stored !== null);
  };
}

export function needsOptions({ product, early }: SourceOptions) {
  const update = early === true ? 'early' : 'standard';
  return { ...(product !== undefined && { product }), update } as const;
}

async function collecting(
  needs: readonly VendorObject[],
  tools: CollectTools,
): Promise<readonly Found[]> {
  const { collect } = await import('#verifier/collateral/collect.ts');
  const work = async () => (await collect(needs, tools)).found;
  return tools.source === null ? work() : withSpinner('asking for collateral', work);
}

/** Nothing of what the cache had; of several that cannot be had for the same reason the first says it. */
export function linesOf(found: readonly Found[]): string[] {
  const lines: string[] = [];
  const missing = new Map<string, CollateralError[]>();
  for (const { object, state, source, facts, problem } of found) {
    const what = describeObject(object);
    if (state === 'fetched') lines.push(`fetched ${what} from ${hostOf(source)}`);
    if (state === 'fetched' && problem !== null) lines.push(problemLine(problem));
    if (state === 'stale') {
      const since = `${what} is out of date since ${formatTime(facts.expires)}`;
      lines.push(`${since}, and no newer one can be had: ${problem?.message}`);
    }
    if (state === 'absent') {
      missing.set(problem.code, [...(missing.get(problem.code) ?? []), problem]);
    }
  }
  for (const problems of missing.values()) {
    const [first] = problems as [CollateralError, ...CollateralError[]];
    lines.push(problemLine(first, problems.length - 1));
  }
  return lines.map(harmless);
}

/** @param others that have the same problem */
export function problemLine({ message, remedy }: CollateralError, others = 0): string {
  const more = others === 0 ? '' : ` (and ${others} more ${others === 1 ? 'object' : 'objects'})`;
  return harmless(`${message}${more}. ${remedy}`);
}

function hostOf(source: string): string {
  return URL.parse(source)?.host ?? source;
}
