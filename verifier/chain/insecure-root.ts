/** A root that someone hands over in the vendor's place, for tests: danger is in its name and in every verdict. */
import type { TrustedRoot } from '../roots.ts';
import { asArk } from './amd.ts';
import { type Certificate, spkiFingerprint } from './x509.ts';

/** Trusts `certificate`. @throws AttestationError `certificate-profile` unless it has an ARK's shape */
export function insecureRoot(certificate: Certificate): TrustedRoot {
  const { product } = asArk(certificate);
  return { vendor: 'amd', product, spkiSha256: spkiFingerprint(certificate), insecure: true };
}
