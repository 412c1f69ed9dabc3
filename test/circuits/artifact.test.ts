import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuildInfo, circuitPin, loadArtifact } from '#prover/artifact.ts';
import { measureCircuit } from '#prover/circuit-gates.ts';
import { circuitNames } from '#prover/circuit-names.ts';
import { circuitsFolder, readCircuitSources } from '#prover/circuit-sources.ts';
import { circuitSourceHash, compileSources } from '#prover/compile.ts';
import { artifactHashOf } from '#prover/execute.ts';
import { readGates } from '#test/tools/circuits.ts';

const name = 'response-open-key';

/** Copies of circuits/ to change. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'affidavit-circuits-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function copyOf(title: string): Promise<string> {
  const root = join(folder, title);
  const filter = (path: string) => !path.includes('target');
  await cp(circuitsFolder, root, { recursive: true, filter });
  return root;
}

async function append(file: string, text: string): Promise<void> {
  await writeFile(file, `${await readFile(file, 'utf8')}${text}`);
}

/** A compilation takes a second, or many on a busy machine. */
const slowly = { timeout: 120_000 };

describe('compiling', () => {
  const toy = (main: string) =>
    new Map([
      ['bin/toy/Nargo.toml', '[package]\nname = "toy"\ntype = "bin"\n'],
      ['bin/toy/src/main.nr', main],
    ]);

  test('accepts what is right', slowly, async () => {
    const sources = toy('fn main(x: Field) { assert(x != 0, "zero"); }');
    const { bytecode, artifactHash } = await compileSources('bin/toy', sources);
    expect(artifactHash).toBe(artifactHashOf(bytecode));
  });

  test('refuses an error with the diagnostics', slowly, async () => {
    await expect(compileSources('bin/toy', toy('fn main() { unknown }'))).rejects.toThrow(
      /bin\/toy does not compile: .*unknown/s,
    );
  });
});

describe('the source hash', () => {
  test('covers the circuit and every library it reaches, and no other', async () => {
    const paths = [...(await readCircuitSources('bin/response_open_key')).keys()];
    const packages = [
      'bin/response_open_key',
      ...['limbs', 'p2', 'service', 'tree'].map((one) => `lib/${one}`),
    ];
    expect(paths).toEqual(
      packages.flatMap((one) => [
        `${one}/Nargo.toml`,
        ...(one === 'lib/limbs' ? [`${one}/src/hints.nr`] : []),
        `${one}/src/${one.startsWith('bin') ? 'main' : 'lib'}.nr`,
      ]),
    );
  });
  test.each([
    ['lib/p2/src/lib.nr', true],
    ['lib/tree/Nargo.toml', true],
    ['bin/response_open_key/src/main.nr', true],
    ['lib/signature/src/lib.nr', false],
    ['bin/response_open/src/main.nr', false],
  ])('a change of %s changes it: %s', async (file, changes) => {
    const root = await copyOf(`hash-${file.replaceAll('/', '-')}`);
    const before = await circuitSourceHash(name, root);
    expect(before).toBe(await circuitSourceHash(name));
    await append(join(root, file), '\n');
    expect((await circuitSourceHash(name, root)) !== before).toBe(changes);
  });

  test('a dependency in another form is refused', async () => {
    const root = await copyOf('dependency');
    await append(join(root, 'lib/tree/Nargo.toml'), 'x = { git = "https://example.org" }\n');
    await expect(circuitSourceHash(name, root)).rejects.toThrow('lib/tree/Nargo.toml');
  });
});

describe('an artefact', () => {
  test('compiled elsewhere has the same bytes; then it comes from the cache', slowly, async () => {
    const root = await copyOf('cache');
    const told: BuildInfo[] = [];
    const onBuild = (info: BuildInfo) => told.push(info);
    const built = await loadArtifact(name, { root, onBuild });
    expect(told.map(({ state }) => state)).toEqual(['started', 'done']);
    expect(built.artifactHash).toBe((await circuitPin(name)).artifactHash);
    expect(built).toEqual(await loadArtifact(name));

    expect(await loadArtifact(name, { root, onBuild })).toEqual(built);
    expect(told).toHaveLength(2);
  });

  test('whose cached file is damaged is made again', slowly, async () => {
    const root = await copyOf('damaged');
    const right = await loadArtifact(name);
    const file = join(root, 'target', `${name}-${right.sourceHash.slice(0, 16)}.json`);
    await mkdir(join(root, 'target'));
    // Its hash is the pinned one by its own word alone.
    await writeFile(file, JSON.stringify({ ...right, bytecode: `AAAA${right.bytecode}` }));
    expect(await loadArtifact(name, { root })).toEqual(right);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(right);
    expect(await readdir(join(root, 'target'))).toHaveLength(1);
  });

  test('that is not the pinned one is refused, built or cached', slowly, async () => {
    const root = await copyOf('changed');
    const main = join(root, 'bin/response_open_key/src/main.nr');
    const text = await readFile(main, 'utf8');
    const weak = text.replace('    nonce.assert_range();\n', '');
    expect(weak).not.toBe(text);
    await writeFile(main, weak);
    const pinned = `circuits/pins.json pins ${(await circuitPin(name)).artifactHash}`;
    await expect(loadArtifact(name, { root })).rejects.toThrow(pinned);
    expect(await readdir(join(root, 'target'))).toHaveLength(1);
    await expect(loadArtifact(name, { root })).rejects.toThrow(pinned);
  });
});

describe.each(circuitNames)('%s', (circuit) => {
  test('has no more gates than recorded, and the pinned size', slowly, async () => {
    const { bytecode } = await loadArtifact(circuit);
    const size = await measureCircuit(bytecode);
    const { gates, ceiling } = (await readGates())[circuit];
    expect(size.gates).toBeLessThanOrEqual(gates);
    expect(gates).toBeLessThanOrEqual(ceiling);
    const pin = await circuitPin(circuit);
    expect(size).toEqual({ gates: pin.gates, points: pin.points });
    expect(pin.sourceHash).toBe(await circuitSourceHash(circuit));
  });
});

test('response-open-key is proved with 32,769 points', async () => {
  expect((await circuitPin(name)).points).toBeLessThanOrEqual(32_769);
});
