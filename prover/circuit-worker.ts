/**
 * A thread that compiles one circuit and ends. Apart, because the compiler blocks its thread for
 * seconds and writes to the console.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { compile } from '@noir-lang/noir_wasm';
import type { CompileJob, CompileResult } from './compile.ts';

/** Where the compiler finds the files: the same on every machine, so that no path of one enters. */
const root = '/circuits';

type FileManager = Parameters<typeof compile>[0];

function inMemory({ sources }: CompileJob): FileManager {
  const files = new Map([...sources].map(([path, text]) => [`${root}/${path}`, text]));
  const manager = {
    getDataDir: () => root,
    hasFileSync: (path: string) => files.has(path),
    readFile: async (path: string) => {
      const text = files.get(path);
      if (text === undefined) throw new Error(`${path} is not among the circuit's files`);
      return text;
    },
    /** Only ever called with `recursive`: all files below, by their whole paths. */
    readdir: async (folder: string) =>
      [...files.keys()].filter((path) => path.startsWith(`${folder}/`)),
  } satisfies Partial<Record<keyof FileManager, unknown>>;
  // Their class has private members, so nothing else is one by its type.
  return manager as unknown as FileManager;
}

const job: CompileJob = workerData;
const ignore = () => {};
const { program } = await compile(
  inMemory(job),
  `${root}/${job.folder}`,
  // The diagnostics come again as the message of what it throws.
  ignore,
  ignore,
);
const result: CompileResult = {
  bytecode: program.bytecode,
  abi: program.abi,
  noirVersion: program.noir_version,
};
parentPort?.postMessage(result);
