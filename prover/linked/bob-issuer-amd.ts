/** Who issued a VCEK or VLEK: ASK or ASVK and ARK come with the proof, and are held to the pinned ARK and its list. */
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Vek } from '#verifier/chain/amd.ts';
import type { Held } from '#verifier/chain/links.ts';
import type { CheckResult } from '#verifier/checklist.ts';
import type { Field } from '#verifier/field.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import { formatTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import {
  type AmdKeyKind,
  type CheckedAmdChain,
  checkAmdChain,
  keyKindOf,
  openCheck,
} from './amd-checks.ts';
import type { Clock } from './bob-signed.ts';
import { issuerSnp, type SnpKeyKind, snpProducts } from './formulas-snp.ts';
import { type Finding, pass } from './linked-checks.ts';

/** What the checker has of AMD's. */
export type AmdTrust = {
  readonly roots: readonly TrustedRoot[];
  /** Of ARKs, DER; the newest of each is used. */
  readonly crls: readonly Bytes[];
};

/** As the proof file brings it, DER; `vek` null where it is not shown. */
export type GivenAmd = {
  readonly vek: Bytes | null;
  readonly issuer: Bytes;
  readonly root: Bytes;
};

export type AmdIssuer = {
  readonly issuer: Finding;
  readonly crl: Finding;
  /** Of the VCEK or VLEK; null where none is shown. */
  readonly certificate: Finding | null;
  /** `issuerSnp`; null when the certificate cannot be read. */
  readonly field: Field | null;
  /** What the issuer's certificate says; null when it cannot be read. */
  readonly issues: { readonly product: SnpProduct; readonly keyKind: AmdKeyKind } | null;
  /** Null where none is shown, or it cannot be read. */
  readonly vek: Held<Vek> | null;
  readonly ends: readonly Ending[];
};

const numberOf = { vcek: 0, vlek: 1 } as const satisfies Record<AmdKeyKind, SnpKeyKind>;

export async function checkAmdIssuer(
  given: GivenAmd,
  { roots, crls }: AmdTrust,
  clock: Clock,
): Promise<AmdIssuer> {
  const checked = await checkAmdChain({ ...given, crls }, { roots, ...clock });
  const { ask, ark, vek } = checked.chain;
  const under = (start: string) => checked.checks.filter(({ id }) => id.startsWith(start));
  const ofVek = [...under('chain.vek-'), ...(given.vek === null ? [] : under('chain.names'))];
  const others = under('chain.').filter((check) => !ofVek.includes(check));
  const named = (one: typeof ask | typeof ark | typeof vek) =>
    one === null
      ? 'none that can be read'
      : `${one.role.toUpperCase()} of ${one.product}, ${formatTime(one.certificate.notBefore)} to ${formatTime(one.certificate.notAfter)}`;
  const at = `valid at ${formatTime(clock.now)}`;
  return {
    issuer: findingOf(others, {
      expected: `an ASK or ASVK under a pinned ARK, ${at}`,
      actual: named(ask),
    }),
    crl: findingOf(under('collateral.')),
    certificate:
      given.vek === null
        ? null
        : findingOf(ofVek, {
            expected: `a VCEK or VLEK of this issuer, ${at}`,
            actual: named(vek),
          }),
    field: fieldOf(checked),
    issues: ask && { product: ask.product, keyKind: keyKindOf(ask) },
    vek,
    ends: endsOf(checked),
  };
}

/** One finding for several checks of a plain verification: the first that does not pass speaks for all. */
function findingOf(
  checks: readonly CheckResult[],
  passed?: { expected: string; actual: string },
): Finding {
  const open = openCheck(checks);
  const told = open ?? checks.at(-1);
  if (open === null && passed !== undefined) return pass(passed);
  const { expected, actual, reason } = told as CheckResult;
  return {
    status: open?.status ?? 'pass',
    comparison: {
      ...(expected !== null && { expected }),
      ...(actual !== null && { actual }),
      ...(reason !== null && { reason }),
    },
  };
}

/** issuer = P2(issuer-snp; product, kind, limbs(modulus)); `asAsk` has seen that the key is RSA of 4096 bits. */
function fieldOf({ chain: { ask } }: CheckedAmdChain): Field | null {
  if (ask === null || ask.certificate.publicKey.kind !== 'rsa') return null;
  const { modulus } = ask.certificate.publicKey;
  return issuerSnp(snpProducts[ask.product], numberOf[keyKindOf(ask)], modulus);
}

function endsOf({ chain: { ask, ark, vek }, crl }: CheckedAmdChain): Ending[] {
  const certificates = [vek, ask, ark].flatMap((one) =>
    one === null ? [] : [{ what: `the ${one.role.toUpperCase()}`, at: one.certificate.notAfter }],
  );
  return crl === null
    ? certificates
    : [...certificates, { what: "the ARK's revocation list", at: crl.nextUpdate }];
}
