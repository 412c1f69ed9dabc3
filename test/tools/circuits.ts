/**
 * `npm run circuits -- [NAME] [--pin]`: compiles the circuits and compares what comes out with
 * circuits/pins.json and circuits/gates.json; `--pin` writes both instead, and no gate count above
 * its ceiling. `npm run gates` counts the gates of the cached artefacts. Exit code 1 when anything
 * differs.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import yargs from 'yargs';
import { type Artifact, buildArtifact, circuitPin, loadArtifact } from '#prover/artifact.ts';
import { measureCircuit } from '#prover/circuit-gates.ts';
import { type CircuitName, circuitNames } from '#prover/circuit-names.ts';
import { type CircuitPin, pinsFile } from '#prover/circuit-pins.ts';
import { circuitsFolder } from '#prover/circuit-sources.ts';
import { type Decoder, integer, object, parseJson } from '#verifier/json.ts';

const count = integer(1, 2 ** 28);

/** Gates as recorded, and the promise: more than the ceiling is never recorded. */
export type Gates = { gates: number; ceiling: number };

const gatesFile = join(circuitsFolder, 'gates.json');

/** @throws AttestationError `json-malformed` or `json-shape` for an edited file */
export async function readGates(): Promise<Record<CircuitName, Gates>> {
  const entry = object({ gates: count, ceiling: count });
  const members = Object.fromEntries(circuitNames.map((name) => [name, entry]));
  const decode = object(members) as Decoder<Record<CircuitName, Gates>>;
  return decode(parseJson(await readFile(gatesFile, 'utf8'), 'circuits/gates.json'), 'gates');
}

type Measured = { readonly name: CircuitName; readonly pin: CircuitPin };

async function measure(artifact: Artifact): Promise<Measured> {
  const { name, artifactHash, sourceHash, bytecode } = artifact;
  return { name, pin: { artifactHash, sourceHash, ...(await measureCircuit(bytecode)) } };
}

/** @returns what is wrong, a line each */
async function compare({ name, pin }: Measured): Promise<string[]> {
  const pinned = await circuitPin(name);
  const recorded = (await readGates())[name];
  const wrong = (['artifactHash', 'sourceHash', 'gates', 'points'] as const)
    .filter((part) => pinned[part] !== pin[part])
    .map((part) => `${name}: ${part} is ${pin[part]}, pinned is ${pinned[part]}`);
  if (recorded.gates !== pin.gates) {
    wrong.push(`${name}: ${pin.gates} gates, circuits/gates.json says ${recorded.gates}`);
  }
  return [...wrong, ...aboveCeiling(name, pin, recorded)];
}

function aboveCeiling(name: string, { gates }: CircuitPin, { ceiling }: Gates): string[] {
  return gates > ceiling ? [`${name}: ${gates} gates, the ceiling is ${ceiling}`] : [];
}

/** @returns what is wrong, a line each; nothing is written then */
async function pinAll(measured: readonly Measured[]): Promise<string[]> {
  const recorded = await readGates();
  const wrong = measured.flatMap(({ name, pin }) => aboveCeiling(name, pin, recorded[name]));
  if (wrong.length > 0) return wrong;
  const pins = Object.fromEntries(measured.map(({ name, pin }) => [name, pin]));
  const gates = measured.map(({ name, pin }) => [
    name,
    { gates: pin.gates, ceiling: recorded[name].ceiling },
  ]);
  await writeJson(join(circuitsFolder, pinsFile), pins);
  await writeJson(gatesFile, Object.fromEntries(gates));
  return [];
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

async function main(): Promise<number> {
  const argv = await yargs(process.argv.slice(2))
    .scriptName('npm run circuits --')
    .command('$0 [name]', 'compile the circuits and compare them with what is pinned')
    .positional('name', { choices: circuitNames, describe: 'only this circuit' })
    .option('pin', { type: 'boolean', default: false, describe: 'write the pins instead' })
    .option('cached', { type: 'boolean', default: false, describe: 'only count gates' })
    .check(({ name, pin, cached }) => {
      if (pin && (cached || name !== undefined)) throw new Error('--pin pins all circuits, alone');
      return true;
    })
    .strict()
    .version(false)
    .parseAsync();
  const names = argv.name === undefined ? circuitNames : [argv.name as CircuitName];
  const measured: Measured[] = [];
  for (const name of names) {
    const start = performance.now();
    const one = await measure(await (argv.cached ? loadArtifact(name) : buildArtifact(name)));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const { gates, points, artifactHash } = one.pin;
    console.log(
      `${name.padEnd(20)} ${gates} gates  ${points} points  ${seconds} s  ${artifactHash}`,
    );
    measured.push(one);
  }
  const wrong = argv.pin
    ? await pinAll(measured)
    : (await Promise.all(measured.map(compare))).flat();
  for (const line of wrong) console.error(line);
  if (wrong.length > 0 && !argv.pin) {
    console.error('A change on purpose is pinned with: npm run circuits -- --pin');
  }
  return wrong.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
