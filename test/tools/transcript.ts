/** What a user reads of one verification, in each format. Runs in Node and in a browser: nothing here is of either. */
import { appraise } from '#verifier/appraise/appraise.ts';
import { genuinePolicy } from '#verifier/appraise/genuine.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';
import { verify } from '#verifier/verify.ts';
import { renderMarkdown } from '#verifier/words/markdown.ts';
import { renderVerdict } from '#verifier/words/verdict.ts';

export type TranscriptCase = {
  id: string;
  evidence: Evidence;
  collateral: readonly Collateral[];
  roots: readonly TrustedRoot[];
  now: UnixTime;
};

export const transcriptFormats = ['text', 'markdown', 'json'] as const;
export type Transcript = Record<(typeof transcriptFormats)[number], string>;

export async function transcriptOf(
  { evidence, collateral, roots, now }: TranscriptCase,
  crypto: CryptoPort,
): Promise<Transcript> {
  const verdict = appraise(await verify(evidence, collateral, roots, now, crypto), genuinePolicy);
  return {
    text: renderVerdict(verdict, genuinePolicy),
    markdown: renderMarkdown(verdict, genuinePolicy),
    json: `${JSON.stringify(verdict, null, 2)}\n`,
  };
}
