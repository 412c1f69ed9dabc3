/**
 * `affidavit prove attestation`: proves once what a machine is, without saying which, and keeps the proofs in a private file after
 * each stage. Refuses at once what would not verify.
 */
import { randomBytes } from 'node:crypto';
import { maxBundleLength, parseBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes, fromHex } from '#verifier/bytes.ts';
import { blaming, CliError, usageError } from '#verifier/cli/cli-error.ts';
import { attestationUrl, fetchBundle } from '#verifier/cli/fetch-bundle.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { hexOption, settingsOf, verifyEvidence } from '#verifier/cli/verify-command.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Field } from '#verifier/field.ts';
import { parseTime, type UnixTime } from '#verifier/time.ts';
import type { Verified } from '#verifier/verified.ts';
import { provingCosts } from './costs.ts';
import { AliceError } from './linked/alice-errors.ts';
import { circuitsLeft, refuseOtherRelease } from './linked/alice-release.ts';
import { toProvingTools } from './linked/alice-tools.ts';
import { proveAttestation, solveAttestation } from './linked/attestation-run.ts';
import {
  createSecretFile,
  readSecretFile,
  refuseExisting,
  replaceSecretFile,
} from './linked/attestation-store.ts';
import { refuseOtherPlatform, saltOf, toAttestationTask } from './linked/attestation-task.ts';
import type { SecretFile } from './linked/secret-file.ts';
import { maxSetLength, parseSet, type SetKind, type SetOf } from './linked/sets.ts';
import type { ProvingTools } from './linked/stages.ts';
import { createProgress, type Progress } from './progress.ts';
import { openWorkshop, type WorkshopOptions } from './workshop.ts';

export type ProveAttestationOptions = WorkshopOptions & {
  bundle?: string | undefined;
  agent?: string | undefined;
  attestationNonce?: string | undefined;
  /** Files of sets; `veks` in place of the PCK's certificate. */
  accepted?: string | undefined;
  levels?: string | undefined;
  revoked?: string | undefined;
  veks?: string | undefined;
  /** RFC 3339. */
  epochMin?: string | undefined;
  epochMax?: string | undefined;
  at?: string | undefined;
  outSecret: string;
  resume?: boolean | undefined;
  insecureRoot?: string | undefined;
};

/**
 * @param toTools what makes the proofs
 * @throws CliError for every other ending than two proofs that are kept; ProverError for what is missing
 */
export async function proveMachine(
  options: ProveAttestationOptions,
  toTools: typeof toProvingTools = toProvingTools,
): Promise<void> {
  const started = performance.now();
  const progress = createProgress(process.stderr, () => performance.now());
  const tools = toTools(openWorkshop(options, progress), progress);
  const secret = await (options.resume
    ? resume(options, tools, progress)
    : begin(options, progress));
  const { work } = secret;
  if (work === null) {
    progress.note(`both proofs are in ${options.outSecret} already`);
    return;
  }
  const task = { ...secret, work };
  announce(secret, tools, options.outSecret, progress);
  await tools.ready(circuitsLeft(secret));
  await endingAs('invalid', 'refused', async () => {
    const solved = await solveAttestation(task, tools, progress);
    if (!options.resume) await createSecretFile(options.outSecret, secret);
    const keep = (kept: SecretFile) => replaceSecretFile(options.outSecret, kept);
    await proveAttestation(solved, tools, progress, keep);
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  progress.note(
    `both proofs are in ${options.outSecret} after ${seconds} s in all; keep that file to yourself: it opens what they hide`,
  );
}

function announce(
  secret: SecretFile,
  { kind }: ProvingTools,
  path: string,
  progress: Progress,
): void {
  const circuits = circuitsLeft(secret);
  const costs = circuits.map((circuit) => provingCosts[circuit][kind]);
  const seconds = costs.reduce((total, cost) => total + cost.seconds, 0);
  const megabytes = Math.max(...costs.map((cost) => cost.megabytes));
  progress.note(
    `${circuits.join(' and ')} to prove: about ${Math.round(seconds)} s and ${megabytes} MB in all, and more the first time; ${path} keeps each proof as soon as it is made`,
  );
}

/** Everything that can be refused without executing a circuit. */
async function begin(options: ProveAttestationOptions, progress: Progress): Promise<SecretFile> {
  await endingAs('usage', options.outSecret, () => refuseExisting(options.outSecret));
  const epochMin = timeOption('epoch-min', options.epochMin);
  const epochMax = timeOption('epoch-max', options.epochMax);
  if (epochMin > epochMax) throw usageError('--epoch-min is after --epoch-max');
  const settings = await settingsOf({ at: options.at, insecureRoot: options.insecureRoot });
  const [accepted, levels, revoked] = [
    await readSet('accepted', options.accepted),
    await readSet('levels', options.levels),
    await readSet('revoked', options.revoked),
  ];
  const key =
    options.veks === undefined
      ? ({ kind: 'pck', at: settings.now } as const)
      : ({ kind: 'member', veks: await readSet('veks', options.veks) } as const);
  const { bytes, nonce } = await evidenceOf(options);
  const bundle = blaming('invalid', 'refused', () => parseBundle(bytes));
  await endingAs('invalid', 'refused', () => refuseOtherPlatform(bundle));
  const evidence = { form: 'bundle', bytes, nonce, connection: null } as const;
  refuseUnverified(await verifyEvidence(evidence, settings), progress);
  const salts = { key: saltOf(random), attestation: saltOf(random) };
  const made = Math.floor(Date.now() / 1000);
  const demanded = { accepted, levels, revoked, key, epochMin, epochMax };
  return endingAs('invalid', 'refused', () =>
    toAttestationTask({ bundle, ...demanded, salts, made }),
  );
}

async function evidenceOf({
  bundle,
  agent,
  ...options
}: ProveAttestationOptions): Promise<{ bytes: Bytes; nonce: Bytes | null }> {
  const nonce = nonceOf(options.attestationNonce);
  if ((bundle === undefined) === (agent === undefined)) {
    throw usageError(
      agent === undefined ? 'no evidence was given' : 'both --bundle and --agent were given',
      'Give a bundle file with --bundle, or an agent’s URL with --agent.',
    );
  }
  if (agent === undefined) {
    const bytes = await readFileLimited(bundle as string, maxBundleLength, 'bundle', 'invalid');
    return { bytes, nonce };
  }
  if (options.offline) throw usageError('--offline and --agent contradict each other');
  const asked = nonce ?? random(32);
  return { bytes: await fetchBundle(attestationUrl(agent), asked), nonce: asked };
}

/** What Intel's documents say of the machine is for the checker's sets to say: they may be missing, or late. */
const judgedBySets: ReadonlySet<string> = new Set([
  'evidence.qe-identity',
  'evidence.tdx-module',
  'evidence.tcb-level',
]);

/** Signatures, the chain to the pinned root, and what is bound: no proof is made of what the plain verifier refuses. */
function refuseUnverified({ checks }: Verified, progress: Progress): void {
  const due = checks.filter(({ stage }) => stage !== 'collateral');
  const faults = due.filter(
    ({ id, status }) => status === 'fail' || (status !== 'pass' && !judgedBySets.has(id)),
  );
  const [first] = faults;
  if (first !== undefined) {
    const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
    throw new CliError(
      'invalid',
      'evidence-false',
      `refused: ${first.id}: ${first.reason ?? first.status}${more}`,
      'See affidavit verify on this bundle, which says all that is wrong with it.',
    );
  }
  for (const { id, status, reason } of checks) {
    if (status === 'fail')
      progress.note(`not decisive here, for the sets decide: ${id}: ${reason}`);
  }
}

/** What the file holds; what is given beside it must be the same. */
async function resume(
  options: ProveAttestationOptions,
  tools: ProvingTools,
  progress: Progress,
): Promise<SecretFile> {
  const path = options.outSecret;
  const secret = await endingAs('usage', path, () => readSecretFile(path));
  await endingAs('usage', path, () => refuseOtherRelease(secret, tools.artifactHash));
  if (options.agent !== undefined) {
    progress.note(`the agent is not asked: ${path} holds the evidence that was begun with`);
  }
  await refuseOtherDemands(options, secret);
  return secret;
}

async function refuseOtherDemands(
  options: ProveAttestationOptions,
  { demanded, key, work }: SecretFile,
): Promise<void> {
  const other = (option: string) =>
    usageError(
      `--${option} is not what ${options.outSecret} was begun with`,
      'Give nothing but --resume and --out-secret, or begin another file.',
    );
  const same = async (kind: SetKind, path: string | undefined, root: Field | null) => {
    if (path !== undefined && (await readSet(kind, path)).root !== root) throw other(kind);
  };
  await same('accepted', options.accepted, demanded.accepted);
  await same('levels', options.levels, demanded.levels);
  await same('revoked', options.revoked, demanded.revoked);
  await same('veks', options.veks, key.kind === 'member' ? key.veks : null);
  const times = [
    ['epoch-min', options.epochMin, demanded.epochMin],
    ['epoch-max', options.epochMax, demanded.epochMax],
    ['at', options.at, key.kind === 'pck' ? key.at : null],
  ] as const;
  for (const [option, text, wanted] of times) {
    if (text !== undefined && timeOption(option, text) !== wanted) throw other(option);
  }
  const nonce = nonceOf(options.attestationNonce);
  if (nonce !== null && !equalBytes(nonce, demanded.nonce)) throw other('attestation-nonce');
  if (options.bundle !== undefined && work !== null) {
    const bytes = await readFileLimited(options.bundle, maxBundleLength, 'bundle', 'invalid');
    const { evidence } = blaming('invalid', 'bundle', () => parseBundle(bytes));
    if (!equalBytes(evidence, work.evidence)) throw other('bundle');
  }
}

/** @throws CliError wrong usage: no such file, or a set of another kind */
async function readSet<K extends SetKind>(kind: K, path: string | undefined): Promise<SetOf<K>> {
  if (path === undefined) {
    throw usageError(`--${kind} is missing`, 'Give the set that the checker handed you.');
  }
  const bytes = await readFileLimited(path, maxSetLength, 'set', 'usage');
  const set = blaming('usage', `--${kind} ${path}`, () => parseSet(bytes));
  if (set.kind !== kind)
    throw usageError(`--${kind} ${path} is a set of another kind: ${set.kind}`);
  return set as unknown as SetOf<K>;
}

function timeOption(name: string, text: string | undefined): UnixTime {
  const time = text === undefined ? null : parseTime(text);
  if (time !== null) return time;
  throw usageError(
    text === undefined ? `--${name} is missing` : `--${name} ${text} is no time with its zone`,
    'Write for example 2026-01-31T12:00:00Z.',
  );
}

function nonceOf(text: string | undefined): Bytes | null {
  const hex = hexOption('attestation-nonce', text, 32);
  return hex === undefined ? null : fromHex(hex, 'attestation nonce');
}

function random(length: number): Bytes {
  return new Uint8Array(randomBytes(length));
}

/** Runs `work`; what is wrong with its input ends the command as `ending` says, or as the error itself does. */
export async function endingAs<T>(
  ending: 'usage' | 'invalid',
  input: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AliceError) {
      const text = error.ending === 'invalid' ? `refused: ${error.message}` : error.message;
      throw new CliError(error.ending, error.code, text, error.remedy);
    }
    if (!(error instanceof AttestationError)) throw error;
    throw new CliError(ending, error.code, `${input}: ${error.message}`, error.remedy);
  }
}
