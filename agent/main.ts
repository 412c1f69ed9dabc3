/**
 * The agent as a program of its own, for an image that holds nothing else: `node agent.mjs run --config F` and the other
 * commands of `usage`. `run`, `check-config` and `doctor` are those of `affidavit agent`, without the verifier and without
 * what reads its command line; `keygen` makes the keys of a guest's services. Each command loads what it needs alone: a boot
 * waits for them. `npm run bundle-agent` makes one file of it.
 */
import { parseArgs } from 'node:util';
// Its workers run this file, and must find it first (see there).
import './closure/pool.ts';
import type { KeygenFolders } from './keygen.ts';

const usage = `usage: agent run --config FILE
       agent check-config [--form] FILE
       agent doctor [--config FILE]
       agent keygen --private-folder DIR --public-folder DIR NAME...`;
const wrongUsage = 2;

const text = { type: 'string' } as const;
const switched = { type: 'boolean' } as const;

/** Of each command, its options; null when it is none of ours. */
function optionsOf(command: string | undefined) {
  if (command === 'run' || command === 'doctor') return { config: text };
  if (command === 'check-config') return { form: switched };
  if (command === 'keygen') return { 'private-folder': text, 'public-folder': text };
  return null;
}

/** @returns the exit code */
export async function main([command, ...args]: readonly string[]): Promise<number> {
  const options = optionsOf(command);
  if (options === null) return complain('no such command');
  let parsed: Parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // parseArgs says what it does not know; everything else is explained where it happens.
    if (!(error instanceof TypeError)) throw error;
    return complain(error.message);
  }
  return (
    (await dispatch(command, parsed)) ??
    complain('an option or a name is missing, or is one too many')
  );
}

type Parsed = { values: Record<string, string | boolean | undefined>; positionals: string[] };

/** null for what the command does not take. */
async function dispatch(
  command: string | undefined,
  { values, positionals }: Parsed,
): Promise<number | null> {
  const { config, form, 'private-folder': privateFolder, 'public-folder': publicFolder } = values;
  const [file, ...more] = positionals;
  if (command === 'keygen') {
    if (typeof privateFolder !== 'string' || typeof publicFolder !== 'string') return null;
    return runKeygen(positionals, { privateFolder, publicFolder });
  }
  if (more.length > 0) return null;
  if (command === 'check-config') {
    if (file === undefined) return null;
    const { runCheckConfig } = await import('./doctor-command.ts');
    return runCheckConfig({ file, format: 'text', form: form === true });
  }
  if (file !== undefined || typeof config === 'boolean') return null;
  if (command === 'doctor') {
    const { runDoctor } = await import('./doctor-command.ts');
    return runDoctor({ config, format: 'text' });
  }
  if (config === undefined) return null;
  const { runAgent } = await import('./cli.ts');
  return runAgent({ config });
}

/** @returns the exit code: 0 written, 2 not */
async function runKeygen(names: readonly string[], folders: KeygenFolders): Promise<number> {
  const { makeServiceKeys } = await import('./keygen.ts');
  try {
    await makeServiceKeys(names, folders);
  } catch (error) {
    const { explain } = await import('./cli.ts');
    return explain(error);
  }
  process.stdout.write(`affidavit agent: keys made: ${names.join(', ') || 'none'}\n`);
  return 0;
}

function complain(problem: string): number {
  process.stderr.write(`affidavit agent: ${problem}. ${usage}\n`);
  return wrongUsage;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
