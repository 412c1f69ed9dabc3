/** Which kind of collateral each certificate and list is. The command line is told by its options; here their own words say it. */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { hclTeeOf } from '#verifier/abi/hcl.ts';
import type { Bytes } from '#verifier/bytes.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import { certificatesOf, type GivenCertificate, listsOf } from './der-objects.ts';
import { orNull } from './refused-file.ts';

/** Whose machine the evidence is of: what a damaged certificate beside it must be. */
export type Vendor = 'amd' | 'intel';

export function vendorOf(evidence: Evidence): Vendor {
  switch (evidence.form) {
    case 'quote':
      return 'intel';
    case 'hcl':
      return evidence.quote !== null || hclTeeOf(evidence.bytes) === 'tdx' ? 'intel' : 'amd';
    case 'bundle':
      return orNull(() => parseBundle(evidence.bytes))?.platform === 'tdx' ? 'intel' : 'amd';
    default:
      return 'amd';
  }
}

const intelRoot = 'Intel SGX Root CA';
const vekNames: ReadonlySet<string> = new Set(['SEV-VCEK', 'SEV-VLEK']);

/** Whose the certificate is by its own word; null for one that cannot be read, and for others. */
export function certificateVendor({ certificate }: GivenCertificate): Vendor | null {
  if (certificate === null) return null;
  const { commonName } = certificate;
  if (commonName.startsWith('Intel SGX ')) return 'intel';
  return /^(?:SEV-|ARK-)/.test(commonName) ? 'amd' : null;
}

/** What a certificate that does not say enough is judged by. */
export type Beside = {
  vendor: Vendor;
  /** The evidence has certificates of more vendors than its processor's beside it. */
  mixed: boolean;
  /** A VCEK or VLEK that can be read is among the files. */
  hasVek: boolean;
};

export function holdsVek(bytes: Bytes): boolean {
  return (certificatesOf(bytes) ?? []).some(({ certificate }) =>
    vekNames.has(certificate?.commonName ?? ''),
  );
}

/**
 * Empty for what cannot be cut apart, for what a quote holds itself, and for what is plainly another vendor's.
 */
export function certificateItems(bytes: Bytes, { vendor, mixed, hasVek }: Beside): Collateral[] {
  const found = certificatesOf(bytes) ?? [];
  return found.flatMap((one) => {
    const named = certificateVendor(one);
    if (named === null && one.certificate !== null && (mixed || one.isSelfIssued)) return [];
    if ((named ?? vendor) === 'amd') {
      const kind = amdKindOf(one, found.length === 1 && !hasVek);
      return [{ kind, data: one.der }];
    }
    return intelItems(one);
  });
}

/** @param isChips what it is where it cannot be read: chains of AMD have two certificates, a chip's own stands alone */
function amdKindOf(one: GivenCertificate, isChips: boolean): 'vek' | 'ask' | 'ark' {
  if (one.certificate === null) return isChips ? 'vek' : 'ask';
  if (one.isSelfIssued) return 'ark';
  return vekNames.has(one.certificate.commonName) ? 'vek' : 'ask';
}

/** One certificate signs both of Intel's documents: it is given as the signer of each. */
function intelItems({ der, certificate, isSelfIssued }: GivenCertificate): Collateral[] {
  if (isSelfIssued) return [{ kind: 'intel-root', data: der }];
  if (certificate?.commonName.startsWith('Intel SGX PCK ') === true) return [];
  return [
    { kind: 'tcb-signing', data: der },
    { kind: 'qe-identity-signing', data: der },
  ];
}

export function listItems(bytes: Bytes, vendor: Vendor): Collateral[] {
  return (listsOf(bytes) ?? []).map(({ der, issuer }) => {
    if (issuer === intelRoot) return { kind: 'intel-root-crl', data: der };
    const intel = issuer === null ? vendor === 'intel' : issuer.startsWith('Intel SGX ');
    return { kind: intel ? 'pck-crl' : 'ark-crl', data: der };
  });
}
