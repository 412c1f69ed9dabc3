/** `affidavit check`: bundle → verify, proof → checkProof, both → appraise → a verdict. */
import { maxBundleLength } from '#verifier/abi/bundle.ts';
import { appraise } from '#verifier/appraise/appraise.ts';
import type { Policy } from '#verifier/appraise/policy.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { fromHex } from '#verifier/bytes.ts';
import { readFileLimited } from '#verifier/cli/files.ts';
import {
  hexOption,
  settingsOf,
  type VerdictOptions,
  verifyEvidence,
} from '#verifier/cli/verify-command.ts';
import type { Verified } from '#verifier/verified.ts';
import { circuitPin } from './artifact.ts';
import type { Backend } from './backend.ts';
import { checkProof, type GivenProof, type ProofTools } from './bob.ts';
import { ceremonyG2, firstPoints } from './ceremony.ts';
import { createProgress } from './progress.ts';
import { maxProofFileLength } from './proof-file.ts';
import { audienceOption, nonceOption } from './prove-command.ts';
import { openWorkshop, type WorkshopOptions } from './workshop.ts';

export type CheckOptions = VerdictOptions &
  WorkshopOptions & {
    proof: string;
    bundle: string;
    response: string;
    audience: string;
    nonce: string;
    bundleNonce?: string | undefined;
  };

/** @throws CliError for everything that ends without a verdict */
export async function check(options: CheckOptions): Promise<{ verdict: Verdict; policy: Policy }> {
  const audience = audienceOption(options.audience);
  const nonce = nonceOption('nonce', options.nonce);
  const bundleNonce = hexOption('bundle-nonce', options.bundleNonce, 32);
  const settings = await settingsOf(options);
  const bundle = await readFileLimited(options.bundle, maxBundleLength, 'bundle', 'invalid');
  const response = await readFileLimited(options.response, maxBundleLength, 'response', 'invalid');
  const proof = await readFileLimited(options.proof, maxProofFileLength, 'proof', 'invalid');

  const workshop = openWorkshop(
    options,
    createProgress(process.stderr, () => performance.now()),
  );
  // Started now, for it takes a moment; verifying needs no more than these points.
  const opening = workshop.open({ g1: firstPoints, g2: ceremonyG2 });
  opening.catch(() => {});
  try {
    const evidence = {
      form: 'bundle',
      bytes: bundle,
      nonce: bundleNonce === undefined ? null : fromHex(bundleNonce, 'bundle nonce'),
      connection: null,
    } as const;
    const verified = await verifyEvidence(evidence, settings);
    const proved = await checkProof(
      verified,
      { proof, response, audience, nonce },
      {
        artifactHash: async (circuit) => (await circuitPin(circuit)).artifactHash,
        key: workshop.key,
        verify: async (...question) => (await opening).verify(...question),
      },
    );
    return {
      verdict: appraise(proved, settings.policy, settings.references),
      policy: settings.policy,
    };
  } finally {
    await opening.then(
      (backend) => backend.close(),
      () => {},
    );
  }
}

/**
 * For a service. Each call has a backend of its own, which is gone when it ends; what the machine
 * lacks skips checks.
 */
export function openChecker(
  options: WorkshopOptions,
): (verified: Verified, given: GivenProof) => Promise<Verified> {
  const workshop = openWorkshop(
    options,
    createProgress(process.stderr, () => performance.now()),
  );
  return async (verified, given) => {
    let opening: Promise<Backend> | undefined;
    const tools: ProofTools = {
      artifactHash: async (circuit) => (await circuitPin(circuit)).artifactHash,
      key: workshop.key,
      async verify(...question) {
        // Only now: what is not even a proof must not start a backend.
        opening ??= workshop.open({ g1: firstPoints, g2: ceremonyG2 });
        return (await opening).verify(...question);
      },
    };
    try {
      return await checkProof(verified, given, tools);
    } finally {
      await opening?.then(
        (backend) => backend.close(),
        () => {},
      );
    }
  };
}
