/** docs/cli.md, from what the commands declare and cli-prose.md. */
import { exitCodes } from '#verifier/cli/cli-error.ts';
import type { CommandEntry } from '#verifier/cli/command-tree.ts';
import { declaredCommands, endings, place, prose, said, sentence, spelled } from './cli-prose.ts';

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

export function cliDocument(): string {
  const texts = prose();
  const used = new Set<string>();
  const told = (name: string): string[] => {
    used.add(name);
    const text = texts.get(name);
    return text === undefined ? [] : [text, ''];
  };
  const lines = [
    '# Command line',
    '',
    'Written by `npm run docs` from what the commands declare (and `affidavit completions`, and the manual page',
    '`docs/affidavit.1`, from the same).',
    '',
  ];
  for (const command of declaredCommands().commands) {
    lines.push(...section([command.name], command));
    lines.push(...told(command.name));
    for (const inner of command.commands) {
      lines.push(
        ...section([command.name, inner.name], inner),
        ...told(`${command.name} ${inner.name}`),
      );
    }
  }
  lines.push('## Exit codes', '', '| code | meaning |', '| --- | --- |');
  for (const [ending, means] of Object.entries(endings)) {
    lines.push(`| ${exitCodes[ending as keyof typeof exitCodes]} | ${means} |`);
  }
  lines.push('', 'When several apply to a verdict: invalid, then undecided, then rejected.', '');
  lines.push('## Environment', '', ...told('Environment'));
  const unused = [...texts.keys()].filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`cli-prose.md is about no command: ${unused.join(', ')}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(words: readonly string[], command: CommandEntry): string[] {
  const { summary, positionals, options, examples, epilogue } = command;
  const spelling = ['affidavit', ...words, ...positionals.map(place)].join(' ');
  const lines = [`${'#'.repeat(words.length + 1)} \`${spelling}\``, '', sentence(summary), ''];
  const places = positionals.filter(({ describe }) => describe !== '');
  if (places.length + options.length > 0) {
    lines.push('| option | meaning |', '| --- | --- |');
    for (const { name, describe, choices } of places) {
      const words = choices === null ? describe : `${describe}: ${choices.join(', ')}`;
      lines.push(`| \`${name.toUpperCase()}\` | ${cell(words)} |`);
    }
    for (const option of options) {
      lines.push(`| \`${cell(spelled(option))}\` | ${cell(said(option))} |`);
    }
    lines.push('');
  }
  if (examples.length > 0) {
    lines.push('```sh');
    for (const { command: example, summary: why } of examples) lines.push(`${example}    # ${why}`);
    lines.push('```', '');
  }
  if (epilogue !== null && !epilogue.startsWith('Exit codes: 0 accepted, 10'))
    lines.push(epilogue, '');
  return lines;
}
