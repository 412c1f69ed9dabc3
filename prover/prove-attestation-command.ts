/**
 * `affidavit prove attestation`: proves once what a machine is, without saying which unless asked to (`--key shown`), and keeps the
 * proofs in a private file after each stage. Refuses at once what would not verify.
 */
import { randomBytes } from 'node:crypto';
import { maxBundleLength, parseBundle } from '#verifier/abi/bundle.ts';
import { type Bytes, equalBytes } from '#verifier/bytes.ts';
import { blaming, CliError, usageError } from '#verifier/cli/cli-error.ts';
import { attestationUrl, fetchBundle } from '#verifier/cli/fetch-bundle.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { settingsOf, verifyEvidence } from '#verifier/cli/verify-command.ts';
import type { Field } from '#verifier/field.ts';
import type { Verified } from '#verifier/verified.ts';
import { provingCosts } from './costs.ts';
import { circuitsLeft, refuseOtherRelease } from './linked/alice-release.ts';
import { toProvingTools } from './linked/alice-tools.ts';
import { proveAttestation, solveAttestation } from './linked/attestation-run.ts';
import {
  createSecretFile,
  readSecretFile,
  refuseExisting,
  replaceSecretFile,
} from './linked/attestation-store.ts';
import { saltOf, toAttestationTask } from './linked/attestation-task.ts';
import type { SecretFile } from './linked/secret-file.ts';
import type { SetKind } from './linked/sets.ts';
import type { ProvingTools } from './linked/stages.ts';
import { createProgress, type Progress } from './progress.ts';
import {
  attestationNonceOf,
  endingAs,
  type KeyOptions,
  keyWanted,
  readSet,
  timeOption,
} from './prove-inputs-command.ts';
import { openWorkshop, type WorkshopOptions } from './workshop.ts';

export type ProveAttestationOptions = WorkshopOptions &
  KeyOptions & {
    bundle?: string | undefined;
    agent?: string | undefined;
    attestationNonce?: string | undefined;
    /** Files of sets. */
    accepted?: string | undefined;
    levels?: string | undefined;
    revoked?: string | undefined;
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
 * @throws CliError for every other ending than proofs that are kept; ProverError for what is missing
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
    progress.note(`all proofs are in ${options.outSecret} already`);
    return;
  }
  const task = { ...secret, work };
  if (secret.key.kind === 'shown') {
    progress.note(
      'the key is shown: whoever is handed a proof sees its certificate, which names the chip (a VLEK’s: the provider)',
    );
  }
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
    `all proofs are in ${options.outSecret} after ${seconds} s; keep that file to yourself: it opens what they hide`,
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
  const key = await keyWanted(options, settings.now);
  const { bytes, nonce } = await evidenceOf(options);
  const bundle = blaming('invalid', 'refused', () => parseBundle(bytes));
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
  const nonce = attestationNonceOf(options.attestationNonce);
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

/**
 * Signatures, the chain to the pinned root, and what is bound: no proof is made of what the plain verifier refuses. Lists may be
 * missing, or late, for the checker has his own; but an issuer that AMD's list names is in no set, and nobody believes it.
 */
function refuseUnverified({ checks }: Verified, progress: Progress): void {
  const isFault = ({ id, stage, status }: Verified['checks'][number]) =>
    stage === 'collateral'
      ? status === 'fail' && id === 'collateral.revocation'
      : status === 'fail' || (status !== 'pass' && !judgedBySets.has(id));
  const faults = checks.filter(isFault);
  const [first] = faults;
  if (first !== undefined) {
    const more = faults.length === 1 ? '' : ` (and ${faults.length - 1} more)`;
    throw new CliError(
      'invalid',
      'evidence-false',
      `refused: ${first.id}: ${first.reason ?? first.status}${more}`,
      first.status === 'skip'
        ? 'Complete the bundle first: affidavit verify with --save FILE; then give that file.'
        : 'See affidavit verify on this bundle, which says all that is wrong with it.',
    );
  }
  for (const { id, status, reason } of checks) {
    if (status === 'fail')
      progress.note(`not decisive here, the checker judges it himself: ${id}: ${reason}`);
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
  const isCertified = key.kind === 'pck' || key.kind === 'vek';
  const kind = isCertified ? 'certified' : key.kind;
  if (options.key !== undefined && options.key !== kind) throw other('key');
  const times = [
    ['epoch-min', options.epochMin, demanded.epochMin],
    ['epoch-max', options.epochMax, demanded.epochMax],
    ['at', options.at, isCertified ? key.at : null],
  ] as const;
  for (const [option, text, wanted] of times) {
    if (text !== undefined && timeOption(option, text) !== wanted) throw other(option);
  }
  const nonce = attestationNonceOf(options.attestationNonce);
  if (nonce !== null && !equalBytes(nonce, demanded.nonce)) throw other('attestation-nonce');
  if (options.bundle !== undefined && work !== null) {
    const bytes = await readFileLimited(options.bundle, maxBundleLength, 'bundle', 'invalid');
    const { evidence } = blaming('invalid', 'bundle', () => parseBundle(bytes));
    if (!equalBytes(evidence, work.evidence)) throw other('bundle');
  }
}

function random(length: number): Bytes {
  return new Uint8Array(randomBytes(length));
}
