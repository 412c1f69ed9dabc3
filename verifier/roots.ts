/**
 * The roots of trust, pinned by SHA-256 of the SubjectPublicKeyInfo: a re-issued root certificate with the same key
 * stays good, and a look-alike name is worth nothing. Certificates themselves travel with the evidence.
 */
import type { SnpProduct } from './abi/snp-tcb.ts';
import { type Bytes, fromHex } from './bytes.ts';

/** Whose roots vouch for what is not a CPU. */
export const deviceVendors = [
  'nvidia',
  'nvidia-rim',
  'aws-nitro',
  'google-tpm',
  'azure-tpm',
] as const;
export type DeviceVendor = (typeof deviceVendors)[number];

export type TrustedRoot = (
  | { vendor: 'amd'; product: SnpProduct }
  /** One root for SGX and TDX. */
  | { vendor: 'intel' }
  /** `nvidia`: of GPUs and NVSwitches; `nvidia-rim`: of who signs their reference values. */
  | { vendor: DeviceVendor }
) & {
  spkiSha256: Bytes;
  /** True for a root that someone handed over in place of the vendor's: every verdict that used it says so. */
  insecure: boolean;
};

function pinned(product: SnpProduct | 'intel' | DeviceVendor, fingerprint: string): TrustedRoot {
  const pin = { spkiSha256: fromHex(fingerprint, product, 32), insecure: false };
  if (product === 'Milan' || product === 'Genoa' || product === 'Turin')
    return { vendor: 'amd', product, ...pin };
  return { vendor: product, ...pin };
}

/**
 * Of CPUs: protocol, "Vendor roots": the same fingerprints in at least three independent public code bases each. Of devices:
 * docs/verification.md says where each was compared.
 */
export const vendorRoots: readonly TrustedRoot[] = [
  pinned('Milan', '9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9'),
  pinned('Genoa', '429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831'),
  pinned('Turin', '4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08'),
  pinned('intel', 'a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e'),
  pinned('nvidia', 'a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4'),
  pinned('nvidia-rim', 'dec1dc316477aa851eebdf51327ae9f864bc8d89254657ed1e7eb9168af1e1a3'),
  pinned('google-tpm', '56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f'),
  pinned('google-tpm', 'f23057f4f97d1d90e4cae0ce91d5a0fc99069f0a1bc147021dca33b1e9c4d0d9'),
  pinned('azure-tpm', '5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf'),
  pinned('aws-nitro', 'f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225'),
];
