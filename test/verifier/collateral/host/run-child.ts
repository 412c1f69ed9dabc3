/** Runs child.ts in processes of its own: bundled, so that a hundred of them start in seconds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

export type Child = {
  process: ChildProcess;
  /** Its next line; null when it has ended. */
  line(): Promise<string | null>;
  /** The last line that it wrote whole, when it has ended. */
  ended: Promise<{ last: string | null; code: number | null; stderr: string }>;
};

/** @param folder an existing one, to put the bundle into */
export function bundleChild(folder: string): (...args: readonly string[]) => Child {
  const outfile = join(folder, 'child.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  return (...args) => start(outfile, args);
}

function start(script: string, args: readonly string[]): Child {
  const child = spawn(process.execPath, [script, ...args]);
  const lines: string[] = [];
  let waiting: (() => void)[] = [];
  let rest = '';
  let last: string | null = null;
  let stderr = '';
  let over = false;
  const wake = () => {
    for (const one of waiting) one();
    waiting = [];
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts);
    last = parts.at(-1) ?? last;
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended: Child['ended'] = new Promise((resolve) => {
    child.on('close', (code) => {
      over = true;
      wake();
      resolve({ last, code, stderr });
    });
  });
  const line = async (): Promise<string | null> => {
    while (lines.length === 0 && !over) await new Promise<void>((done) => waiting.push(done));
    return lines.shift() ?? null;
  };
  return { process: child, line, ended };
}
