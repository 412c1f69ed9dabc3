/**
 * `affidavit prove response`: one more proof under an attestation that was proved before, and the portable file of them all.
 * Refuses at once what would not verify.
 */
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { encodeResponse } from '#verifier/abi/response.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { usageError } from '#verifier/cli/cli-error.ts';
import { attestationUrl, fetchTreeProof } from '#verifier/cli/fetch-bundle.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import { refuseOtherRelease } from './linked/alice-release.ts';
import {
  type LinkedResponseTask,
  toLinkedProofFile,
  toLinkedResponseTask,
} from './linked/alice-response.ts';
import { parseRanges, type Show } from './linked/alice-show.ts';
import { toProvingTools } from './linked/alice-tools.ts';
import { readSecretFile } from './linked/attestation-store.ts';
import { encodeLinkedProofFile } from './linked/proof-file.ts';
import { proveJob, solveJob } from './linked/stages.ts';
import { createProgress } from './progress.ts';
import { audienceOption, nonceOption, save } from './prove-command.ts';
import { endingAs } from './prove-inputs-command.ts';
import { openWorkshop, type WorkshopOptions } from './workshop.ts';

export type ProveResponseOptions = WorkshopOptions & {
  /** The secret file of `prove attestation`. */
  attestation: string;
  response: string;
  /** File of the agent's answer to /proofs/:name; with `agent`, the service's name. */
  service: string;
  agent?: string | undefined;
  audience: string;
  nonce: string;
  out: string;
  /** `all`, `none`, or ranges of bytes. */
  show?: string | undefined;
  showNonce?: boolean | undefined;
  showTime?: boolean | undefined;
  showRequest?: boolean | undefined;
  saveResponse?: string | undefined;
};

/**
 * @param toTools what makes the proof
 * @throws CliError for every other ending than a file that was written; ProverError for what is missing
 */
export async function proveResponse(
  options: ProveResponseOptions,
  toTools: typeof toProvingTools = toProvingTools,
): Promise<void> {
  const started = performance.now();
  const progress = createProgress(process.stderr, () => performance.now());
  const tools = toTools(openWorkshop(options, progress), progress);
  const task = await taskOf(options);
  await endingAs('usage', options.attestation, () =>
    refuseOtherRelease(task.attestation.secret, tools.artifactHash),
  );
  await tools.ready([task.job.circuit]);
  const proof = await endingAs('invalid', 'refused', async () =>
    proveJob(await solveJob(task.job, tools, progress), tools, progress),
  );
  if (options.saveResponse !== undefined) {
    // The key that the proof hides can be computed from a signature and what it signs.
    const signature = new Uint8Array(64);
    await save(options.saveResponse, encodeResponse({ ...task.response, signature }));
  }
  await save(options.out, encodeLinkedProofFile(toLinkedProofFile(task, proof)));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  progress.note(`wrote ${options.out} after ${seconds} s in all`);
}

async function taskOf(options: ProveResponseOptions): Promise<LinkedResponseTask> {
  const audience = audienceOption(options.audience);
  const nonce = nonceOption('nonce', options.nonce);
  const show = showOf(options);
  if (show !== null && options.saveResponse !== undefined) {
    throw usageError(
      '--save-response writes all of the response, --show… hides some of it',
      'Give one of the two: with --show… the checker needs no response.',
    );
  }
  const { attestation } = options;
  const secret = await endingAs('usage', attestation, () => readSecretFile(attestation));
  const response = await readFileLimited(options.response, maxBundleLength, 'response', 'invalid');
  const treeProof = await treeProofOf(options);
  return endingAs('invalid', 'refused', () =>
    toLinkedResponseTask({ secret, response, treeProof, audience, nonce, show }),
  );
}

/** Null when nothing is said of showing: then the checker is given the response. */
function showOf(options: ProveResponseOptions): Show | null {
  const { show, showNonce = false, showTime = false, showRequest = false } = options;
  if (show === undefined && !showNonce && !showTime && !showRequest) return null;
  return { body: bodyOf(show), nonce: showNonce, time: showTime, request: showRequest };
}

function bodyOf(show: string | undefined): Show['body'] {
  if (show === undefined || show === 'none' || show === 'all') return show ?? 'none';
  const ranges = parseRanges(show);
  if (ranges !== null) return ranges;
  throw usageError(
    `--show ${show} is neither all, none nor ranges of bytes`,
    'Write ranges in order, none overlapping: 0-9,20-29.',
  );
}

async function treeProofOf({ agent, service, offline }: ProveResponseOptions): Promise<Bytes> {
  if (agent === undefined)
    return readFileLimited(service, maxBundleLength, 'tree proof', 'invalid');
  if (offline) throw usageError('--offline and --agent contradict each other');
  return fetchTreeProof(attestationUrl(agent), service);
}
