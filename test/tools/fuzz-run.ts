/**
 * The loop of `npm run fuzz`: mutated input into parsers that may only accept or throw an
 * AttestationError.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Bytes } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import { mutate, seededRandom } from './fuzz-mutate.ts';

export type Parser = {
  name: string;
  /** Returns for input that is accepted; any other error than AttestationError is a finding. */
  parse: (bytes: Bytes) => unknown;
  /** Good input, of which at least one is accepted. */
  seeds: readonly Bytes[];
};

export type FuzzOptions = { runs: number; seed: number; onProgress?: (run: number) => void };

export type ParserCounts = {
  name: string;
  accepted: number;
  refused: number;
  /** How often each error code was the answer. */
  codes: Map<string, number>;
  /** CPU of its slowest call. */
  slowestMs: number;
};

export type Finding = {
  kind: 'exception' | 'slow';
  parser: string;
  /** Counts from 0. */
  run: number;
  input: Bytes;
  problem: string;
};

export type FuzzResult = {
  runs: number;
  seconds: number;
  parsers: ParserCounts[];
  findings: Finding[];
  /** Bytes in use after a collection: when the parsers were warm, and at the end. */
  heap: { start: number; end: number };
  memoryFlat: boolean;
};

/** CPU that one call may take. */
export const maxCallMs = 250;
/** What compiled code and caches may still grow by after the warm-up. */
export const maxHeapGrowth = 8 * 1024 * 1024;
const maxFindings = 20;
/** A tenth of the runs, at most this many, come before memory is measured. */
const warmUpRuns = 20_000;

/**
 * @throws RangeError when no seed of a parser is accepted: the seeds are not what they should be
 */
export function fuzz(parsers: readonly Parser[], options: FuzzOptions): FuzzResult {
  const { runs, seed, onProgress } = options;
  for (const { name, parse, seeds } of parsers) {
    if (!seeds.some((bytes) => outcomeOf(parse, bytes) === 'accepted')) {
      throw new RangeError(`${name}: none of its ${seeds.length} seeds is accepted`);
    }
  }
  const random = seededRandom(seed);
  const findings: Finding[] = [];
  const counts = parsers.map(
    ({ name }): ParserCounts => ({
      name,
      accepted: 0,
      refused: 0,
      codes: new Map(),
      slowestMs: 0,
    }),
  );
  const warm = Math.min(warmUpRuns, Math.floor(runs / 10));
  const startedAt = performance.now();
  let heapAtStart = heapInUse();
  let run = 0;
  for (; run < runs && findings.length < maxFindings; run++) {
    if (run === warm) heapAtStart = heapInUse();
    if (run % 50_000 === 0) onProgress?.(run);
    const at = random.below(parsers.length);
    const parser = parsers[at] as Parser;
    const count = counts[at] as ParserCounts;
    const input = mutate(parser.seeds, random);
    const before = process.threadCpuUsage();
    const outcome = outcomeOf(parser.parse, input);
    const used = process.threadCpuUsage(before);
    if (outcome === 'accepted') count.accepted += 1;
    else if (typeof outcome === 'string') {
      count.refused += 1;
      count.codes.set(outcome, (count.codes.get(outcome) ?? 0) + 1);
    } else findings.push({ kind: 'exception', parser: parser.name, run, input, ...outcome });
    if ((used.user + used.system) / 1000 <= count.slowestMs) continue;
    // Once more: the first call may have paid for a collection or for compiling.
    const ms = Math.min((used.user + used.system) / 1000, cpuOf(parser.parse, input));
    count.slowestMs = Math.max(count.slowestMs, ms);
    if (ms > maxCallMs) {
      const problem = `${Math.round(ms)} ms of CPU for ${input.length} bytes`;
      findings.push({ kind: 'slow', parser: parser.name, run, input, problem });
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const heap = { start: heapAtStart, end: heapInUse() };
  const memoryFlat = heap.end - heap.start <= maxHeapGrowth;
  return { runs: run, seconds, parsers: counts, findings, heap, memoryFlat };
}

/** `accepted`, the code of the refusal, or what else was thrown. */
export function outcomeOf(
  parse: Parser['parse'],
  input: Bytes,
): 'accepted' | (string & {}) | { problem: string } {
  try {
    parse(input);
    return 'accepted';
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    return { problem: error instanceof Error ? (error.stack ?? String(error)) : String(error) };
  }
}

function cpuOf(parse: Parser['parse'], input: Bytes): number {
  const before = process.threadCpuUsage();
  outcomeOf(parse, input);
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

let collect: (() => void) | undefined;

function heapInUse(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
