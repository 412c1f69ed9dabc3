/** What stands beside a machine, and what is to be thought of it when no machine comes with it. */
import type { Verified } from '../verified.ts';
import { genuinePolicy } from './genuine.ts';
import type { Policy } from './policy.ts';

type Claims = NonNullable<Verified['claims']>;

/** No machine of its own: a TPM, also that of an instance of AWS, or devices. */
export function standsBeside(claims: Claims): boolean {
  switch (claims.platform) {
    case 'tpm':
    case 'nvidia':
      return true;
    case 'nitro':
      return claims.document.kind === 'tpm';
    case 'sev-snp':
    case 'tdx':
    case 'sgx':
      return false;
  }
}

const machines = ['sevSnp', 'tdx', 'sgx'] as const satisfies readonly (keyof Policy)[];
/** Not freshness, which all evidence with a nonce can meet, nor devices, of which the question may be. */
const compared = [
  ...machines,
  'tpm',
  'nitro',
  'closureDigest',
  'treeRoot',
  'channel',
] as const satisfies readonly (keyof Policy)[];

/**
 * Whether a policy takes a TPM or devices by themselves. One with rules for machines does not, or they would pass for a machine;
 * unless it asks for no more than the policy `genuine`, which is for any genuine hardware.
 */
export function takesAlone(policy: Policy): boolean {
  if (machines.every((member) => policy[member] === undefined)) return true;
  return (
    policy.references === undefined &&
    !compared.some((member) => asksMore(policy[member], genuinePolicy[member]))
  );
}

/** Whether something is asked where `loose` says "any". */
function asksMore(rule: unknown, loose: unknown): boolean {
  if (rule === undefined) return false;
  if (loose === 'any') return rule !== 'any';
  if (!isObject(rule) || !isObject(loose)) return false;
  return Object.keys(loose).some((name) => asksMore(rule[name], loose[name]));
}

function isObject(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
