/** A verdict's checks as trustworthiness vector and tier (draft-ietf-rats-ar4si). What is not known is never affirmed. */
import type { Decision, Verdict } from '../appraise/verdict.ts';
import { toHex } from '../bytes.ts';
import type { CheckResult, CheckStatus } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import { vendorRoots } from '../roots.ts';
import {
  type Aspect,
  aspects,
  aspectsOf,
  instanceChecks,
  type SpokenFor,
  softwareChecks,
  spokenFor,
  unfitChecks,
} from './aspects.ts';

/** Tier → its number in CBOR ("Enumeration Encoding"). */
export const tiers = { none: 0, affirming: 2, warning: 32, contraindicated: 96 } as const;
export type Tier = keyof typeof tiers;

export type TrustVector = Record<Aspect, number>;

/** The values that are used here, of those that the draft lists. */
export const values = {
  none: 0,
  /** Instance recognised; configuration approved; hardware genuine; memory encrypted. */
  affirmed: 2,
  /** Only approved executables have been loaded during boot: of what came later a measurement says nothing. */
  approvedBoot: 3,
  /** Hardware: genuine, with known vulnerabilities. */
  vulnerable: 32,
  /** Executables: there are some that nobody named. */
  unrecognised: 33,
  /** Not in the draft, whose non-standard warnings begin here: the policy waived a check of this claim. */
  waived: -33,
  contraindicated: 96,
  /** Instance: not the one that was expected. */
  unexpectedInstance: 97,
  /** Cryptographic validation of the evidence has failed. */
  cryptoFailed: 99,
} as const;

/** Of any value from -128 to 127. */
export function tierOf(value: number): Tier {
  if (value >= -1 && value <= 1) return 'none';
  const strength = value > 0 ? value : -value - 1;
  if (strength >= tiers.contraindicated) return 'contraindicated';
  return strength >= tiers.warning ? 'warning' : 'affirming';
}

/** The worst tier of those that say something; none when nothing does. */
export function worstTier(vector: Partial<TrustVector>): Tier {
  const found = Object.values(vector).map(tierOf);
  const order = ['contraindicated', 'warning', 'affirming'] as const;
  return order.find((tier) => found.includes(tier)) ?? 'none';
}

export function vectorOf({ checks }: Pick<Verdict, 'checks'>): TrustVector {
  const judged = checks.map((check) => ({ ...check, status: statusOf(check) }));
  const spoken: readonly Aspect[] = spokenFor;
  const entries = aspects.map((aspect) => {
    const value = spoken.includes(aspect) ? claimOf(aspect as SpokenFor, judged) : values.none;
    return [aspect, value] as const;
  });
  return Object.fromEntries(entries) as TrustVector;
}

/**
 * `ear.status`: no better than the worst claim, no better than the decision. Undecided is none, unless a check failed that no
 * missing piece could mend.
 */
export function statusTier(decision: Decision, vector: TrustVector): Tier {
  const worst = worstTier(vector);
  if (decision === 'accepted' || worst === 'contraindicated') return worst;
  return decision === 'undecided' ? 'none' : 'contraindicated';
}

const vendorFingerprints = new Set(vendorRoots.map(({ spkiSha256 }) => toHex(spkiSha256)));

/** A policy may accept simulated hardware and a debugger, knowing what it does; who reads the token knows nothing of that. */
function statusOf({ id, status, actual }: CheckResult): CheckStatus {
  if (status !== 'pass') return status;
  if (id === 'chain.root-pinned')
    return actual !== null && vendorFingerprints.has(actual) ? 'pass' : 'fail';
  if (id === 'policy.debug') return actual === 'debug off' ? 'pass' : 'fail';
  return 'pass';
}

function claimOf(aspect: SpokenFor, checks: readonly CheckResult[]): number {
  const own = checks.filter(({ id }) => aspectsOf[id].includes(aspect));
  const failed = own.filter(({ status }) => status === 'fail');
  if (failed.length > 0) return failureOf(aspect, failed);
  if (own.some(({ status }) => status === 'skip') || !isVouchedFor(checks)) return values.none;
  if (aspectsOf['policy.debug'].includes(aspect) && !own.some(isDebugCheck)) return values.none;
  if (aspect === 'instance-identity' && !namesInstance(checks)) return values.none;
  if (aspect === 'executables' && !namesSoftware(checks)) return values.unrecognised;
  if (aspect === 'hardware' && hasKnownHoles(checks)) return values.vulnerable;
  if (own.some(({ status }) => status === 'waived')) return values.waived;
  return aspect === 'executables' ? values.approvedBoot : values.affirmed;
}

function failureOf(aspect: SpokenFor, failed: readonly CheckResult[]): number {
  const isCrypto = ({ id, stage }: CheckResult) => stage !== 'policy' && !unfitChecks.includes(id);
  if (failed.some(isCrypto)) return values.cryptoFailed;
  const unexpected =
    aspect === 'instance-identity' && failed.every(({ id }) => instanceChecks.includes(id));
  return unexpected ? values.unexpectedInstance : values.contraindicated;
}

/** What everything stands on has been seen to pass: a list of checks without it says nothing, however green. */
function isVouchedFor(checks: readonly CheckResult[]): boolean {
  const passed = (id: CheckId) =>
    checks.some((check) => check.id === id && check.status === 'pass');
  const signed = passed('evidence.signature') || passed('evidence.quote-signature');
  return signed && passed('chain.root-pinned');
}

function isDebugCheck({ id }: CheckResult): boolean {
  return id === 'policy.debug';
}

function namesSoftware(checks: readonly CheckResult[]): boolean {
  if (checks.some(isOfRelease)) return true;
  const found = checks.filter(({ id }) => softwareChecks.includes(id));
  return found.length > 0 && found.every(isNamed);
}

/** Its builders named what the software measures, and the policy its builders: fewer of them would be a failure. */
function isOfRelease({ id, status, expected }: CheckResult): boolean {
  return (
    id === 'policy.reference-values' && status === 'pass' && expected !== null && expected !== 'any'
  );
}

function namesInstance(checks: readonly CheckResult[]): boolean {
  // A masked chip id is all zeros, on every chip.
  const isOne = ({ actual }: CheckResult) => actual !== null && /[^0]/.test(actual);
  return checks.some(
    (check) => instanceChecks.includes(check.id) && isNamed(check) && isOne(check),
  );
}

/** The policy named this value, a digest or id in hex. */
function isNamed({ status, expected, actual }: CheckResult): boolean {
  if (status !== 'pass' || expected === null || expected === 'any') return false;
  return actual !== null && /^[0-9a-f]+$/.test(actual);
}

/** Intel states what it knows of the platform; of AMD's nothing is known beyond the floors of the policy. */
function hasKnownHoles(checks: readonly CheckResult[]): boolean {
  return checks.some(
    ({ id, status, actual }) =>
      id === 'policy.tcb-status' && status === 'pass' && actual !== 'UpToDate',
  );
}
