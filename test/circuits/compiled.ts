/** Circuits under circuits/test, compiled once for all tests that take them: kept until a source or the compiler changes. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCircuitSources, sourceHashOf } from '#prover/circuit-sources.ts';
import { type Compiled, compileSources } from '#prover/compile.ts';
import { cacheFolder } from '#test/tools/debian.ts';

/** Elsewhere only for `npm run mutants`, which changes a copy. */
const root = process.env['AFFIDAVIT_TEST_CIRCUITS'];
const folder = process.env['AFFIDAVIT_TEST_CIRCUITS_CACHE'] ?? join(cacheFolder, 'circuits');

/** @param name folder under circuits/test */
export async function compiledForTests(name: string): Promise<Compiled> {
  const sources = await readCircuitSources(`test/${name}`, root);
  const file = join(folder, `${name}-${sourceHashOf(sources)}.json`);
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8'));
  const compiled = await compileSources(`test/${name}`, sources);
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.${process.pid}`, JSON.stringify(compiled));
  await rename(`${file}.${process.pid}`, file);
  return compiled;
}
