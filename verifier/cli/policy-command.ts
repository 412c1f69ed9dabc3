/** `affidavit policy`: makes, checks and compares policies. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import { type Policy, policyDigest } from '#verifier/appraise/policy.ts';
import type { Decision } from '#verifier/appraise/verdict.ts';
import { fromHex, toHex } from '#verifier/bytes.ts';
import type { CheckId } from '#verifier/checks.ts';
import { asIfLive, evidenceOrNull, type FoundEvidence } from '#verifier/evidence-forms.ts';
import {
  compareDecisions,
  type DecisionChange,
  decisive,
  diffPolicies,
  worstOf,
} from '#verifier/policy-tools/compare.ts';
import { lintPolicy } from '#verifier/policy-tools/lint.ts';
import { pinPolicy } from '#verifier/policy-tools/pin.ts';
import { noReferences, type VerifiedReferences } from '#verifier/reference/verified.ts';
import type { Verified } from '#verifier/verified.ts';
import { renderVerdict } from '#verifier/words/verdict.ts';
import { blaming, CliError, exitCodes, usageError } from './cli-error.ts';
import { readEvidence } from './evidence-file.ts';
import { readFileLimited } from './files.ts';
import { readExpectations } from './policy-expect.ts';
import type { PolicyCommand } from './policy-options.ts';
import { diffText, lintText, pinnedText, testText } from './policy-text.ts';
import {
  hexOption,
  settingsOf,
  type VerdictOptions,
  type VerdictSettings,
  verifyEvidence,
} from './verify-command.ts';

/** What is printed where, and how the command ends. */
export type Ended = { stdout: string; stderr: string; exitCode: number };

/** What yargs found; names are in camel case. */
type Found = Record<string, unknown>;

/** @throws CliError wrong usage, a policy that cannot be read, evidence that is none */
export function runPolicy(name: PolicyCommand, found: Found): Promise<Ended> {
  return commands[name](found);
}

const commands: Record<PolicyCommand, (found: Found) => Promise<Ended>> = {
  init: runInit,
  lint: runLint,
  test: runTest,
  diff: runDiff,
  hash: runHash,
};

async function runInit(found: Found): Promise<Ended> {
  const settings = await collateralSettings(found);
  const nonce = nonceOf(found);
  const given = await readEvidence(one(found, 'from'), nonce);
  if (nonce !== null) demandBundle([given]);
  const verified = await verifyGiven(given, settings);
  const options = {
    name: text(found, 'name'),
    pinChip: found['pinChip'] === true,
    pinServices: found['pinServices'] === true,
  };
  const outcome = blaming('usage', 'policy init', () => pinPolicy(verified, options));
  if ('refusal' in outcome) {
    const { verdict, policy } = outcome.refusal;
    const stderr = `${renderVerdict(verdict, policy)}No policy was written.\n`;
    return { stdout: '', stderr, exitCode: exitCodes[verdict.decision] };
  }
  const { pinned } = outcome;
  const document = `${JSON.stringify(pinned.policy, null, 2)}\n`;
  const remarks = pinnedText(pinned, lintPolicy(pinned.policy, settings.now));
  const out = text(found, 'out');
  if (out === undefined) return { stdout: document, stderr: remarks, exitCode: exitCodes.accepted };
  await writeNew(out, document, found['force'] === true);
  return { stdout: `${out} written.\n${remarks}`, stderr: '', exitCode: exitCodes.accepted };
}

async function writeNew(path: string, content: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, content, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new CliError(
      'usage',
      exists ? 'file-exists' : 'file-unwritable',
      exists ? `${path} exists` : `${path} cannot be written: ${messageOf(error)}`,
      exists ? 'Choose another name, or give --force.' : 'Check the path and its permissions.',
    );
  }
}

async function runLint(found: Found): Promise<Ended> {
  const { now } = await settingsOf({ at: text(found, 'at') });
  const files = [];
  for (const file of several(found, 'file')) {
    const policy = await readPolicy(file);
    const { name } = policy;
    files.push({ file, name, digest: digestOf(policy), findings: lintPolicy(policy, now) });
  }
  const isBad = files.some(({ findings }) => findings.some(({ severity }) => severity !== 'note'));
  return {
    stdout: isJson(found) ? json({ at: now, files }) : lintText(files),
    stderr: '',
    exitCode: isBad ? exitCodes.rejected : exitCodes.accepted,
  };
}

async function runTest(found: Found): Promise<Ended> {
  const policy = await readPolicy(one(found, 'policy'));
  const settings = {
    ...(await collateralSettings(found)),
    references: await referencesOf(policy, found),
  };
  const paths = several(found, 'evidence');
  const nonce = nonceOf(found);
  const live = found['asIfLive'] === true;
  if (live && nonce !== null) throw usageError('--nonce and --as-if-live contradict each other');
  const expected = await readExpectations(text(found, 'expect'), paths);
  const results: TestResult[] = [];
  for (const path of paths) {
    const result = await testOne(path, policy, settings, (file) =>
      readEvidence(file, nonce).then((given) => (live ? asIfLive(given) : given)),
    );
    const wanted = expected?.get(path);
    results.push({ ...result, ...(wanted !== undefined && { expected: wanted }) });
  }
  const decision = worstOf(results.map((result) => result.decision));
  const asExpected = results.every((result) => result.expected === result.decision);
  return {
    stdout: isJson(found)
      ? json({ policy: digestOf(policy), at: settings.now, decision, results })
      : testText(results),
    stderr: '',
    exitCode:
      expected === null
        ? exitCodes[decision]
        : asExpected
          ? exitCodes.accepted
          : exitCodes.rejected,
  };
}

export type TestResult = {
  evidence: string;
  decision: Decision;
  /** Those that made the decision. */
  checks: CheckId[];
  /** Why the file is no evidence; null when it is. */
  problem: string | null;
  /** From --expect. */
  expected?: Decision;
};

async function testOne(
  evidence: string,
  policy: Policy,
  settings: VerdictSettings,
  read: (path: string) => Promise<FoundEvidence>,
): Promise<TestResult> {
  try {
    const verified = await verifyGiven(await read(evidence), settings);
    const { decision, checks } = appraise(verified, policy, settings.references);
    return { evidence, decision, checks: decisive(decision, checks), problem: null };
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCodes.invalid) throw error;
    return { evidence, decision: 'invalid', checks: [], problem: error.message };
  }
}

async function runDiff(found: Found): Promise<Ended> {
  const [from, to] = [await readPolicy(one(found, 'from')), await readPolicy(one(found, 'to'))];
  const members = diffPolicies(from, to);
  const folder = text(found, 'evidence');
  const judged = folder === undefined ? null : await judgeFolder(folder, from, to, found);
  const changes = judged?.changes ?? [];
  const differs = judged === null ? digestOf(from) !== digestOf(to) : changes.length > 0;
  const named = (policy: Policy) => ({ name: policy.name, digest: digestOf(policy) });
  const report = { from: named(from), to: named(to), members, evidence: judged };
  return {
    stdout: isJson(found) ? json(report) : diffText(report),
    stderr: '',
    exitCode: differs ? exitCodes.rejected : exitCodes.accepted,
  };
}

export type JudgedFolder = {
  /** How many pieces of evidence were judged. */
  judged: number;
  changes: ({ evidence: string } & DecisionChange)[];
  /** Files that are no evidence. */
  ignored: string[];
};

async function judgeFolder(
  folder: string,
  from: Policy,
  to: Policy,
  found: Found,
): Promise<JudgedFolder> {
  const settings = await collateralSettings(found);
  const references = await referencesOf(from.references === undefined ? to : from, found);
  const out: JudgedFolder = { judged: 0, changes: [], ignored: [] };
  for (const file of await filesOf(folder)) {
    const bytes = await readFileLimited(join(folder, file), maxBundleLength, 'evidence', 'usage');
    const given = evidenceOrNull(bytes);
    if (given === null) out.ignored.push(file);
    else {
      const verified = await verifyGiven(asIfLive(given), settings);
      const change = compareDecisions(verified, from, to, references);
      out.judged += 1;
      if (change.from !== change.to) out.changes.push({ evidence: file, ...change });
    }
  }
  if (out.judged === 0) {
    throw usageError(
      `${folder} holds no evidence`,
      'Give a folder of bundles, reports or quotes; folders in it are not looked into.',
    );
  }
  return out;
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    throw new CliError(
      'usage',
      'file-unreadable',
      `folder ${folder} cannot be read: ${messageOf(error)}`,
      'Check the path and its permissions.',
    );
  }
}

async function runHash(found: Found): Promise<Ended> {
  const policy = await readPolicy(one(found, 'file'));
  return { stdout: `${digestOf(policy)}\n`, stderr: '', exitCode: exitCodes.accepted };
}

async function readPolicy(path: string): Promise<Policy> {
  return (await settingsOf({ policy: path })).policy;
}

/** Time, roots and collateral; the policy is given by its place on the command line. */
function collateralSettings(found: Found): Promise<VerdictSettings> {
  const { policy: _, reference: __, ...rest } = found;
  return settingsOf(rest as VerdictOptions);
}

/** Of the options, for the policy that names who signs them. */
async function referencesOf(policy: Policy, found: Found): Promise<VerifiedReferences> {
  if (found['reference'] === undefined) return noReferences;
  const { referencesFor } = await import('./reference-files.ts');
  return referencesFor(policy, several(found, 'reference'));
}

function verifyGiven(given: FoundEvidence, settings: VerdictSettings): Promise<Verified> {
  const collateral = [...settings.collateral, ...given.collateral];
  return verifyEvidence(given.evidence, { ...settings, collateral });
}

function nonceOf(found: Found): Uint8Array | null {
  const hex = hexOption('nonce', text(found, 'nonce'), 32);
  return hex === undefined ? null : fromHex(hex, 'nonce');
}

function demandBundle(given: readonly FoundEvidence[]): void {
  if (given.some(({ evidence }) => evidence.form === 'bundle')) return;
  throw usageError('--nonce is for bundles: a raw report or quote holds no nonce', 'Leave it out.');
}

function digestOf(policy: Policy): string {
  return toHex(policyDigest(policy));
}

function isJson(found: Found): boolean {
  return found['format'] === 'json';
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function text(found: Found, name: string): string | undefined {
  const value = found[name];
  if (Array.isArray(value)) throw usageError(`--${name} was given ${value.length} times`);
  return typeof value === 'string' ? value : undefined;
}

function one(found: Found, name: string): string {
  const value = text(found, name);
  if (value === undefined) throw usageError(`${name} is missing`);
  return value;
}

function several(found: Found, name: string): string[] {
  return [found[name] ?? []].flat().map(String);
}

function messageOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}
