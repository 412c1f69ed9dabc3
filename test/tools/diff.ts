/**
 * `npm run diff -- [DIR] [--tee tdx|sgx]`: the TDX and SGX cases of a corpus that have collateral, mutants of three genuine quotes
 * and quotes of a simulated Intel, each judged by @phala/dcap-qvl and by this project; one line a case. Exit code 1 when they
 * differ in a way that test/tools/diff-known.ts does not explain.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import yargs from 'yargs';
import { sharedMissing, sharedPath } from '#test/shared.ts';
import { teeOf } from '#verifier/abi/quote.ts';
import { exitCodes } from '#verifier/cli/cli-error.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import type { Case } from './corpus.ts';
import { collateralMutants, type Others } from './diff-collateral-mutants.ts';
import { explanationsOf, type KnownKey } from './diff-known.ts';
import {
  type Answer,
  agree,
  type OwnAnswer,
  ownAnswer,
  type Sample,
  theirAnswer,
} from './diff-parties.ts';
import { type Mutant, quoteMutants } from './diff-quote-mutants.ts';
import { simulatedMutants } from './diff-simulated.ts';

export const diffTees = ['tdx', 'sgx'] as const;
export type DiffTee = (typeof diffTees)[number];

export type Row = {
  id: string;
  theirs: Answer;
  ours: OwnAnswer;
  /** Null when they agree; several keys or none explain nothing. */
  keys: readonly KnownKey[] | null;
};

export const genuineQuotes = {
  v3: 'sgx/sgx-v3-teekit-sgx-tlsn-quotedev',
  v4: 'tdx/tdx10-v4-dcap-qvl-tdx-quote',
  v5: 'tdx/tdx15-v5-go-tdx-guest-quote-v5-sample',
  otherSgx: 'sgx/sgx-v3-dcap-qvl-sgx-quote',
} as const;

/** Null for a case without collateral. */
export function loadSample(folder: string): Sample | null {
  const found = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
  const at: UnixTime | null = found.verify_at === null ? null : parseTime(found.verify_at);
  if (found.files['tcb_info'] === undefined || at === null) return null;
  const file = (role: string) =>
    new Uint8Array(readFileSync(join(folder, found.files[role] as string)));
  return {
    quote: file('quote'),
    tcbInfo: file('tcb_info'),
    qeIdentity: file('qe_identity'),
    tcbSigningChain: file('tcb_signing_chain'),
    qeIdentitySigningChain: file('qe_identity_signing_chain'),
    pckCrl: file('pck_crl'),
    rootCaCrl: file('root_ca_crl'),
    at,
  };
}

function* corpusCases(folder: string): Generator<Mutant> {
  for (const tee of diffTees) {
    if (!existsSync(join(folder, tee))) continue;
    for (const id of readdirSync(join(folder, tee)).toSorted()) {
      const sample = loadSample(join(folder, tee, id));
      if (sample !== null) yield { name: id, sample };
    }
  }
}

/** Systematic changes to one genuine quote of each version, and to its collateral. */
function* genuineMutants(folder: string): Generator<Mutant> {
  const load = (path: string) => loadSample(join(folder, path)) as Sample;
  const [v3, v4, v5] = [load(genuineQuotes.v3), load(genuineQuotes.v4), load(genuineQuotes.v5)];
  const former = (name: string) =>
    new Uint8Array(readFileSync(join(folder, 'collateral/intel', name)));
  const formerFiles = {
    formerSigningChain: former('tcb-signing-2018-05-21.pem'),
    formerRootCrl: former('root-ca-crl-2024-03-20.der'),
  };
  const plans: [string, Sample, Others][] = [
    ['v3', v3, { otherTee: v4, otherPlatform: load(genuineQuotes.otherSgx), ...formerFiles }],
    ['v4', v4, { otherTee: v3, otherPlatform: v5, ...formerFiles }],
    ['v5', v5, { otherTee: v3, otherPlatform: v4, ...formerFiles }],
  ];
  for (const [version, sample, others] of plans) {
    for (const mutant of [...quoteMutants(sample), ...collateralMutants(sample, others)])
      yield { ...mutant, name: `${version} ${mutant.name}` };
  }
}

export function hasGenuineQuotes(folder: string): boolean {
  return Object.values(genuineQuotes).every((path) => existsSync(join(folder, path, 'case.json')));
}

/** Every comparison, in the order of the printed lines. */
export async function* compareAll(folder: string, tee?: DiffTee): AsyncGenerator<Row> {
  const groups = [
    () => corpusCases(folder),
    () => (hasGenuineQuotes(folder) ? genuineMutants(folder) : []),
    () => simulatedMutants().map((one) => ({ ...one, name: `simulated ${one.name}` })),
  ];
  for (const group of groups) {
    // Mutants of a header may be of no kind, and go with the genuine ones that they come from.
    let last: DiffTee = 'tdx';
    for (const { name, sample } of group()) {
      last = name.startsWith('v3 ')
        ? 'sgx'
        : /^v[45] /.test(name)
          ? 'tdx'
          : (teeOf(sample.quote) ?? last);
      if (tee === undefined || tee === last) yield await compare(name, sample);
    }
  }
}

export async function compare(id: string, sample: Sample): Promise<Row> {
  const theirs = theirAnswer(sample);
  const ours = await ownAnswer(sample);
  const keys = agree(theirs, ours) ? null : explanationsOf({ sample, theirs, ours });
  return { id, theirs, ours, keys };
}

export function isExplained({ keys }: Row): boolean {
  return keys === null || keys.length === 1;
}

const shortened = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

function statusOf({ status, advisories }: Answer & { accepted: true }): string {
  return [status, ...advisories.map((id) => id.replace('INTEL-SA-', ''))].join(' ');
}

/** Theirs, ours (with the decision under the policy "genuine"), and what to think of it. */
export function renderRow({ id, theirs, ours, keys }: Row): string {
  const answers = [
    theirs.accepted ? `accepted ${statusOf(theirs)}` : `refused: ${shortened(theirs.why)}`,
    `${ours.decision ?? 'unread'} ${ours.accepted ? statusOf(ours) : shortened(ours.why)}`,
  ];
  const result = keys === null ? 'same' : `differs ${keys.join(' or ') || 'UNEXPLAINED'}`;
  return [id, ...answers].map((part) => part.padEnd(72)).join(' ') + result;
}

export type Counts = { same: number; explained: number; unexplained: number };

export function countRow(counts: Counts, row: Row): void {
  counts[row.keys === null ? 'same' : isExplained(row) ? 'explained' : 'unexplained'] += 1;
}

/** That nothing was compared, or nothing the same, is no success. */
export function exitCodeOf({ same, unexplained }: Counts): number {
  return unexplained === 0 && same > 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const { dir, tee } = await yargs(process.argv.slice(2))
    .scriptName('npm run diff --')
    .command('$0 [dir]', 'compare with @phala/dcap-qvl over a corpus')
    .positional('dir', { type: 'string' })
    .option('tee', { choices: diffTees, requiresArg: true, describe: 'only this kind of evidence' })
    .strict()
    .version(false)
    .parseAsync();
  const folder = dir === undefined ? sharedPath('corpus') : resolve(String(dir));
  if (!existsSync(folder)) {
    console.log(
      dir === undefined ? `diff: skipped, ${sharedMissing}` : `diff: no folder ${folder}`,
    );
    return dir === undefined ? exitCodes.accepted : exitCodes.usage;
  }
  if (!hasGenuineQuotes(folder)) {
    console.log(`diff: the genuine quotes that mutants are made of are not in ${folder}\n`);
  }
  const counts = { same: 0, explained: 0, unexplained: 0 };
  const keys = new Map<string, number>();
  for await (const row of compareAll(folder, tee)) {
    console.log(renderRow(row));
    countRow(counts, row);
    for (const key of row.keys ?? []) keys.set(key, (keys.get(key) ?? 0) + 1);
  }
  console.log();
  for (const [key, count] of keys) console.log(`${String(count).padStart(5)}  ${key}`);
  console.log(
    `\n${counts.same} same, ${counts.explained} differ and are explained, ${counts.unexplained} are not`,
  );
  return exitCodeOf(counts);
}

if (import.meta.main) process.exitCode = await main();
