/**
 * What is believed of AMD's certificates: only what passes the checks that a verification makes of them, and no check of theirs is
 * waived.
 */
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Vek } from '#verifier/chain/amd.ts';
import type { Certificate, RevocationList } from '#verifier/chain/x509.ts';
import type { TrustedRoot } from '#verifier/roots.ts';
import {
  type AmdKeyKind,
  type CheckedAmdChain,
  checkAmdChain,
  keyKindOf,
  openCheck,
} from './amd-checks.ts';
import type { Believed, Trust } from './set-believe.ts';

/** DER each. */
export type GivenAmdIssuer = {
  /** ASK or ASVK. */
  readonly issuer: Bytes;
  /** ARK. */
  readonly root: Bytes;
  /** Revocation lists of ARKs; the newest of this one is used. None is refused. */
  readonly crls: readonly Bytes[];
};

export type BelievedAmdIssuer = {
  readonly issuer: Certificate;
  readonly product: SnpProduct;
  /** Which keys it certifies. */
  readonly keyKind: AmdKeyKind;
  readonly root: TrustedRoot;
  /** The list by which it is not revoked. */
  readonly list: RevocationList;
};

export type BelievedAmdVek = BelievedAmdIssuer & {
  readonly certificate: Certificate;
  readonly vek: Vek;
};

/** An ASK or ASVK under a trusted ARK, not revoked, all current. */
export async function believeAmdIssuer(
  given: GivenAmdIssuer,
  trust: Trust,
): Promise<Believed<BelievedAmdIssuer>> {
  const checked = await checkAmdChain({ ...given, vek: null }, trust);
  const check = openCheck(checked.checks);
  return check === null
    ? { kind: 'believed', value: issuerOf(checked) }
    : { kind: 'refused', check };
}

/** A VCEK or VLEK under such an issuer, current: AMD's lists name issuers alone. */
export async function believeAmdVek(
  given: GivenAmdIssuer & { readonly vek: Bytes },
  trust: Trust,
): Promise<Believed<BelievedAmdVek>> {
  const checked = await checkAmdChain(given, trust);
  const check = openCheck(checked.checks);
  if (check !== null) return { kind: 'refused', check };
  const { certificate, ...vek } = there(checked.chain.vek);
  return { kind: 'believed', value: { ...issuerOf(checked), certificate, vek } };
}

function issuerOf({ chain, crl }: CheckedAmdChain): BelievedAmdIssuer {
  const ask = there(chain.ask);
  return {
    issuer: ask.certificate,
    product: ask.product,
    keyKind: keyKindOf(ask),
    root: there(chain.root),
    list: there(crl),
  };
}

function there<T>(value: T | null): T {
  if (value === null) throw new Error('what passed every check is not there');
  return value;
}
