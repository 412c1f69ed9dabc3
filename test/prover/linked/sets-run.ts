/** Runs `affidavit set` in the test's own process, from the command line to the file, against a simulated Intel. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type LinkedSet, parseSet } from '#prover/linked/sets.ts';
import { runSet } from '#prover/set-command.ts';
import { fakeNow } from '#test/fake/amd.ts';
import type { Intel } from '#test/fake/intel.ts';
import { intelOf } from '#test/verifier/intel-scene.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { loadYargs } from '#verifier/cli/load-yargs.ts';
import { setOptions } from '#verifier/cli/set-options.ts';
import { formatTime } from '#verifier/time.ts';

export const folder = mkdtempSync(join(tmpdir(), 'affidavit-set-'));
afterAll(() => rmSync(folder, { recursive: true }));

export function file(name: string, content: string | Bytes): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs the command line; yargs' own refusals are thrown too. */
export async function affidavitSet(...args: string[]): Promise<string> {
  const yargs = await loadYargs();
  let stdout: string | undefined;
  await yargs(['set', ...args])
    .command('set', '', (set) =>
      setOptions(set, async (name, found) => {
        stdout = await runSet(name, found);
      }),
    )
    .strict()
    .parserConfiguration({ 'camel-case-expansion': true, 'parse-numbers': false })
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    })
    .parseAsync();
  if (stdout === undefined) throw new Error('no command ran');
  return stdout;
}

/** The code and exit code that it ends with, or null. */
export async function endOf(run: Promise<unknown>): Promise<string | null> {
  try {
    await run;
    return null;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return `${error.code} ${error.exitCode}`;
  }
}

let count = 0;
export const newName = (): string => join(folder, `set-${++count}.json`);
export const read = (path: string): LinkedSet => parseSet(new Uint8Array(readFileSync(path)));

export const plain: Intel = intelOf('tdx');
export const root: string = file('root.pem', plain.root.pem);
export const at: string = formatTime(fakeNow);
export const moment: readonly string[] = ['--at', at, '--insecure-root', root];

type Maker = {
  make: (
    kind: string,
    ...args: string[]
  ) => Promise<{ stdout: string; set: LinkedSet; out: string }>;
  /** The code and exit code that it ends with, or null. */
  refused: (kind: string, ...args: string[]) => Promise<string | null>;
};

/** @param moment `--at`, and the root that is trusted then */
export function makerAt(moment: readonly string[]): Maker {
  const make: Maker['make'] = async (kind, ...args) => {
    const out = newName();
    const stdout = await affidavitSet('make', kind, '--out', out, ...moment, ...args);
    return { stdout, set: read(out), out };
  };
  return { make, refused: (kind, ...args) => endOf(make(kind, ...args)) };
}

export const { make, refused }: Maker = makerAt(moment);

/** The options for the levels of this hierarchy. */
export function documents(intel: Intel, name: string): string[] {
  const write = (what: string, content: string | Bytes) => file(`${name}-${what}`, content);
  return [
    '--tcb-info',
    write('tcb.json', intel.tcbInfo.bytes),
    '--tcb-signing-chain',
    write('chain.pem', `${intel.tcbSigning.pem}${intel.root.pem}`),
    '--qe-identity',
    write('qe.json', intel.qeIdentity.bytes),
    '--root-ca-crl',
    write('root.crl', intel.rootCrl.der),
  ];
}

/** And for the evidence of its machine. */
export function collateral(intel: Intel): string[] {
  return [...documents(intel, 'beside'), '--pck-crl', file('beside-pck.crl', intel.pckCrl.der)];
}
