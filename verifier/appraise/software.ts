/** What the machine says of its software and of the moment, and how much of it counts under the policy. */
import { toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { fieldToBytes } from '../field.ts';
import type { Verified } from '../verified.ts';
import { checkKinds } from './devices.ts';
import { checkMember } from './member.ts';
import { namesNitroSoftware } from './nitro.ts';
import type { Policy } from './policy.ts';
import { isByEvents } from './register-policy.ts';
import { type TdxPolicy, tdxSoftware } from './tdx-policy.ts';
import { askedRegisters } from './tpm-policy.ts';

/** Checks that evidence without a bundle's digests, without a channel or beside no machine does not have. */
export type Due = (id: CheckId) => boolean;

/** Whether the policy names the software that was measured, all of it: itself, or by reference. */
export function namesSoftware(
  { claims, eventLog }: Pick<Verified, 'claims' | 'eventLog'>,
  policy: Policy,
): boolean {
  if (claims === null) return false;
  const { platform } = claims;
  if (policy.references !== undefined && (platform === 'sev-snp' || platform === 'tdx'))
    return true;
  switch (platform) {
    case 'sev-snp':
      return policy.sevSnp !== undefined && policy.sevSnp.measurement !== 'any';
    case 'tdx': {
      const { tdx } = policy;
      const isNamed = (name: (typeof tdxSoftware)[number]) =>
        tdx !== undefined && isNamedRegister(tdx[name], eventLog !== null);
      return tdxSoftware.every(isNamed);
    }
    case 'sgx':
      return policy.sgx !== undefined && policy.sgx.mrEnclave !== 'any';
    case 'tpm':
      return policy.tpm !== undefined && askedRegisters(policy.tpm).length > 0;
    case 'nitro':
      return policy.nitro !== undefined && namesNitroSoftware(policy.nitro);
    case 'nvidia':
      return policy.devices !== 'any';
  }
}

/** A register named by its events is named only where their log is known: a waiver of its check must not name software. */
function isNamedRegister(rule: TdxPolicy['rtmr0'], hasLog: boolean): boolean {
  return rule !== 'any' && (hasLog || !isByEvents(rule));
}

/** Closure and services are the word of the software that was measured: of software that nobody named they prove nothing. */
export function checkSoftware(list: Checklist, verified: Verified, policy: Policy, due: Due): void {
  const { bundle } = verified;
  const named = namesSoftware(verified, policy);
  const claim = (
    id: CheckId,
    actual: string | null,
    accepted: 'any' | readonly string[],
    reason: string,
  ) => {
    if (!due(id)) return;
    if (accepted === 'any') list.pass(id, { expected: 'any', ...(actual !== null && { actual }) });
    else if (actual === null)
      list.skip(id, 'an evidence bundle: a raw report or quote carries no digests');
    else if (!named && accepted.includes(actual)) {
      list.skip(id, 'a named measurement: the value fits, but is claimed by unnamed software');
    } else checkMember(list, id, actual, accepted, reason);
  };
  const bound = bundle?.bound;
  claim(
    'policy.closure-digest',
    bound ? toHex(bound.closureDigest) : null,
    policy.closureDigest,
    'the machine runs another system closure',
  );
  claim(
    'policy.tree-root',
    bound ? toHex(fieldToBytes(bound.treeRoot)) : null,
    policy.treeRoot,
    'the machine vouches for other services or keys',
  );
  if (due('policy.devices')) checkKinds(list, verified, policy.devices);
}

export function checkMoment(
  list: Checklist,
  { subject, bundle }: Verified,
  policy: Policy,
  due: Due,
): void {
  if (policy.freshness === 'any') {
    list.pass('policy.freshness', {
      expected: 'any',
      actual: subject.challenged ? "this verifier's nonce" : 'the moment is not proven',
    });
  } else if (subject.challenged) {
    list.pass('policy.freshness', { expected: 'verifier-nonce', actual: "this verifier's nonce" });
  } else
    list.skip('policy.freshness', 'the nonce that this verifier drew (--nonce, or verify by URL)');

  const id = 'policy.channel';
  if (!due(id)) return;
  if (policy.channel === 'any') {
    return list.pass(id, { expected: 'any', actual: bundle?.channel?.kind ?? 'none' });
  }
  if (!subject.connected)
    return list.skip(id, "this verifier's own connection to the agent (verify by URL)");
  const kind = bundle?.channel?.kind ?? 'none';
  checkMember(list, id, kind, policy.channel, 'the evidence can be relayed');
}
