/**
 * `npm run fuzz -- TARGET --runs N [--seed S]`: mutated input into every parser of a target. Exit
 * code 1, with the input saved, for anything but acceptance or a typed refusal, for a call over 250
 * ms of CPU, and for memory that grows. `--replay FILE --parser NAME` runs one saved input again.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { azureParsers } from './fuzz-azure.ts';
import { eventLogParsers } from './fuzz-event-log.ts';
import { nitroParsers } from './fuzz-nitro.ts';
import { nvidiaParsers } from './fuzz-nvidia.ts';
import { rimParsers } from './fuzz-rim.ts';
import { type FuzzResult, fuzz, maxHeapGrowth, outcomeOf, type Parser } from './fuzz-run.ts';
import { snpParsers } from './fuzz-snp.ts';
import { tdxParsers } from './fuzz-tdx.ts';
import { tpmParsers } from './fuzz-tpm.ts';

const deviceTargets: Readonly<Record<string, () => Promise<Parser[]>>> = {
  'event-log': eventLogParsers,
  tpm: tpmParsers,
  azure: azureParsers,
  nitro: nitroParsers,
  nvidia: nvidiaParsers,
  rim: rimParsers,
};

/** A further kind of evidence is one more line. */
export const fuzzTargets: Readonly<Record<string, () => Promise<Parser[]>>> = {
  snp: () => snpParsers(),
  tdx: () => tdxParsers(),
  ...deviceTargets,
  /** All of what is no CPU's alone. */
  devices: async () =>
    (await Promise.all(Object.values(deviceTargets).map((parsers) => parsers()))).flat(),
};

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

export function renderFuzz({ runs, seconds, parsers, heap }: FuzzResult): string {
  const lines = parsers.map(({ name, accepted, refused, slowestMs, codes }) => {
    const often = [...codes].toSorted(([, a], [, b]) => b - a).slice(0, 3);
    const shown = often.map(([code, count]) => `${code} ${Math.round((100 * count) / refused)} %`);
    return [
      name.padEnd(22),
      String(accepted).padStart(9),
      String(refused).padStart(9),
      `${slowestMs.toFixed(1)} ms`.padStart(10),
      `  ${shown.join(', ')}`,
    ].join(' ');
  });
  const slowest = parsers.toSorted((a, b) => b.slowestMs - a.slowestMs)[0];
  return [
    `${'parser'.padEnd(22)} ${'accepted'.padStart(9)} ${'refused'.padStart(9)} ${'slowest'.padStart(10)}   most often`,
    ...lines,
    '',
    `${runs} runs in ${seconds.toFixed(1)} s: ${Math.round(runs / seconds)} runs/s`,
    `slowest call: ${slowest?.slowestMs.toFixed(1)} ms of CPU (${slowest?.name})`,
    `heap after collection: ${mib(heap.start)} at start, ${mib(heap.end)} at end`,
  ].join('\n');
}

/** @returns the exit code */
async function run(target: string, runs: number, seed: number): Promise<number> {
  const parsers = await (fuzzTargets[target] as () => Promise<Parser[]>)();
  console.log(`fuzz ${target}: ${runs} runs, seed ${seed}, ${parsers.length} parsers`);
  const onProgress = (at: number) => process.stderr.write(`\r${at} of ${runs} `);
  const result = fuzz(parsers, { runs, seed, ...(process.stderr.isTTY && { onProgress }) });
  console.log(renderFuzz(result));
  if (result.findings.length > 0) {
    const folder = mkdtempSync(join(tmpdir(), 'affidavit-fuzz-'));
    for (const { kind, parser, run, input, problem } of result.findings) {
      const file = join(folder, `${run}.bin`);
      writeFileSync(file, input);
      console.error(`\n${kind} in ${parser}, seed ${seed}, run ${run}, input ${file}\n${problem}`);
      console.error(`again: npm run fuzz -- ${target} --replay ${file} --parser '${parser}'`);
    }
  }
  if (!result.memoryFlat) {
    console.error(`\nmemory grew by more than ${mib(maxHeapGrowth)}, seed ${seed}`);
  }
  return result.findings.length === 0 && result.memoryFlat ? 0 : 1;
}

async function replay(target: string, file: string, name: string | undefined): Promise<number> {
  const parsers = await (fuzzTargets[target] as () => Promise<Parser[]>)();
  const parser = parsers.find((one) => one.name === name);
  if (parser === undefined) {
    console.error(`fuzz: --parser is one of ${parsers.map((one) => one.name).join(', ')}`);
    return 2;
  }
  const start = performance.now();
  const outcome = outcomeOf(parser.parse, new Uint8Array(readFileSync(file)));
  console.log(typeof outcome === 'string' ? outcome : outcome.problem);
  console.log(`${(performance.now() - start).toFixed(1)} ms`);
  return typeof outcome === 'string' ? 0 : 1;
}

async function main(): Promise<number> {
  const found = await yargs(process.argv.slice(2))
    .scriptName('npm run fuzz --')
    .command('$0 <target>', 'feed mutated input to every parser of a target')
    .positional('target', { choices: Object.keys(fuzzTargets), demandOption: true })
    .options({
      runs: { type: 'number', default: 100_000, requiresArg: true, describe: 'inputs to try' },
      seed: { type: 'number', default: 1, requiresArg: true, describe: 'of the mutator' },
      replay: { type: 'string', requiresArg: true, describe: 'a saved input to try once' },
      parser: { type: 'string', requiresArg: true, describe: 'which parser gets it' },
    })
    .strict()
    .version(false)
    .parseAsync();
  const target = String(found.target);
  if (found.replay !== undefined) return replay(target, found.replay, found.parser);
  if (!Number.isSafeInteger(found.runs) || found.runs < 1 || !Number.isSafeInteger(found.seed)) {
    console.error('fuzz: --runs is a whole number from 1 on, --seed a whole number');
    return 2;
  }
  return run(target, found.runs, found.seed);
}

if (import.meta.main) process.exitCode = await main();
