/** A root that someone hands over in the vendor's place, for tests: danger is in its name and in every verdict. */
import type { DeviceVendor, TrustedRoot } from '../roots.ts';
import { asArk } from './amd.ts';
import { asIntelRoot } from './intel.ts';
import { asNitroRoot } from './nitro.ts';
import { asNvidiaRoot } from './nvidia.ts';
import { asTpmCa } from './tpm.ts';
import { type Certificate, spkiFingerprint } from './x509.ts';

type Named = { vendor: 'intel' | DeviceVendor; check: (certificate: Certificate) => unknown };

/** By what the vendor's own root calls itself. */
const named: Readonly<Record<string, Named>> = {
  'Intel SGX Root CA': { vendor: 'intel', check: asIntelRoot },
  'NVIDIA Device Identity CA': { vendor: 'nvidia', check: asNvidiaRoot },
  'aws.nitro-enclaves': { vendor: 'aws-nitro', check: (root) => asNitroRoot(root, 'root') },
  'EK/AK CA Root': { vendor: 'google-tpm', check: asTpmCa },
};

/** Trusts `certificate`. @throws AttestationError `certificate-profile` unless it has the shape of an ARK or of one of these roots */
export function insecureRoot(certificate: Certificate): TrustedRoot {
  const pin = { spkiSha256: spkiFingerprint(certificate), insecure: true };
  const found = Object.hasOwn(named, certificate.commonName) ? named[certificate.commonName] : null;
  if (found) {
    found.check(certificate);
    return { vendor: found.vendor, ...pin };
  }
  return { vendor: 'amd', product: asArk(certificate).product, ...pin };
}
