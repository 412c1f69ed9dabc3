/** Compiles a circuit with noir_wasm: offline, and the same bytes on every machine. */
import { Worker } from 'node:worker_threads';
import type { CompiledCircuit } from '@noir-lang/noir_js';
import {
  type CircuitSources,
  compilerVersion,
  readCircuitSources,
  sourceHashOf,
} from './circuit-sources.ts';
import { artifactHashOf } from './execute.ts';

/** What the compiler's thread takes. */
export type CompileJob = { readonly folder: string; readonly sources: CircuitSources };

/** What it answers. */
export type CompileResult = {
  readonly bytecode: string;
  readonly abi: CompiledCircuit['abi'];
  readonly noirVersion: string;
};

export type Compiled = {
  /** Base64 of the gzipped program, as Noir gives it. */
  readonly bytecode: string;
  readonly abi: CompiledCircuit['abi'];
  /** Hex. */
  readonly sourceHash: string;
  /** Hex. */
  readonly artifactHash: string;
};

/** Folder of a circuit's package below circuits/: `response-open` → `bin/response_open`. */
export function circuitFolder(name: string): string {
  return `bin/${name.replaceAll('-', '_')}`;
}

/**
 * What a circuit's artefact depends on, in hex: its files, the libraries' that it reaches, the
 * compiler's version.
 */
export async function circuitSourceHash(name: string, root?: string): Promise<string> {
  return sourceHashOf(await readCircuitSources(circuitFolder(name), root));
}

/**
 * Takes seconds, in a thread of its own.
 * @param folder package below circuits/, as `circuitFolder` gives it
 * @throws Error with the compiler's diagnostics
 */
export async function compileCircuit(folder: string, root?: string): Promise<Compiled> {
  return compileSources(folder, await readCircuitSources(folder, root));
}

/** The same from sources in memory. */
export async function compileSources(folder: string, sources: CircuitSources): Promise<Compiled> {
  const { bytecode, abi, noirVersion } = await runWorker({ folder, sources });
  if (noirVersion.split('+')[0] !== compilerVersion) {
    throw new Error(
      `the installed Noir compiler is ${noirVersion}, the circuits are pinned for ${compilerVersion}: run npm ci`,
    );
  }
  return {
    bytecode,
    abi,
    sourceHash: sourceHashOf(sources),
    artifactHash: artifactHashOf(bytecode),
  };
}

function runWorker(job: CompileJob): Promise<CompileResult> {
  return new Promise((done, failed) => {
    const worker = new Worker(new URL('./circuit-worker.ts', import.meta.url), {
      workerData: job,
      // Own streams, read by nobody: the compiler's console output ends here.
      stdout: true,
      stderr: true,
    });
    worker.on('message', done);
    worker.on('error', (cause) => {
      failed(new Error(`circuits/${job.folder} does not compile: ${cause.message}`, { cause }));
    });
    worker.on('exit', () => failed(new Error(`circuits/${job.folder}: the compiler just ended`)));
  });
}
