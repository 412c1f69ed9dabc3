/** docs/affidavit.1, in the man macros that both groff and mandoc read. */
import { readFileSync } from 'node:fs';
import { exitCodes } from '#verifier/cli/cli-error.ts';
import { declaredCommands, endings, leavesOf, place, prose, said, sentence } from './cli-prose.ts';

const named: Readonly<Record<string, string>> = {
  '’': String.raw`\(cq`,
  '‘': String.raw`\(oq`,
  '“': String.raw`\(lq`,
  '”': String.raw`\(rq`,
  '–': String.raw`\(en`,
  '—': String.raw`\(em`,
  '…': '...',
};

/** Text as roff prints it: no escape, no request, and every character in ASCII. */
export function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replace(/^[.']/gm, String.raw`\&$&`)
    .replace(/[^\n -~]/gu, (one) => {
      const code = one.codePointAt(0) ?? 0;
      return named[one] ?? `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`;
    });
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

/** Markdown's code becomes bold, its paragraphs roff's. */
function paragraphs(text: string): string[] {
  return text.split(/\n\n+/).flatMap((paragraph) => [
    '.PP',
    paragraph
      .replaceAll('\n', ' ')
      .split('`')
      .map((part, i) => (i % 2 === 1 ? bold(part) : roff(part)))
      .join(''),
  ]);
}

export function manDocument(): string {
  const tree = declaredCommands();
  const manifest = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const texts = prose();
  const lines = [
    String.raw`.\" Written by npm run docs.`,
    `.TH AFFIDAVIT 1 "" "affidavit ${roff(manifest.version)}" "User Commands"`,
    '.SH NAME',
    String.raw`affidavit \- show what a confidential machine runs, and decide whether to believe it`,
    '.SH SYNOPSIS',
  ];
  const leaves = leavesOf(tree);
  for (const { words, command } of leaves) {
    const places = command.positionals.map((one) => italic(place(one)));
    lines.push(
      [bold(['affidavit', ...words].join(' ')), ...places, `[${italic('options')}]`].join(' '),
      '.br',
    );
  }
  lines.pop();
  lines.push('.SH DESCRIPTION', roff(sentence(tree.summary)), '.SH COMMANDS');
  for (const { words, command } of leaves) {
    const [first = ''] = words;
    lines.push(`.SS ${bold(['affidavit', ...words].join(' '))}`, roff(sentence(command.summary)));
    const about = texts.get(words.join(' ')) ?? texts.get(first);
    if (about !== undefined) lines.push(...paragraphs(about));
    for (const option of command.options) {
      const { name, placeholder, choices } = option;
      const value = placeholder === null ? '' : ` ${italic(choices?.join('|') ?? placeholder)}`;
      lines.push('.TP', `${bold(`--${name}`)}${value}`, roff(sentence(said(option))));
    }
  }
  lines.push('.SH EXIT STATUS');
  for (const [ending, means] of Object.entries(endings)) {
    const code = exitCodes[ending as keyof typeof exitCodes];
    lines.push('.TP', bold(String(code)), roff(sentence(means.replaceAll('`', ''))));
  }
  lines.push('.SH ENVIRONMENT', ...paragraphs(texts.get('Environment') ?? ''));
  lines.push(
    '.SH SEE ALSO',
    roff('The folder docs of the source: checks.md explains every check, errors.md every error.'),
  );
  return `${lines.join('\n')}\n`;
}
