/** Runs the CLI as a user does: a child process, its output and its exit code. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../verifier/cli/main.ts', import.meta.url));

export type Ended = { code: number | null; stdout: string; stderr: string };

export function affidavit(args: readonly string[], stdin = ''): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args]);
  const ended: Ended = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    ended.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    ended.stderr += chunk;
  });
  // A command that ends before it reads closes the pipe: that is its right.
  child.stdin.on('error', () => {}).end(stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ ...ended, code }));
  });
}
