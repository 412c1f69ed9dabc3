/** `affidavit reference` as a user runs it, in a folder with the keys of four builders. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import yargs from 'yargs';
import { fakeNow } from '#test/fake/amd.ts';
import { CliError } from '#verifier/cli/cli-error.ts';
import { type Ended, runReference } from '#verifier/cli/reference-command.ts';
import { referenceOptions, referenceRepeats } from '#verifier/cli/reference-options.ts';
import { refuseRepeats } from '#verifier/cli/repeats.ts';
import { formatTime } from '#verifier/time.ts';
import { alice, bob, carol, mallory, type SampleBuilder, snpValues } from '../reference/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-reference-'));
export const path = (name: string) => join(folder, name);
export const at = formatTime(fakeNow);

export function file(name: string, content: string | Uint8Array): string {
  writeFileSync(path(name), content);
  return path(name);
}

export type Outcome = Ended & { code?: string; message?: string; remedy?: string };

/** As main does: options read by yargs, a CliError told with its exit code. */
export async function reference(...args: readonly string[]): Promise<Outcome> {
  let outcome: Outcome | undefined;
  try {
    await referenceOptions(yargs().strict().exitProcess(false), async (name, found) => {
      refuseRepeats(found, referenceRepeats);
      outcome = await runReference(name, found);
    })
      .fail((message, error) => {
        throw error ?? new CliError('usage', 'usage', message, 'See affidavit --help.');
      })
      .parseAsync(args);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const { exitCode, code, message, remedy } = error;
    outcome = { stdout: '', stderr: '', exitCode, code, message, remedy };
  }
  if (outcome === undefined) throw new Error('no command ran');
  return outcome;
}

export const { measurement, closureDigest, validity } = snpValues();
export const head = [
  ...['--name', 'guest', '--release', '1.2.0'],
  ...['--from', formatTime(validity.from), '--until', formatTime(validity.until)],
];
export const written = ['--measurement', measurement, '--closure', closureDigest];
export const register = (byte: string) => byte.repeat(48);

let unsigned: string;
/** Writes every builder's keys, and a file that nobody has signed yet. */
export async function prepare(): Promise<void> {
  for (const { name, privatePem, publicPem } of [alice, bob, carol, mallory]) {
    file(`${name}.key`, privatePem);
    file(`${name}.pem`, publicPem);
  }
  const { stdout } = await reference('make', ...head, ...written);
  unsigned = stdout;
}

export function cleanUp(): void {
  rmSync(folder, { recursive: true });
}

/** As `make` wrote it. */
export function unsignedText(): string {
  return unsigned;
}

export const sign = (target: string, { name }: SampleBuilder, ...more: readonly string[]) =>
  reference(
    'sign',
    target,
    '--key',
    path(`${name}.key`),
    '--builder',
    `${name} builds`,
    '--source',
    `git:${name}`,
    ...more,
  );

export async function signedFile(
  name: string,
  ...signers: readonly SampleBuilder[]
): Promise<string> {
  const target = file(name, unsigned);
  for (const signer of signers) expect((await sign(target, signer)).exitCode).toBe(0);
  return target;
}

export const builderOption = ({ name }: SampleBuilder) => [
  '--builder',
  `${name}=${path(`${name}.pem`)}`,
];
export const verify = (files: readonly string[], ...more: readonly string[]) =>
  reference('verify', ...files, '--at', at, ...more);
export const twoOfThree = [...[alice, bob, carol].flatMap(builderOption), '--threshold', '2'];
