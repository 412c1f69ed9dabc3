/** What goes into the image: the production agent as one file holds only what it reaches. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { build, type Metafile } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { hashNar } from '#agent/nar.ts';
import { agentBundle, bundleAgent } from '#test/tools/bundle-agent.ts';

/** All modules in the bundle, by their paths from the root of the repository. */
async function inputsOf(entry: string): Promise<Metafile['inputs']> {
  const { metafile } = await build({ ...agentBundle, entryPoints: [entry], write: false });
  return metafile.inputs;
}

const packageOf = (path: string) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];

let inputs: Metafile['inputs'];
let modules: string[];
beforeAll(async () => {
  inputs = await inputsOf('agent/main.ts');
  modules = Object.keys(inputs);
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

test('no HTTP client or command line parser is in it', () => {
  const packages = new Set(modules.map(packageOf));
  for (const name of ['axios', 'yargs', 'vitest']) {
    expect(packages).not.toContain(name);
  }
});

test('the certificate library is reached by TLS alone, and loaded only where that is configured', () => {
  const importers = (name: string) =>
    Object.entries(inputs).flatMap(([path, { imports }]) =>
      imports.filter(({ path: target }) => target === name).map(({ kind }) => [path, kind]),
    );
  const library = Object.keys(inputs).filter((path) => packageOf(path) === '@peculiar/x509');
  expect(library.length).toBeGreaterThan(0);
  for (const file of library)
    expect(importers(file)).toEqual([['agent/tls.ts', 'import-statement']]);
  expect(importers('agent/tls.ts')).toEqual([['agent/cli.ts', 'dynamic-import']]);
});

test('the same look at the insecure agent finds the simulator', async () => {
  const found = Object.keys(await inputsOf('test/fake/insecure-agent.ts'));
  expect(found).toContain('test/fake/snp-device.ts');
  expect(found.map(packageOf)).toContain('yargs');
});

test('the one file runs: it refuses a bad configuration, and a machine without a TEE by its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-bundle-'));
  try {
    const file = join(folder, 'agent.mjs');
    await bundleAgent(file);
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('usage: agent run') });
    expect(run('run', '--lenient')).toMatchObject({ status: 2 });
    expect(run('run', '--config', join(folder, 'none'))).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('the configuration'),
    });
    expect(run('doctor').stdout).toMatch(/kernel/i);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the one file’s workers hash, and run no second agent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'affidavit-bundle-'));
  try {
    const file = join(folder, 'agent.mjs');
    await bundleAgent(file);
    const path = join(folder, 'file');
    await writeFile(path, 'hello');
    const { port1: ours, port2: port } = new MessageChannel();
    const sent = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(file, {
      workerData: { purpose: 'affidavit: hash NARs', port, sent, hashes: [] },
      transferList: [port],
      execArgv: [],
    });
    const answer = new Promise((done, fail) => {
      ours.once('message', done);
      worker.once('error', fail);
      worker.once('exit', (code) => fail(new Error(`the worker ended with ${code}`)));
    });
    ours.postMessage(path);
    Atomics.add(sent, 0, 1);
    Atomics.notify(sent, 0);
    const { narHash, narSize } = hashNar(path);
    expect(await answer).toMatchObject({ hash: { narHash, narSize, references: [] } });
    ours.close();
    await worker.terminate();
  } finally {
    await rm(folder, { recursive: true });
  }
});
