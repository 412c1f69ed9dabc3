/** What the man page and docs/cli.md say beside what the commands declare. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { exitCodes } from '#verifier/cli/cli-error.ts';
import type { CommandEntry, OptionEntry, PositionalEntry } from '#verifier/cli/command-tree.ts';

const main = fileURLToPath(new URL('../../verifier/cli/main.ts', import.meta.url));

/** As the command line itself tells it. */
export function declaredCommands(): CommandEntry {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'completions', 'json'], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`affidavit completions json ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as CommandEntry;
}

/** Heading → text below it, from cli-prose.md. */
export function prose(): ReadonlyMap<string, string> {
  const text = readFileSync(new URL('cli-prose.md', import.meta.url), 'utf8');
  const [, ...sections] = text.split(/^## /m);
  return new Map(
    sections.map((section) => {
      const end = section.indexOf('\n');
      return [section.slice(0, end), section.slice(end).trim()];
    }),
  );
}

/** In the order of docs/cli.md. */
export const endings = {
  accepted: 'accepted, or done',
  rejected: 'rejected by policy',
  invalid: 'evidence invalid, or not evidence at all',
  undecided: 'undecided: something needed is missing and named (a certificate, the agent, a TEE)',
  usage: 'wrong usage, unreadable file, malformed policy or configuration',
  fault: 'a fault of the program; `AFFIDAVIT_DEBUG=1` prints its stack',
} as const satisfies Record<keyof typeof exitCodes, string>;

/** `--vek FILE`, `--format text|json`, `--offline` */
export function spelled({ name, placeholder, choices }: OptionEntry): string {
  if (placeholder === null) return `--${name}`;
  return `--${name} ${choices?.join('|') ?? placeholder}`;
}

/** `FILE`, `[TARGET]`, `EVIDENCE…` */
export function place({ name, needed, many }: PositionalEntry): string {
  const word = `${name.toUpperCase()}${many ? '…' : ''}`;
  return needed ? word : `[${word}]`;
}

/** What a reader is told of an option: its description, whether it is needed, and what it is otherwise. */
export function said({ describe, needed, default: otherwise }: OptionEntry): string {
  const tail = needed ? '; needed' : otherwise === null ? '' : `; default: ${otherwise}`;
  return `${describe}${tail}`;
}

export type Leaf = { words: readonly string[]; command: CommandEntry };

/** The commands that do something, with the words that lead to them. */
export function leavesOf(command: CommandEntry, words: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((inner) => leavesOf(inner, [...words, inner.name]));
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
