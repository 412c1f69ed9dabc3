/**
 * `npm run corpus -- [DIR] [--tee T]`: every case of a folder laid out as the evidence corpus (`<tee>/<id>/case.json`),
 * one line a case: id, expected, got, `ok` | `DIFF` | `unsupported`. Exit code 1 when any case differs or cannot be read.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { CliError, exitCodes } from '#verifier/cli/cli-error.ts';
import { runVerify } from '#verifier/cli/verify-command.ts';
import { parseJson } from '#verifier/json.ts';
import { deviceInputs, exceptionOf, replayCase, replayed, withNamedKey } from './corpus-devices.ts';

export type Case = {
  id: string;
  tee: string;
  files: Record<string, string>;
  expected: { verdict: string; reason: string };
  verify_at: string | null;
  /** What Intel's collateral says of the platform, where a case states it. */
  tcb_status?: string;
};

/** The exit code that each expected verdict stands for. */
export const codeOfVerdict: Record<string, number> = {
  valid: exitCodes.accepted,
  degraded: exitCodes.rejected,
  'policy-reject': exitCodes.rejected,
  invalid: exitCodes.invalid,
  unverifiable: exitCodes.undecided,
  'valid-no-collateral': exitCodes.undecided,
  mismatch: exitCodes.invalid,
  'replay-only': exitCodes.undecided,
};

export type Inputs = (
  file: (role: string) => string | undefined,
  found: Case,
) => Record<string, string | readonly string[] | undefined>;

const quoteInputs: Inputs = (file) => ({
  quote: file('quote'),
  tcbInfo: file('tcb_info'),
  tcbSigningChain: file('tcb_signing_chain'),
  qeIdentity: file('qe_identity'),
  qeIdentitySigningChain: file('qe_identity_signing_chain'),
  pckCrl: file('pck_crl'),
  rootCaCrl: file('root_ca_crl'),
});

/** How the evidence of one kind is handed to the verifier. */
export const inputsOf: Record<string, Inputs> = {
  'sev-snp': (file) => ({
    report: file('report'),
    vek: file('vcek') ?? file('vlek'),
    chain: file('ask_ark_chain'),
    crl: file('ark_crl'),
  }),
  tdx: quoteInputs,
  sgx: quoteInputs,
  ...deviceInputs,
};

export type Outcome = {
  code: number;
  why: string;
  /** As Intel names it; null when the verdict has none. */
  tcbStatus: string | null;
};

/** A case is what its files say: no vendor is asked for what they leave out. */
export async function runCase(found: Case, folder: string): Promise<Outcome> {
  process.env['AFFIDAVIT_COLLATERAL'] = 'off';
  const file = (role: string) => {
    const path = found.files[role];
    return path === undefined ? undefined : join(folder, path);
  };
  try {
    if (found.tee in replayed) return { ...(await replayCase(found, file)), tcbStatus: null };
    const toInputs = inputsOf[found.tee];
    if (toInputs === undefined) throw new RangeError(`${found.tee} is not supported`);
    const at = found.verify_at ?? undefined;
    const { verdict } = await withNamedKey(toInputs(file, found), (inputs) =>
      runVerify({ ...inputs, at }),
    );
    return {
      code: exitCodes[verdict.decision],
      why: whyOf(verdict),
      tcbStatus: tcbStatusOf(verdict),
    };
  } catch (error) {
    if (error instanceof CliError)
      return { code: error.exitCode, why: error.message, tcbStatus: null };
    throw error;
  }
}

function tcbStatusOf({ checks }: Verdict): string | null {
  return checks.find(({ id }) => id === 'policy.tcb-status')?.actual ?? null;
}

function whyOf(verdict: Verdict): string {
  const failed = verdict.checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
  const skipped = verdict.checks.filter(({ status }) => status === 'skip').map(({ id }) => id);
  if (verdict.decision === 'undecided') return `lacks input for ${skipped[0]}`;
  return failed.join(' ');
}

async function casesOf(folder: string, tee: string | undefined): Promise<string[]> {
  const tees = (await readdir(folder, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  const found: string[] = [];
  for (const { name } of tees.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (tee !== undefined && name !== tee) continue;
    for (const id of (await readdir(join(folder, name))).toSorted()) {
      if (existsSync(join(folder, name, id, 'case.json'))) found.push(join(folder, name, id));
    }
  }
  return found;
}

async function main(): Promise<number> {
  const { dir, tee } = await yargs(process.argv.slice(2))
    .scriptName('npm run corpus --')
    .command('$0 [dir]', 'run every case of a corpus')
    .positional('dir', { type: 'string' })
    .option('tee', { type: 'string', requiresArg: true, describe: 'only this kind of evidence' })
    .strict()
    .version(false)
    .parseAsync();
  const folder =
    dir === undefined
      ? fileURLToPath(new URL('../../../shared/corpus', import.meta.url))
      : resolve(String(dir));
  if (!existsSync(folder)) {
    console.error(`corpus: no folder ${folder}; give one: npm run corpus -- DIR`);
    return exitCodes.usage;
  }
  const counts = { ok: 0, DIFF: 0, unsupported: 0 };
  for (const path of await casesOf(folder, tee)) {
    const found = parseJson(await readFile(join(path, 'case.json'), 'utf8'), path) as Case;
    const expected = found.expected.verdict;
    let got = '-';
    let result: keyof typeof counts = 'unsupported';
    let why = '';
    const exception = exceptionOf(found, path);
    const wanted = exception?.code ?? codeOfVerdict[expected];
    if (inputsOf[found.tee] !== undefined || found.tee in replayed) {
      const outcome = await runCase(found, path);
      const sameStatus = (found.tcb_status ?? outcome.tcbStatus) === outcome.tcbStatus;
      result = outcome.code === wanted && sameStatus ? 'ok' : 'DIFF';
      got = String(outcome.code);
      why = [outcome.tcbStatus, outcome.why, exception && `(${exception.why})`]
        .filter((part) => part)
        .join(' ');
    }
    counts[result] += 1;
    console.log(
      `${found.id.padEnd(76)} ${`${expected} (${wanted ?? '?'})`.padEnd(20)} ${got.padEnd(4)} ${result.padEnd(12)} ${why}`.trimEnd(),
    );
  }
  console.log(`\n${counts.ok} ok, ${counts.DIFF} DIFF, ${counts.unsupported} unsupported`);
  return counts.DIFF === 0 && counts.ok + counts.unsupported > 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
