import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { declaredCommands, leavesOf } from '#test/tools/cli-prose.ts';
import { roff } from '#test/tools/man-page.ts';

const page = readFileSync(new URL('../docs/affidavit.1', import.meta.url), 'utf8');

test('the manual page names every command and option', () => {
  const missing = leavesOf(declaredCommands()).flatMap(({ words, command }) => {
    const start = page.indexOf(`.SS \\fB${roff(['affidavit', ...words].join(' '))}\\fR\n`);
    const own = page.slice(start, page.indexOf('\n.S', start + 1));
    const options = command.options.filter(({ name }) => !own.includes(roff(`--${name}`)));
    return start < 0
      ? [words.join(' ')]
      : options.map(({ name }) => `${words.join(' ')} --${name}`);
  });
  expect(missing).toEqual([]);
});

test('text cannot become a request, an escape or a byte that is not ASCII', () => {
  expect(roff(".SH x\n'y \\n a-b … ‘’ ‖")).toBe(
    [String.raw`\&.SH x`, String.raw`\&'y \en a\-b ... \(oq\(cq \[u2016]`].join('\n'),
  );
  expect(page).toMatch(/^[\n -~]*$/);
});

if (spawnSync('groff', ['--version']).status === 0) {
  test('groff prints it without a warning', () => {
    const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-P-c'], {
      input: page,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: groff overstrikes with backspaces
    expect(stdout.replace(/.\x08/g, '')).toMatch(/NAME\n +affidavit/);
  });
}
