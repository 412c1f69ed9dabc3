/**
 * `npm run conformance [SAMPLE…]`: the same cases against each sample service; its signatures are
 * verified with another's library. Exit codes: 0 all passed (what cannot be built here is left out, and
 * said), 1 a case failed, 2 wrong usage.
 */
import { play } from './play.ts';
import { buildSample, type Sample, type SampleName, type Skipped, sampleNames } from './samples.ts';
import { verifierFor } from './verifiers.ts';

const columns = [20, 8, 8, 12, 22] as const;

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, i) => cell.padEnd(columns[i] ?? 0))
    .join(' ')
    .trimEnd();
}

async function build(): Promise<{ built: Sample[]; skipped: Skipped[] }> {
  const built: Sample[] = [];
  const skipped: Skipped[] = [];
  for (const name of sampleNames) {
    process.stderr.write(`building ${name} …\n`);
    const found = await buildSample(name);
    if ('skipped' in found) skipped.push(found);
    else built.push(found);
  }
  return { built, skipped };
}

async function main(asked: readonly string[]): Promise<number> {
  const unknown = asked.find((name) => !sampleNames.includes(name as SampleName));
  if (unknown !== undefined) {
    process.stderr.write(`conformance: no sample ${unknown}: ${sampleNames.join(', ')}\n`);
    return 2;
  }
  const wanted = (name: SampleName) => asked.length === 0 || asked.includes(name);
  // All are built whoever is asked for: they verify each other.
  const { built, skipped } = await build();
  const problems: string[] = [];
  console.log(row('service', 'passed', 'failed', 'signatures', 'verified by', 'time'));
  for (const sample of built.filter(({ name }) => wanted(name))) {
    const verifier = verifierFor(sample.name, built);
    const { passed, failed, verified, seconds } = await play(sample, verifier);
    problems.push(...failed);
    const by = verifier?.library ?? 'nobody else here';
    const counts = [passed, failed.length, verified].map(String);
    console.log(row(sample.name, ...counts, by, `${seconds.toFixed(0)} s`));
  }
  for (const { name, skipped: reason } of skipped.filter((one) => wanted(one.name))) {
    console.log(row(name, 'left out:', reason));
  }
  for (const problem of problems) console.log(`\n${problem}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
