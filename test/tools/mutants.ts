/**
 * `npm run mutants -- [LIBRARY…]`: deletes each constraint of a circuit library in turn, in a copy, and runs the library's tests.
 * Prints the test that notices. Exit code 1 when a constraint can be deleted and nothing notices: a survivor.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { circuitsFolder } from '#prover/circuit-sources.ts';
import { constraintsOf, without } from './mutants-find.ts';

/** The tests that are asked, the quick ones first. */
const testsOf: Readonly<Record<string, readonly string[]>> = {
  bignum: ['bignum', 'p384-curve'],
  p384: ['p384-curve', 'p384', 'p384.slow'],
  'p384/lib.nr': ['p384.slow', 'p384-curve', 'p384'],
  sha384: ['sha384-hints', 'sha384', 'sha384.slow'],
  rsa: ['rsa', 'rsa-power.slow', 'rsa.slow'],
  vek: ['vek', 'vek.slow'],
  snp_report: ['snp-report', 'snp-corpus.slow'],
};

type Mutant = {
  readonly library: string;
  readonly file: string;
  readonly text: string;
  readonly at: number;
};
function testsFor({ library, file }: Mutant): readonly string[] {
  return testsOf[`${library}/${file}`] ?? testsOf[library] ?? [];
}

type Outcome = { readonly mutant: Mutant; readonly noticed: string | null };

async function mutantsOf(library: string): Promise<Mutant[]> {
  const folder = join(circuitsFolder, 'lib', library, 'src');
  const files = (await readdir(folder)).filter((file) => file !== 'constants.nr').sort();
  const found: Mutant[] = [];
  for (const file of files) {
    const source = await readFile(join(folder, file), 'utf8');
    found.push(...constraintsOf(source).map((one) => ({ library, file, ...one })));
  }
  return found;
}

/** In a copy of the circuits of its own. @returns the test that failed, or null */
async function noticedBy(mutant: Mutant): Promise<string | null> {
  const copy = await mkdtemp(join(tmpdir(), 'affidavit-mutant-'));
  try {
    const circuits = join(copy, 'circuits');
    await cp(circuitsFolder, circuits, { recursive: true });
    const path = join(circuits, 'lib', mutant.library, 'src', mutant.file);
    await writeFile(path, without(await readFile(path, 'utf8'), mutant));
    const results = join(copy, 'results.json');
    for (const name of testsFor(mutant)) {
      const file = `test/circuits/linked/${name}.test.ts`;
      const options = ['--mode=slow', '--bail=1', '--maxWorkers=1', '--reporter=json'];
      await run(['run', ...options, `--outputFile.json=${results}`, file], {
        AFFIDAVIT_TEST_CIRCUITS: `${circuits}/`,
        AFFIDAVIT_TEST_CIRCUITS_CACHE: join(copy, 'cache'),
      });
      const noticed = firstFailure(await readFile(results, 'utf8'));
      if (noticed !== null) return noticed;
    }
    return null;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function firstFailure(results: string): string | null {
  const { testResults } = JSON.parse(results) as {
    testResults: {
      status: string;
      message: string;
      assertionResults: { status: string; fullName: string }[];
    }[];
  };
  for (const file of testResults) {
    const failed = file.assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return failed.fullName;
    if (file.status === 'failed') return file.message.split('\n')[0] ?? 'a test file';
  }
  return null;
}

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const vitest = new URL('../../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [vitest, ...args], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    child.on('error', failed);
    child.on('exit', () => done());
  });
}

async function main(names: readonly string[]): Promise<number> {
  const libraries =
    names.length > 0 ? names : Object.keys(testsOf).filter((name) => !name.includes('/'));
  const waiting = (await Promise.all(libraries.map(mutantsOf))).flat();
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const noticed = await noticedBy(mutant);
      outcomes.push({ mutant, noticed });
      const place = `${mutant.library}/${mutant.file}:${mutant.at}`;
      console.log(
        `${noticed === null ? 'SURVIVED' : 'noticed '}  ${place}  ${mutant.text}  ${noticed ?? ''}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  const survivors = outcomes.filter(({ noticed }) => noticed === null);
  console.log(`${outcomes.length} constraints deleted, ${survivors.length} not noticed`);
  return survivors.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
