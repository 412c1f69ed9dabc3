/** What the banner says: of what machine the evidence is, what the decision means, and what it hangs on. */

import type { Policy } from '#verifier/appraise/policy.ts';
import { namesSoftware } from '#verifier/appraise/software.ts';
import type { Verdict } from '#verifier/appraise/verdict.ts';
import { toHex } from '#verifier/bytes.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import { type CheckId, entryOf } from '#verifier/checks.ts';
import type { Verified } from '#verifier/verified.ts';
import { byReason } from '#verifier/words/counts.ts';
import { harmless, shortHex } from '#verifier/words/lines.ts';
import { verdictStrings as words } from '../strings/road.ts';
import { withoutOptions } from './station-words.ts';

/** What of a judgement the words are taken from. */
export type Judgement = {
  verified: Pick<Verified, 'subject' | 'claims' | 'insecureRoot' | 'tpm' | 'devices' | 'eventLog'>;
  verdict: Pick<Verdict, 'decision' | 'checks'>;
  policy: Policy;
};

/** `AMD SEV-SNP, Genoa (EPYC 9004)` */
export function machineWords({ claims, subject, tpm, devices }: Judgement['verified']): string {
  if (claims === null) return subject.tee === null ? words.unread : words.platform[subject.tee];
  const name = words.platform[claims.platform];
  const more = (): (string | null | undefined)[] => {
    switch (claims.platform) {
      case 'sev-snp':
        return [claims.product && words.product[claims.product], claims.cspId];
      case 'tdx':
      case 'sgx': {
        const { quote, pck } = claims;
        return [
          quote.body.kind === 'tdx'
            ? words.tdxBody(quote.body.report.teeTcbSvn2 === null ? '1.0' : '1.5')
            : null,
          pck && words.family(toHex(pck.fmspc)),
        ];
      }
      case 'nitro':
        return [words.nitroKind[claims.document.kind]];
      case 'tpm':
        return [tpm?.provider && words.provider[tpm.provider]];
      case 'nvidia':
        return [
          words.devices(devices.length),
          [...new Set(devices.map(({ architecture }) => architecture))].join(', '),
        ];
    }
  };
  return [name, ...more().filter(Boolean)].map((part) => harmless(part ?? '')).join(', ');
}

/** The decision for somebody who knows none of the words below it. */
export function plainWords({ verified, verdict, policy }: Judgement): string {
  const { decision } = verdict;
  if (verified.insecureRoot && (decision === 'accepted' || decision === 'rejected')) {
    return words.rehearsal[decision];
  }
  if (decision !== 'accepted') return words.plain[decision];
  const { claims } = verified;
  const genuine = claims === null ? '' : words.accepted[claims.platform];
  return `${genuine} ${namesSoftware(verified, policy) ? words.allHolds : words.noSoftware}`;
}

/** One thing that is wrong or missing, and the check to look at. */
export type Reason = { id: CheckId; text: string; others: number };

/** So many are told of; the list of checks has all. */
const told = 4;

/** What a decision that is no acceptance hangs on, each reason once. */
export function reasonsOf({ decision, checks }: Judgement['verdict']): {
  reasons: Reason[];
  more: number;
} {
  const groups = byReason(decisive(decision, checks));
  const reasons = groups.slice(0, told).flatMap((same) => {
    const [first] = same as CheckResult[];
    if (first === undefined) return [];
    const text = withoutOptions(shortHex(first.reason ?? entryOf(first.id).title));
    return [{ id: first.id, text: harmless(text), others: same.length - 1 }];
  });
  return { reasons, more: groups.length - reasons.length };
}

/** A forgery is not explained by what is missing, nor by what a policy would have said of it. */
function decisive(
  decision: Verdict['decision'],
  checks: readonly CheckResult[],
): readonly CheckResult[] {
  switch (decision) {
    case 'accepted':
      return [];
    case 'invalid':
      return checks.filter(({ status, stage }) => status === 'fail' && stage !== 'policy');
    case 'rejected':
      return checks.filter(({ status }) => status === 'fail');
    case 'undecided':
      return checks.filter(({ status }) => status === 'skip');
  }
}
