/** Lint of waivers: which can make a difference under this policy, and what they let in. */
import type { Policy } from '../appraise/policy.ts';
import { applicableChecks, type CheckId, entryOf, type Tee } from '../checks.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { Report } from './finding.ts';

export function lintWaivers(policy: Policy, at: UnixTime, report: Report): void {
  const possible = possibleChecks(policy);
  for (const [index, { check, expires }] of policy.waivers.entries()) {
    const path = `waivers[${index}]`;
    if (expires !== null && expires <= at) {
      report('waiver-expired', path, `${check}, ${formatTime(expires)}`);
    } else if (!possible.has(check)) report('waiver-without-platform', path, check);
    else if (!canMatter(check, policy)) report('waiver-without-effect', path, check);
    else {
      if (expires === null) report('waiver-without-expiry', path, check);
      const revocation = entryOf(check).stage === 'collateral';
      report(revocation ? 'waiver-of-revocation' : 'waiver-undoes-rule', path, check);
    }
  }
}

/** Whether a waiver of the check counts at that time. */
export function waives({ waivers }: Policy, check: CheckId, at: UnixTime): boolean {
  return waivers.some((one) => one.check === check && (one.expires === null || one.expires > at));
}

/** Every check that some evidence could get under the policy, in any form and come by in any way. */
function possibleChecks({ sevSnp, tdx, sgx }: Policy): ReadonlySet<CheckId> {
  const tees: Tee[] = [];
  if (sevSnp !== undefined) tees.push('sev-snp');
  if (tdx !== undefined) tees.push('tdx');
  if (sgx !== undefined) tees.push('sgx');
  const found = new Set<CheckId>();
  for (const tee of tees) {
    for (const form of formsOf[tee]) {
      for (const step of ['verify', 'policy'] as const) {
        const subject = { form, tee, challenged: true, connected: true, proof: null };
        for (const id of applicableChecks(subject, step)) found.add(id);
      }
    }
  }
  return found;
}

const formsOf = {
  'sev-snp': ['report', 'bundle'],
  tdx: ['quote', 'bundle'],
  sgx: ['quote'],
} as const;

/**
 * Whether the check can be what stands between evidence and its acceptance. Of stage collateral each can: a list was not given.
 * Of stage policy most are never skipped, or only when a check of the chain or of the evidence is skipped too, which no waiver
 * covers.
 */
function canMatter(check: CheckId, policy: Policy): boolean {
  if (entryOf(check).stage === 'collateral') return true;
  switch (check) {
    case 'policy.certificate-table':
      return (policy.sevSnp?.certificateTable.requiredGuids.length ?? 0) > 0;
    case 'policy.reference-values':
      return policy.references !== undefined;
    case 'policy.closure-digest':
      return policy.closureDigest !== 'any';
    case 'policy.tree-root':
      return policy.treeRoot !== 'any';
    case 'policy.freshness':
      return policy.freshness !== 'any';
    case 'policy.channel':
      return policy.channel !== 'any';
    default:
      return false;
  }
}
