/** Who vouches for the machine's key, by the certificates that came with the proof: every check of them, and what they say. */
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import type { Vek } from '#verifier/chain/amd.ts';
import type { Pck, PckIssuer } from '#verifier/chain/intel.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { Field } from '#verifier/field.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import type { AmdKeyKind } from './amd-checks.ts';
import { checkIssuer, type IntelTrust } from './bob-issuer.ts';
import { type AmdTrust, checkAmdIssuer } from './bob-issuer-amd.ts';
import { checkShownPck, vekOfPck } from './bob-shown.ts';
import { vekSnp } from './formulas-snp.ts';
import type { Finding } from './linked-checks.ts';
import type { LinkedKey, LinkedProofFile } from './proof-file.ts';
import { snpVekOf } from './vek-facts.ts';

/** What the checker has of the vendors'. */
export type VendorTrust = { readonly intel: IntelTrust; readonly amd: AmdTrust };

/** What the checker sees of the machine's key. */
export type SeenKey =
  | { readonly kind: 'pck'; readonly ca: PckIssuer }
  | { readonly kind: 'vek'; readonly product: SnpProduct; readonly keyKind: AmdKeyKind }
  | { readonly kind: 'member' }
  | { readonly kind: 'shown-pck'; readonly pck: Pick<Pck, 'ca' | 'ppid' | 'fmspc'> }
  | { readonly kind: 'shown-vek'; readonly vek: Vek };

export type Vouched = {
  readonly findings: {
    readonly 'link.issuer': Finding | null;
    readonly 'link.issuer-crl': Finding | null;
    readonly 'link.certificate': Finding | null;
    readonly 'link.certificate-crl': Finding | null;
  };
  /** Public input of the key's proof; null without one, and when the issuer's certificate cannot be read. */
  readonly issuer: Field | null;
  /** Of a certificate that is shown; null when it cannot be read. */
  readonly vek: Field | null;
  /** Null when the certificates cannot be read. */
  readonly seen: SeenKey | null;
  readonly ends: readonly Ending[];
};

type Checker = VendorTrust & { readonly now: UnixTime; readonly crypto: CryptoPort };

const none = {
  'link.issuer': null,
  'link.issuer-crl': null,
  'link.certificate': null,
  'link.certificate-crl': null,
} as const;

/** Bad certificates fail checks and never throw. */
export async function checkVouched(
  { key, machine }: LinkedProofFile,
  checker: Checker,
): Promise<Vouched> {
  switch (key.kind) {
    case 'member':
      return { findings: none, issuer: null, vek: null, seen: { kind: 'member' }, ends: [] };
    case 'pck':
      return ofPckCa(key, checker);
    case 'vek':
      return ofAmd({ vek: null, issuer: key.issuer, root: key.root }, checker);
    case 'shown':
      return machine.circuit === 'tdx-quote' ? ofShownPck(key, checker) : ofShownVek(key, checker);
  }
}

async function ofPckCa(key: LinkedKey & { kind: 'pck' }, checker: Checker): Promise<Vouched> {
  const { issuer, crl, ca, field, ends } = await checkIssuer(key.issuer, checker.intel, checker);
  return {
    findings: { ...none, 'link.issuer': issuer, 'link.issuer-crl': crl },
    issuer: field,
    vek: null,
    seen: ca && { kind: 'pck', ca: ca.ca },
    ends,
  };
}

async function ofShownPck(key: LinkedKey & { kind: 'shown' }, checker: Checker): Promise<Vouched> {
  // As many as the parser has counted.
  const [der, caDer] = key.certificates as readonly [Uint8Array, Uint8Array];
  const { intel } = checker;
  const { issuer, crl, ca, field, ends } = await checkIssuer(caDer, intel, checker);
  const shown = await checkShownPck(der, ca, intel.pckCrls, checker);
  const { pck } = shown;
  return {
    findings: {
      'link.issuer': issuer,
      'link.issuer-crl': crl,
      'link.certificate': shown.certificate,
      'link.certificate-crl': shown.crl,
    },
    issuer: null,
    vek: pck === null || field === null ? null : vekOfPck(pck, field),
    seen: pck && { kind: 'shown-pck', pck },
    ends: [...shown.ends, ...ends],
  };
}

async function ofShownVek(key: LinkedKey & { kind: 'shown' }, checker: Checker): Promise<Vouched> {
  const [vek, issuer, root] = key.certificates as readonly [Uint8Array, Uint8Array, Uint8Array];
  return ofAmd({ vek, issuer, root }, checker);
}

async function ofAmd(
  given: Parameters<typeof checkAmdIssuer>[0],
  checker: Checker,
): Promise<Vouched> {
  const found = await checkAmdIssuer(given, checker.amd, checker);
  const { vek, issues } = found;
  return {
    findings: {
      'link.issuer': found.issuer,
      'link.issuer-crl': found.crl,
      'link.certificate': found.certificate,
      // AMD's lists name issuers alone.
      'link.certificate-crl': null,
    },
    issuer: given.vek === null ? found.field : null,
    vek: vek && vekSnp(snpVekOf(vek.certificate, vek)),
    seen:
      given.vek === null ? issues && { kind: 'vek', ...issues } : vek && { kind: 'shown-vek', vek },
    ends: found.ends,
  };
}
