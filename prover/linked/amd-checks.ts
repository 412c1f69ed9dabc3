/**
 * AMD's chain from a pinned ARK down to one ASK or ASVK, and to one VCEK or VLEK where there is one, with every check that a
 * verification of evidence makes of it. Nothing is waived.
 */
import type { Bytes } from '#verifier/bytes.ts';
import type { Ask } from '#verifier/chain/amd.ts';
import { type AmdChain, verifyAmdChain } from '#verifier/chain/amd-chain.ts';
import { verifyRevocation } from '#verifier/chain/amd-crl.ts';
import { type RevocationList, sameName } from '#verifier/chain/x509.ts';
import { Checklist, type CheckResult } from '#verifier/checklist.ts';
import type { CheckId } from '#verifier/checks.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import type { UnixTime } from '#verifier/time.ts';

/** DER each. */
export type GivenAmdChain = {
  /** VCEK or VLEK; null where nobody shows it. */
  readonly vek: Bytes | null;
  /** ASK or ASVK. */
  readonly issuer: Bytes;
  /** ARK. */
  readonly root: Bytes;
  /** Of ARKs; the newest of this one is used. */
  readonly crls: readonly Bytes[];
};

export type AmdTrust = {
  readonly roots: readonly TrustedRoot[];
  readonly now: UnixTime;
  readonly crypto: CryptoPort;
};

/** What could be read. Whether it may be believed is in the checks. */
export type CheckedAmdChain = {
  readonly chain: AmdChain;
  readonly crl: RevocationList | null;
  /** Each was asked: nothing is to be believed unless all of them pass. */
  readonly checks: readonly CheckResult[];
};

const issuerChecks = [
  'chain.root-certificate',
  'chain.root-pinned',
  'chain.root-signature',
  'chain.root-validity',
  'chain.issuer-certificate',
  'chain.issuer-signature',
  'chain.issuer-validity',
] as const satisfies readonly CheckId[];
const vekChecks = [
  'chain.vek-certificate',
  'chain.vek-signature',
  'chain.vek-validity',
] as const satisfies readonly CheckId[];
const listChecks = [
  'collateral.crl-signature',
  'collateral.crl-validity',
  'collateral.revocation',
] as const satisfies readonly CheckId[];
const all = [...issuerChecks, 'chain.names', ...vekChecks, ...listChecks] as const;
const vekIds: readonly CheckId[] = vekChecks;

/** Bad certificates fail checks and never throw. */
export async function checkAmdChain(
  { vek, issuer, root, crls }: GivenAmdChain,
  { roots, now, crypto }: AmdTrust,
): Promise<CheckedAmdChain> {
  const list = new Checklist(all);
  const given = { vek: vek === null ? [] : [vek], ask: [issuer], ark: [root] };
  const chain = await verifyAmdChain(list, given, roots, now, crypto);
  const crl = await verifyRevocation(list, crls, chain, now, crypto);
  const made = list.finish();
  if (vek !== null) return { chain, crl, checks: made };
  const names = checkNames(chain);
  const checks = made
    .filter(({ id }) => !vekIds.includes(id))
    .map((check) => (check.id === 'chain.names' ? names : check));
  return { chain, crl, checks };
}

/** Without a VEK: that the two belong together, the third certificate of this check being none that anybody sees. */
function checkNames({ ask, ark }: AmdChain): CheckResult {
  const id = 'chain.names';
  const list = new Checklist([id]);
  if (ask === null || ark === null)
    list.skip(id, 'readable certificates of the issuer and the root');
  else {
    const isLinked =
      sameName(ask.certificate.issuer, ark.certificate.subject) && ask.product === ark.product;
    list.decide(id, isLinked, {
      expected: `${ask.certificate.commonName} ← ARK-${ask.product}`,
      actual: `${ask.certificate.commonName} ← ${ark.certificate.commonName}`,
      reason: 'the certificates do not belong together',
    });
  }
  return list.finish()[0] as CheckResult;
}

/** The check that speaks against the chain: the first that failed, else the first that lacks something; null when all passed. */
export function openCheck(checks: readonly CheckResult[]): CheckResult | null {
  return (
    checks.find(({ status }) => status === 'fail') ??
    checks.find(({ status }) => status !== 'pass') ??
    null
  );
}

/** A chip's own key, or one that AMD gave to a cloud. */
export type AmdKeyKind = 'vcek' | 'vlek';

/** What an ASK certifies, and what an ASVK. */
export function keyKindOf({ role }: Ask): AmdKeyKind {
  return role === 'ask' ? 'vcek' : 'vlek';
}
