/** AMD's CRLs as they are meant: signed by the ARK, naming ASKs and ASVKs by serial number; every VEK's serial is 0. */
import { type Bytes, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CryptoPort } from '../crypto.ts';
import type { UnixTime } from '../time.ts';
import { type AmdChain, lacking } from './amd-chain.ts';
import { isRevoked, verifyList } from './crl.ts';
import type { RevocationList } from './x509.ts';

const checks = {
  signature: 'collateral.crl-signature',
  validity: 'collateral.crl-validity',
} as const;

/**
 * Makes every check of stage collateral. Of several lists the newest of this root is used.
 * @returns the list that was used, null when there is none
 */
export async function verifyRevocation(
  list: Checklist,
  given: readonly Bytes[],
  { ask, ark }: AmdChain,
  now: UnixTime,
  crypto: CryptoPort,
): Promise<RevocationList | null> {
  const lacks = { list: 'a revocation list (--crl)', issuer: lacking.ark };
  const crl = await verifyList(list, checks, given, ark, lacks, now, crypto);
  const id = 'collateral.revocation';
  if (crl === null || ask === null) {
    if (given.length === 0) list.skip(id, lacks.list);
    else if (ark === null) list.skip(id, lacks.issuer);
    else
      list.skip(
        id,
        crl === null ? `a revocation list of ${ark.certificate.commonName}` : lacking.ask,
      );
    return crl;
  }
  const { serial, commonName } = ask.certificate;
  list.decide(id, !isRevoked(crl, ask.certificate), {
    expected: `serial not among ${crl.revoked.length} revoked`,
    actual: toHex(serial),
    reason: `AMD has revoked ${commonName} with this serial number`,
  });
  return crl;
}
