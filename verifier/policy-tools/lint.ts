/** What a policy says without meaning it, and what it lets in. Knows no evidence: `policy test` does. */
import type { Policy } from '../appraise/policy.ts';
import { tdxSoftware } from '../appraise/tdx-policy.ts';
import type { UnixTime } from '../time.ts';
import { type Finding, findingOf, type Report } from './finding.ts';
import {
  acceptsNothing,
  bareKinds,
  lintDevices,
  lintNitro,
  lintTpm,
  takesNonces,
} from './lint-devices.ts';
import { lintSgx, lintTdx } from './lint-intel.ts';
import { lintReferences, unlessReferenced } from './lint-references.ts';
import { lintSnp } from './lint-snp.ts';
import { lintWaivers, waives } from './lint-waivers.ts';

export type { Finding, LintId, Severity } from './finding.ts';

/**
 * @param at the time that expiry is judged for
 * @returns in the order of the policy's members; empty for a policy that nothing is to be said about
 */
export function lintPolicy(policy: Policy, at: UnixTime): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (id, path, detail) => findings.push(findingOf(id, path, detail));
  if (acceptsNothing(policy)) report('accepts-nothing', 'policy');
  lintSets(policy, '', report);
  const machines = unlessReferenced(policy, report);
  if (policy.sevSnp !== undefined) lintSnp(policy.sevSnp, machines);
  if (policy.tdx !== undefined) lintTdx(policy.tdx, at, machines);
  if (policy.sgx !== undefined) lintSgx(policy.sgx, at, report);
  if (policy.tpm !== undefined) lintTpm(policy.tpm, report);
  if (policy.nitro !== undefined) lintNitro(policy.nitro, report);
  lintReferences(policy, report);
  lintClaims(policy, at, report);
  lintDevices(policy, report);
  lintMoment(policy, at, report);
  lintWaivers(policy, at, report);
  return findings;
}

/** Lists in which nothing is asked when they are empty. */
const mayBeEmpty = new Set([
  'refusedAdvisories',
  'requiredGuids',
  'trustedAuthorKeys',
  'trustedIdKeys',
  'waivers',
]);

function lintSets(value: object, path: string, report: Report): void {
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const at = path === '' ? name : `${path}.${name}`;
    if (Array.isArray(member)) {
      if (member.length === 0 && !mayBeEmpty.has(name)) report('empty-set', at);
    } else if (typeof member === 'object' && member !== null) lintSets(member, at, report);
  }
}

/** Closure and services are the word of the software, and count only where all of it is named. */
function lintClaims(policy: Policy, at: UnixTime, report: Report): void {
  const { sevSnp, tdx, references } = policy;
  if (references !== undefined) return;
  const unnamed: string[] = [];
  if (sevSnp?.measurement === 'any') unnamed.push('sevSnp.measurement');
  if (tdx !== undefined)
    unnamed.push(...tdxSoftware.filter((name) => tdx[name] === 'any').map((name) => `tdx.${name}`));
  if (unnamed.length === 0) return;
  const verb = unnamed.length === 1 ? 'is' : 'are';
  for (const [member, check] of [
    ['closureDigest', 'policy.closure-digest'],
    ['treeRoot', 'policy.tree-root'],
  ] as const) {
    if (policy[member] !== 'any' && !waives(policy, check, at))
      report('unnamed-software-claims', member, `${unnamed.join(', ')} ${verb} "any"`);
  }
}

function lintMoment(policy: Policy, at: UnixTime, report: Report): void {
  const { sevSnp, tdx, freshness, channel } = policy;
  lintBundled(policy, at, report);
  if (freshness === 'verifier-nonce') {
    for (const [name, rules] of Object.entries({ sevSnp, tdx })) {
      if (rules !== undefined && rules.reportData !== 'any')
        report('report-data-and-nonce', `${name}.reportData`);
    }
  }
  // Of an SGX quote nothing else can be asked.
  if (!takesNonces(policy)) return;
  if (freshness === 'any') report('freshness-any', 'freshness');
  if (sevSnp === undefined && tdx === undefined) return;
  if (channel === 'any') report('channel-any', 'channel');
}

/** Kinds of evidence that come in no bundle, and what of the policy only a bundle can meet. A nonce all but SGX quotes can answer. */
function lintBundled(policy: Policy, at: UnixTime, report: Report): void {
  const asked = [
    ['closureDigest', 'policy.closure-digest'],
    ['treeRoot', 'policy.tree-root'],
    ['freshness', 'policy.freshness'],
    ['channel', 'policy.channel'],
  ] as const;
  const isAsked = (member: (typeof asked)[number][0]) => policy[member] !== 'any';
  const unwaived = asked
    .filter(([member, check]) => isAsked(member) && !waives(policy, check, at))
    .map(([member]) => member);
  if (policy.sgx !== undefined && unwaived.length > 0)
    report('never-bundled', 'sgx', unwaived.join(', '));
  // What such evidence has no check of cannot be waived either.
  const never = asked
    .map(([member]) => member)
    .filter((member) => member !== 'freshness' && isAsked(member));
  if (never.length > 0) {
    for (const kind of bareKinds(policy)) report('never-bundled', kind, never.join(', '));
  }
}
