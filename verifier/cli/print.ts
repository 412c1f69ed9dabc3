/** Prints a verdict, in the form that was asked for. */
import { exitCodes } from './cli-error.ts';
import type { Judged, JudgedLinks, OutputOptions } from './verdict-output.ts';

/** @returns the exit code */
export async function print(
  ended: Judged & { note?: string | null },
  options: OutputOptions,
): Promise<number> {
  const { verdictOutput } = await import('./verdict-output.ts');
  const { stdout, stderr } = await verdictOutput(ended, options);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (ended.note) process.stderr.write(`affidavit: ${ended.note}\n`);
  return exitCodes[ended.verdict.decision];
}

/** The same of linked proofs. @returns the exit code */
export async function printLinks(judged: JudgedLinks, options: OutputOptions): Promise<number> {
  const { linkedOutput } = await import('./verdict-output.ts');
  const { stdout } = await linkedOutput(judged, options);
  process.stdout.write(stdout);
  return exitCodes[judged.verdict.decision];
}

/** What a command that gives no verdict has to say. */
export type Said = { readonly stdout: string; readonly stderr?: string; readonly exitCode: number };

/** @returns the exit code */
export function say({ stdout, stderr = '', exitCode }: Said): number {
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return exitCode;
}
