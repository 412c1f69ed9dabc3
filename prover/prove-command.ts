/**
 * `affidavit prove`: refuses at once what would not verify, then proves, and checks its own proof
 * before writing it.
 */
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { blaming, CliError, usageError } from '#verifier/cli/cli-error.ts';
import { attestationUrl, fetchBundle, fetchTreeProof } from '#verifier/cli/fetch-bundle.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { hexOption } from '#verifier/cli/verify-command.ts';
import { prove as makeProof, solve, type Task, toTask } from './alice.ts';
import { writeAtomically } from './cache.ts';
import { executingSeconds, provingCosts } from './costs.ts';
import { createProgress, type Progress } from './progress.ts';
import { encodeProofFile, type ProofFile } from './proof-file.ts';
import { openWorkshop, type Workshop, type WorkshopOptions } from './workshop.ts';

export type ProveOptions = WorkshopOptions & {
  bundle?: string | undefined;
  agent?: string | undefined;
  saveBundle?: string | undefined;
  response: string;
  /** File of the agent's answer to /proofs/:name; with `agent`, the service's name. */
  service: string;
  audience: string;
  nonce: string;
  out: string;
  disclose?: 'service-key' | undefined;
  saveResponse?: string | undefined;
};

/** @throws CliError for every other ending than a proof that was written */
export async function prove(options: ProveOptions): Promise<void> {
  const started = performance.now();
  const progress = createProgress(process.stderr, () => performance.now());
  const audience = audienceOption(options.audience);
  const nonce = nonceOption('nonce', options.nonce);
  const circuit = options.disclose === 'service-key' ? 'response-open-key' : 'response-open';
  if (options.saveResponse !== undefined && circuit === 'response-open-key') {
    throw usageError(
      '--save-response leaves out the signature, which a checker needs with --disclose service-key',
      'Hand over the response itself.',
    );
  }
  const inputs = await inputsOf(options);
  const task = blaming('invalid', 'refused', () => toTask({ ...inputs, audience, nonce, circuit }));

  const workshop = openWorkshop(options, progress);
  const file = await proveTask(task, workshop, progress);
  if (options.saveBundle !== undefined) await save(options.saveBundle, inputs.bundle);
  if (options.saveResponse !== undefined) {
    // The key that the proof hides can be computed from a signature and what it signs.
    const signature = new Uint8Array(64);
    const { response } = task;
    await save(options.saveResponse, encodeResponse({ ...response, signature }));
  }
  await save(options.out, encodeProofFile(file));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  progress.note(`wrote ${options.out} after ${seconds} s in all`);
}

async function proveTask(task: Task, workshop: Workshop, progress: Progress): Promise<ProofFile> {
  const { circuit } = task;
  const { seconds, megabytes } = provingCosts[circuit][workshop.kind];
  const points = await workshop.points(circuit);
  progress.note(
    `${circuit} with the ${workshop.kind} backend: about ${megabytes} MB of memory, points of ${points.from}`,
  );
  const artifact = await workshop.artifact(circuit);
  const key = await workshop.key(circuit);
  const opening = workshop.open(points);
  try {
    const solved = await progress.stage('executing the circuit', executingSeconds, () =>
      solve(task, artifact),
    );
    return await progress.stage('proving and verifying', seconds, async () =>
      makeProof(task, artifact, solved, key, await opening),
    );
  } finally {
    await opening.then(
      (backend) => backend.close(),
      () => {},
    );
  }
}

type Inputs = { bundle: Bytes; response: Bytes; treeProof: Bytes };

async function inputsOf(options: ProveOptions): Promise<Inputs> {
  const { bundle, agent, service } = options;
  if ((bundle === undefined) === (agent === undefined)) {
    throw usageError(
      agent === undefined ? 'no evidence was given' : 'both --bundle and --agent were given',
      'Give a bundle file with --bundle, or an agent’s URL with --agent.',
    );
  }
  if ((agent === undefined) !== (options.saveBundle === undefined)) {
    throw usageError(
      agent === undefined
        ? '--save-bundle is for a bundle that was fetched with --agent'
        : '--agent needs --save-bundle: the proof is about this very bundle, and the checker needs it',
    );
  }
  const response = await readFileLimited(options.response, maxBundleLength, 'response', 'invalid');
  if (agent === undefined) {
    return {
      bundle: await readFileLimited(bundle as string, maxBundleLength, 'bundle', 'invalid'),
      response,
      treeProof: await readFileLimited(service, maxBundleLength, 'tree proof', 'invalid'),
    };
  }
  if (options.offline) throw usageError('--offline and --agent contradict each other');
  const url = attestationUrl(agent);
  return {
    bundle: await fetchBundle(url, new Uint8Array(randomBytes(32))),
    response,
    treeProof: await fetchTreeProof(url, service),
  };
}

/** Bob's name: any text but none. @throws CliError wrong usage */
export function audienceOption(text: string): string {
  if (text === '' || !text.isWellFormed()) {
    throw usageError('--audience is empty', 'Write the name that the checker goes by.');
  }
  return text;
}

/** 32 bytes. @throws CliError wrong usage */
export function nonceOption(name: string, text: string): Bytes {
  return fromHex(hexOption(name, text, 32) as string, name);
}

/** Whole or not at all. @throws CliError `file-unwritable` */
export async function save(path: string, content: Bytes | string): Promise<void> {
  try {
    await writeAtomically(dirname(path), basename(path), content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(
      'usage',
      'file-unwritable',
      `${path} cannot be written: ${reason}`,
      'Check the folder and its permissions.',
    );
  }
}
