/** A root that someone hands over in the vendor's place, for tests: danger is in its name and in every verdict. */
import type { TrustedRoot } from '../roots.ts';
import { asArk } from './amd.ts';
import { asIntelRoot } from './intel.ts';
import { type Certificate, spkiFingerprint } from './x509.ts';

/** Trusts `certificate`. @throws AttestationError `certificate-profile` unless it has the shape of an ARK or of Intel's root */
export function insecureRoot(certificate: Certificate): TrustedRoot {
  const pin = { spkiSha256: spkiFingerprint(certificate), insecure: true };
  if (certificate.commonName === 'Intel SGX Root CA') {
    asIntelRoot(certificate);
    return { vendor: 'intel', ...pin };
  }
  return { vendor: 'amd', product: asArk(certificate).product, ...pin };
}
