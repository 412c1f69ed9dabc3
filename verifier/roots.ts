/**
 * The roots of trust, pinned by SHA-256 of the SubjectPublicKeyInfo: a re-issued root certificate with the same key
 * stays good, and a look-alike name is worth nothing. Certificates themselves travel with the evidence.
 */
import type { SnpProduct } from './abi/snp-tcb.ts';
import { type Bytes, fromHex } from './bytes.ts';

export type TrustedRoot = (
  | { vendor: 'amd'; product: SnpProduct }
  /** One root for SGX and TDX. */
  | { vendor: 'intel' }
) & {
  spkiSha256: Bytes;
  /** True for a root that someone handed over in place of the vendor's: every verdict that used it says so. */
  insecure: boolean;
};

function pinned(product: SnpProduct | 'intel', fingerprint: string): TrustedRoot {
  const pin = { spkiSha256: fromHex(fingerprint, product, 32), insecure: false };
  return product === 'intel' ? { vendor: 'intel', ...pin } : { vendor: 'amd', product, ...pin };
}

/** Protocol, "Vendor roots": the same fingerprints in at least three independent public code bases each. */
export const vendorRoots: readonly TrustedRoot[] = [
  pinned('Milan', '9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9'),
  pinned('Genoa', '429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831'),
  pinned('Turin', '4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08'),
  pinned('intel', 'a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e'),
];
