/** Runs writer.ts in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('writer.ts', import.meta.url));

export type Writer = {
  child: ChildProcess;
  /** Resolves when so many lines are on disk, or the process has ended. */
  acknowledged(count: number): Promise<void>;
  /** `lines` that it said are on disk. */
  ended: Promise<{ code: number | null; lines: number; stderr: string }>;
};

export function startWriter(path: string, count: number): Writer {
  const child = spawn(process.execPath, [script, path, String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let lines = 0;
  let stderr = '';
  let waiting: { count: number; resolve: () => void }[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    lines += chunk.length;
    for (const one of waiting) if (lines >= one.count) one.resolve();
    waiting = waiting.filter((one) => lines < one.count);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; lines: number; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, lines, stderr }));
  });
  const acknowledged = (wanted: number) =>
    Promise.race([
      ended.then(() => {}),
      new Promise<void>((resolve) => {
        if (lines >= wanted) resolve();
        else waiting.push({ count: wanted, resolve });
      }),
    ]);
  return { child, acknowledged, ended };
}
