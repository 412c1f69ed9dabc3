import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandEntry, commandTree } from '#verifier/cli/command-tree.ts';
import { bashCompletions, fishCompletions, zshCompletions } from '#verifier/cli/completions.ts';
import { verifyOptions } from '#verifier/cli/options.ts';
import { affidavit } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-completions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let tree: CommandEntry;
beforeAll(async () => {
  tree = JSON.parse((await affidavit(['completions', 'json'])).stdout) as CommandEntry;
});

/** The command that these words lead to. */
function at(...words: string[]): CommandEntry {
  return words.reduce<CommandEntry>((command, word) => {
    const found = command.commands.find(({ name }) => name === word);
    if (found === undefined) throw new RangeError(`no command ${word}`);
    return found;
  }, tree);
}

const dashed = (command: CommandEntry) => [
  ...command.options.map(({ name }) => `--${name}`),
  '--help',
];
const names = (commands: readonly CommandEntry[]) => commands.map(({ name }) => name);

/** What bash offers when the words are typed and Tab is pressed after the last. */
function bashOffers(...words: string[]): string[] {
  const script = `${bashCompletions(tree)}
COMP_WORDS=(affidavit "$@")
COMP_CWORD=$#
_affidavit
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const answer = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  return answer.split('\n').filter((line) => line !== '');
}

describe('the tree of commands', () => {
  test('names what --help names', async () => {
    const { stdout } = await affidavit(['--help']);
    const told = [...stdout.matchAll(/^ {2}affidavit ([a-z-]+)/gm)].map(([, name]) => name);
    expect(told.length).toBeGreaterThan(6);
    expect(names(tree.commands)).toEqual(told);
  });

  test('has every option that a command’s --help has', async () => {
    for (const words of [['verify'], ['check'], ['agent', 'run']]) {
      const { stdout } = await affidavit([...words, '--help']);
      const [, options = ''] = stdout.split(/^Options:$/m);
      const told = [...options.matchAll(/^ {2,6}(--[a-z0-9-]+) {2}/gm)].map(([, name]) => name);
      expect(dashed(at(...words)).toSorted()).toEqual(told.toSorted());
    }
  });

  test('knows needed options, choices, defaults and switches', () => {
    const option = (name: string, ...words: string[]) =>
      at(...words).options.find((one) => one.name === name);
    expect(option('audience', 'prove')).toMatchObject({ needed: true, placeholder: 'NAME' });
    expect(option('backend', 'prove')).toMatchObject({
      needed: false,
      choices: ['native', 'wasm'],
    });
    expect(option('format', 'show')).toMatchObject({ default: 'text' });
    expect(option('offline', 'verify')).toMatchObject({ placeholder: null });
    expect(option('vek', 'verify')).toMatchObject({ placeholder: 'FILE' });
    expect(option('crs', 'prove')).toMatchObject({ placeholder: 'DIR' });
    expect(option('at', 'verify')).toMatchObject({ placeholder: 'TIME' });
    expect(option('measurement', 'verify')).toMatchObject({ placeholder: 'HEX' });
    expect(at('show').positionals).toMatchObject([{ name: 'file', needed: true, many: false }]);
    expect(at('solidity').positionals[0]?.choices).toContain('response-open-key');
  });

  test('is read without running anything', async () => {
    let ran = false;
    const found = await commandTree(async (yargs) => {
      await yargs([])
        .command('verify [target]', 'verifies', verifyOptions, () => {
          ran = true;
        })
        .command('hidden', false, (inner) => inner)
        .demandCommand(1)
        .parseAsync();
    });
    expect(names(found.commands)).toEqual(['verify']);
    expect(ran).toBe(false);
  });

  test('is refused when nothing was declared', async () => {
    await expect(commandTree(async () => {})).rejects.toThrow(/no command/);
  });
});

describe('bash', () => {
  test('offers the commands, those that begin so, and those below one', () => {
    expect(bashOffers('')).toEqual(names(tree.commands));
    expect(bashOffers('ver')).toEqual(['verify']);
    expect(bashOffers('agent', '')).toEqual(names(at('agent').commands));
    expect(bashOffers('agent', 'ru')).toEqual(['run']);
  });

  test('offers each command’s own options', () => {
    expect(bashOffers('--')).toEqual(['--help']);
    expect(bashOffers('verify', '--')).toEqual(dashed(at('verify')));
    expect(bashOffers('verify', '--tcb')).toEqual(['--tcb-info', '--tcb-signing-chain']);
    expect(bashOffers('agent', 'run', '--')).toEqual(['--config', '--help']);
    expect(bashOffers('show', '--tcb')).toEqual([]);
  });

  test('offers an option’s choices, after a space and after =', () => {
    expect(bashOffers('prove', '--backend', '')).toEqual(['native', 'wasm']);
    expect(bashOffers('prove', '--backend', '=')).toEqual(['native', 'wasm']);
    expect(bashOffers('prove', '--backend', '=', 'w')).toEqual(['wasm']);
    expect(bashOffers('prove', '--backend', 'wasm', '--off')).toEqual(['--offline']);
  });

  test('offers the choices of a place', () => {
    expect(bashOffers('solidity', '')).toEqual(['response-open', 'response-open-key']);
    expect(bashOffers('completions', 'z')).toEqual(['zsh']);
  });

  test('leaves files to readline, and takes no value for a command', () => {
    expect(bashOffers('verify', '')).toEqual([]);
    expect(bashOffers('verify', '--vek', '')).toEqual([]);
    expect(bashOffers('prove', '--audience', 'verify', '--back')).toEqual(['--backend']);
    expect(bashOffers('prove', '--audience', '=', 'verify', '--back')).toEqual(['--backend']);
  });
});

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

describe('zsh', () => {
  test('gets a function for each command, with all that it takes', () => {
    const script = zshCompletions(tree);
    expect(script).toMatch(/^#compdef affidavit\n/);
    expect(script).toContain('_affidavit_agent_run() {');
    for (const name of dashed(at('verify'))) expect(script).toContain(`${name}`);
    expect(script).toContain(String.raw`'*--backend=[proving backend (default\: native where`);
  });

  if (has('zsh')) {
    test('finds no fault in it', () => {
      const file = join(folder, '_affidavit');
      writeFileSync(file, zshCompletions(tree));
      expect(spawnSync('zsh', ['-n', file], { encoding: 'utf8' })).toMatchObject({
        status: 0,
        stderr: '',
      });
    });
  }
});

describe('fish', () => {
  test('gets a line for each command, option and choice', () => {
    const script = fishCompletions(tree);
    expect(script).toContain(`-f -a verify -d`);
    expect(script).toContain(`'__affidavit_at "agent run"' -l config`);
    expect(script).toContain(`-x -a 'native wasm'`);
  });

  if (has('fish')) {
    test('offers what bash does', () => {
      const file = join(folder, 'affidavit.fish');
      writeFileSync(file, fishCompletions(tree));
      const offers = (line: string) =>
        execFileSync('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`], {
          encoding: 'utf8',
          cwd: folder,
        })
          .split('\n')
          .filter((one) => one !== '')
          .map((one) => one.split('\t')[0]);
      expect(offers('affidavit ver')).toEqual(['verify']);
      expect(offers('affidavit agent ru')).toEqual(['run']);
      expect(offers('affidavit prove --backend ')).toEqual(['native', 'wasm']);
      expect(offers('affidavit verify --tcb')).toEqual(['--tcb-info', '--tcb-signing-chain']);
      expect(offers('affidavit prove --audience verify --back')).toEqual(['--backend']);
    });
  }
});

test('affidavit completions SHELL prints the script; another shell is wrong usage', async () => {
  const { code, stdout, stderr } = await affidavit(['completions', 'bash']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(bashCompletions(tree));
  expect((await affidavit(['completions', 'tcsh'])).code).toBe(2);
});

test('an option without its value is wrong usage', async () => {
  const { code, stderr } = await affidavit(['verify', 'bundle.json', '--at']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^affidavit: Not enough arguments following: at\. .*\n$/);
});
