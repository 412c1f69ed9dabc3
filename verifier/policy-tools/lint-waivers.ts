/** Lint of waivers: which can make a difference under this policy, and what they let in. */

import { requiredKinds } from '../appraise/devices.ts';
import type { Policy } from '../appraise/policy.ts';
import { isByEvents } from '../appraise/register-policy.ts';
import { askedRegisters } from '../appraise/tpm-policy.ts';
import { applicableChecks, type CheckId, type Cpu, entryOf, type Subject } from '../checks.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { LintId, Report } from './finding.ts';

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
      report(whatItLetsIn(check), path, check);
    }
  }
}

/** Whether a waiver of the check counts at that time. */
export function waives({ waivers }: Policy, check: CheckId, at: UnixTime): boolean {
  return waivers.some((one) => one.check === check && (one.expires === null || one.expires > at));
}

const manifests: ReadonlySet<CheckId> = new Set([
  'collateral.rim-signature',
  'collateral.rim-validity',
  'collateral.gpu-driver',
  'collateral.gpu-firmware',
]);

function whatItLetsIn(check: CheckId): LintId {
  if (entryOf(check).stage !== 'collateral') return 'waiver-undoes-rule';
  return manifests.has(check) ? 'waiver-of-manifests' : 'waiver-of-revocation';
}

type Shape = Pick<Subject, 'form' | 'tee' | 'ak' | 'gpu' | 'nitroTpm'>;

/** Every check that some evidence could get under the policy, in any form and come by in any way. */
function possibleChecks(policy: Policy): ReadonlySet<CheckId> {
  const found = new Set<CheckId>();
  for (const shape of shapesOf(policy)) {
    for (const step of ['verify', 'policy'] as const) {
      const way = { eventLog: true, challenged: true, connected: true, proof: null };
      for (const id of applicableChecks({ ...shape, ...way }, step)) found.add(id);
    }
  }
  return found;
}

/** What may be in evidence that is not refused as a whole. */
function shapesOf(policy: Policy): Shape[] {
  const { sevSnp, tdx, sgx, tpm, nitro, devices } = policy;
  const listed = devices === 'none' || devices === 'any' ? null : devices;
  const gpu = devices === 'any' || (listed !== null && listed.nvidia !== 'refused');
  const besideAk = devices === 'any' || (listed !== null && listed.tpm !== 'refused');
  const nitroTpm = devices === 'any' || (listed !== null && listed.nitroTpm !== 'refused');
  const kinds = tpm?.key ?? [];
  const bare = { ak: null, gpu: false, nitroTpm: false } as const;
  const machine = (tee: Cpu, form: 'report' | 'quote'): Shape[] => [
    { ...bare, tee, form },
    { tee, form: 'bundle', ak: besideAk ? 'certificate' : null, gpu, nitroTpm },
    ...kinds.map((ak) => ({ ...bare, tee, form: 'hcl' as const, ak })),
  ];
  return [
    ...(sevSnp === undefined ? [] : machine('sev-snp', 'report')),
    ...(tdx === undefined ? [] : machine('tdx', 'quote')),
    ...(sgx === undefined ? [] : [{ ...bare, tee: 'sgx', form: 'quote' } as const]),
    ...(nitro === undefined ? [] : [{ ...bare, tee: 'nitro', form: 'nitro' } as const]),
    ...kinds.map((ak) => ({ ...bare, tee: 'tpm', form: 'tpm-quote', ak }) as const),
    ...(gpu ? [{ ...bare, tee: 'nvidia', form: 'gpu', gpu } as const] : []),
  ];
}

const registerOf = {
  'policy.rtmr0': 'rtmr0',
  'policy.rtmr1': 'rtmr1',
  'policy.rtmr2': 'rtmr2',
  'policy.rtmr3': 'rtmr3',
} as const;

/**
 * Whether the check can be what stands between evidence and its acceptance. Of stage collateral each can: a list was not given.
 * Of stage policy most are never skipped, or only when a check of the chain or of the evidence is skipped too, which no waiver
 * covers.
 */
function canMatter(check: CheckId, policy: Policy): boolean {
  if (entryOf(check).stage === 'collateral') return true;
  const { tpm, tdx, devices } = policy;
  const listed = devices === 'none' || devices === 'any' ? null : devices;
  const nvidia = listed === null || listed.nvidia === 'refused' ? null : listed.nvidia;
  switch (check) {
    case 'policy.pcrs':
      return tpm !== undefined && askedRegisters(tpm).some(({ rule }) => isByEvents(rule));
    case 'policy.rtmr0':
    case 'policy.rtmr1':
    case 'policy.rtmr2':
    case 'policy.rtmr3':
      return tdx !== undefined && isByEvents(tdx[registerOf[check]]);
    case 'policy.event-log':
      return tpm?.eventLog === 'required';
    case 'policy.secure-boot':
      return tpm?.secureBoot === 'required';
    case 'policy.gpu-confidential-mode':
      return nvidia?.confidentialMode === 'required';
    case 'policy.gpu-references':
      return nvidia?.references === 'required';
    case 'policy.devices':
      return listed !== null && requiredKinds(listed).length > 0;
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
