/** `affidavit lint guest`: what it prints, and how it ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runLintGuest } from '#verifier/cli/lint-command.ts';
import { lintGuestOptions } from '#verifier/cli/lint-options.ts';
import { loadYargs } from '#verifier/cli/load-yargs.ts';
import { changed, cleanGuest } from './verifier/guest-lint/guests.ts';
import { rows } from './verifier/guest-lint/mistakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-lint-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const lint = (target: string, failOn: 'error' | 'warning' | 'note' = 'warning') =>
  runLintGuest({ target, failOn, format: 'text' });

test('a clean guest: notes and 0; --fail-on note: 10', async () => {
  const target = file('clean.json', cleanGuest);
  const { stdout, exitCode } = await lint(target);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^guest-snp \(nixos\): 0 errors, 0 warnings, 2 notes, 0 accepted\n\nnote {6}/,
  );
  expect((await lint(target, 'note')).exitCode).toBe(10);
});

test('a warning fails, and not where errors alone do', async () => {
  const target = file(
    'kexec.json',
    changed(({ kernel }) => {
      kernel.kexecDisabled = false;
    }),
  );
  expect((await lint(target)).exitCode).toBe(10);
  expect((await lint(target, 'error')).exitCode).toBe(0);
});

test('what was accepted is printed with its reason, last, and fails nothing', async () => {
  const guest = changed(({ access }) => {
    access.ssh = true;
  });
  const unused = { rule: 'kexec', reason: 'gone since' };
  const accepting = (reason: string) => ({ ...guest, accepted: [{ rule: 'ssh', reason }, unused] });
  const { stdout, exitCode } = await lint(file('accepted.json', accepting('for tests')));
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /\naccepted {2}ssh: .*\n {10}at {6}access\.ssh: sshd is on\n {10}reason {2}for tests\n/,
  );
  expect(stdout).toMatch(/\naccepted, but not found: kexec\n$/);
  const turned = await lint(file('turned.json', accepting('for\u202e tests')));
  expect(turned.stdout).toContain('for\\u{202e} tests');
  const bell = file('bell.json', accepting('for\u0007 tests'));
  await expect(lint(bell)).rejects.toMatchObject({ exitCode: 2, code: 'json-shape' });
});

test('every mistake at once: the worst first, in 100 columns; JSON has all', async () => {
  const target = file(
    'all.json',
    changed((guest) => {
      for (const [, mistake] of rows) mistake(guest);
    }),
  );
  const { stdout, exitCode } = await lint(target);
  expect(exitCode).toBe(10);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(101);
  const marks = [...stdout.matchAll(/^(error|warning|note) {2}/gm)].map(([, mark]) => mark);
  const order = ['error', 'warning', 'note'];
  expect(marks).toEqual(marks.toSorted((a = '', b = '') => order.indexOf(a) - order.indexOf(b)));
  const json = JSON.parse((await runLintGuest({ target, failOn: 'error', format: 'json' })).stdout);
  expect(json).toMatchObject({ version: 1, name: 'guest-snp', failOn: 'error', failed: true });
  expect(Object.keys(json.findings[0])).toEqual([
    ...['rule', 'severity', 'title', 'at', 'what', 'why', 'close', 'spec', 'accepted'],
  ]);
});

test('a description that cannot be read is wrong usage', async () => {
  const cases = [
    [join(folder, 'missing.json'), 'file-unreadable'],
    [file('text.json', 'no JSON'), 'json-malformed'],
    [file('newer.json', { ...cleanGuest, version: 2 }), 'version-unknown'],
    [file('more.json', { ...cleanGuest, more: true }), 'json-shape'],
  ] as const;
  for (const [target, code] of cases) {
    await expect(lint(target)).rejects.toMatchObject({ exitCode: 2, code });
  }
});

test('the command line that yargs reads is the one that the command takes', async () => {
  const yargs = await loadYargs();
  const target = file('given.json', cleanGuest);
  const ended: number[] = [];
  const run = async (...args: string[]) =>
    yargs(args)
      .command('guest [target]', '', lintGuestOptions, async (found) => {
        ended.push((await runLintGuest(found)).exitCode);
      })
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
  await run('guest', target);
  await run('guest', target, '--fail-on', 'note', '--format', 'json');
  expect(ended).toEqual([0, 10]);
  await expect(run('guest', target, '--fail-on', 'all')).rejects.toThrow(/Choices/);
});
