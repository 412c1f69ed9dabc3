/** What goes into the image: the production agent as one file holds only what it reaches. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The paths of all modules in the bundle, from the root of the repository. */
async function modulesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
}

const packageOf = (path: string) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

let modules: string[];
beforeAll(async () => {
  modules = await modulesOf('agent/cli.ts');
});

test('the bundle holds the agent', () => {
  expect(modules).toContain('agent/app.ts');
  expect(modules).toContain('agent/configfs.ts');
  expect(modules.map(packageOf)).toContain('koa');
});

test('no simulator, no verifier above the formats, no prover is in it', () => {
  const own = modules.filter((path) => packageOf(path) === undefined);
  expect(own.filter((path) => !/^(?:agent|verifier)\//.test(path))).toEqual([]);
  const kernel = /^verifier\/(?:abi\/|smt\/|[a-z]+\.ts$)/;
  expect(own.filter((path) => path.startsWith('verifier/') && !kernel.test(path))).toEqual([]);
});

test('no HTTP client, certificate library or command line parser is in it', () => {
  const packages = new Set(modules.map(packageOf));
  for (const name of ['axios', '@peculiar/x509', 'yargs', 'reflect-metadata', 'vitest']) {
    expect(packages).not.toContain(name);
  }
});

test('the same look at the insecure agent finds the simulator', async () => {
  const found = await modulesOf('test/fake/insecure-agent.ts');
  expect(found).toContain('test/fake/snp-device.ts');
  expect(found.map(packageOf)).toContain('yargs');
});
