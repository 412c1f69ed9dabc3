/** AMD's CRLs as they are meant: signed by the ARK, naming ASKs and ASVKs by serial number; every VEK's serial is 0. */
import { type Bytes, toHex } from '../bytes.ts';
import type { Checklist } from '../checklist.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import { formatTime, type UnixTime } from '../time.ts';
import type { AmdChain } from './amd-chain.ts';
import { parseRevocationList, type RevocationList, sameName, sameSerial } from './x509.ts';

const crlChecks = [
  'collateral.crl-signature',
  'collateral.crl-validity',
  'collateral.revocation',
] as const;

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
  if (given.length === 0 || ark === null) {
    const lacks =
      given.length === 0 ? 'a revocation list (--crl)' : 'the root certificate, ARK (--chain)';
    for (const id of crlChecks) list.skip(id, lacks);
    return null;
  }
  const { failure, lists } = readAll(given, crypto);
  const ours = lists.filter(({ issuer }) => sameName(issuer, ark.certificate.subject));
  const crl = ours.toSorted((a, b) => b.thisUpdate - a.thisUpdate)[0];
  if (failure !== null || crl === undefined) {
    const reason = failure ?? `no list here is issued by ${ark.certificate.commonName}`;
    list.fail('collateral.crl-signature', { reason });
    for (const id of crlChecks.slice(1))
      list.skip(id, `a revocation list of ${ark.certificate.commonName}`);
    return null;
  }
  const signed = await crypto.verifyRsaPssSha384(ark.certificate.spki, crl.tbs, crl.signature);
  list.decide('collateral.crl-signature', signed, {
    reason: `the list is not signed by ${ark.certificate.commonName}`,
  });
  list.decide('collateral.crl-validity', crl.thisUpdate <= now && now <= crl.nextUpdate, {
    expected: `${formatTime(crl.thisUpdate)} to ${formatTime(crl.nextUpdate)}`,
    actual: formatTime(now),
    reason: now < crl.thisUpdate ? 'the list is from after that time' : 'the list is out of date',
  });
  if (ask === null) {
    list.skip('collateral.revocation', 'the issuer certificate, ASK or ASVK (--chain)');
    return crl;
  }
  const { serial, commonName } = ask.certificate;
  list.decide(
    'collateral.revocation',
    !crl.revoked.some((revoked) => sameSerial(revoked, serial)),
    {
      expected: `serial not among ${crl.revoked.length} revoked`,
      actual: toHex(serial),
      reason: `AMD has revoked ${commonName} with this serial number`,
    },
  );
  return crl;
}

function readAll(
  given: readonly Bytes[],
  crypto: CryptoPort,
): { failure: string | null; lists: RevocationList[] } {
  const read = (der: Bytes) => parseRevocationList(der, 'revocation list');
  try {
    return {
      failure: null,
      lists: given.map((der) => crypto.remember?.('crl', der, read) ?? read(der)),
    };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { failure: error.message, lists: [] };
  }
}
