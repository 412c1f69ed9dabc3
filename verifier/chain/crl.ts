/** A revocation list as a verification uses it: the newest of its issuer, its signature and its dates. */
import type { Bytes } from '../bytes.ts';
import { type Checklist, signatureComparison, unreadable } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import { formatTime, type UnixTime } from '../time.ts';
import {
  type Certificate,
  parseRevocationList,
  type RevocationList,
  sameName,
  sameSerial,
  verifySignedBy,
} from './x509.ts';

export type ListChecks = { signature: CheckId; validity: CheckId };

/**
 * Makes both checks. Of several lists the newest of this issuer is used.
 * @param lacks what is missing when no list, or no issuer, was given
 * @returns the list that was used, null when there is none
 */
export async function verifyList(
  list: Checklist,
  ids: ListChecks,
  given: readonly Bytes[],
  issuer: { certificate: Certificate } | null,
  lacks: { list: string; issuer: string },
  now: UnixTime,
  crypto: CryptoPort,
): Promise<RevocationList | null> {
  if (given.length === 0 || issuer === null) {
    const missing = given.length === 0 ? lacks.list : lacks.issuer;
    list.skip(ids.signature, missing);
    list.skip(ids.validity, missing);
    return null;
  }
  const { subject, commonName } = issuer.certificate;
  const { failure, lists } = readAll(given, crypto);
  const ours = lists.filter((one) => sameName(one.issuer, subject));
  const crl = ours.toSorted((a, b) => b.thisUpdate - a.thisUpdate)[0];
  if (failure !== null || crl === undefined) {
    const expected = `a list issued by ${commonName}`;
    if (failure !== null) list.fail(ids.signature, unreadable(failure, expected));
    else {
      const actual = `${lists.length} of another issuer`;
      list.fail(ids.signature, {
        expected,
        actual,
        reason: `no list here is issued by ${commonName}`,
      });
    }
    list.skip(ids.validity, `a revocation list of ${commonName}`);
    return null;
  }
  const valid = await verifySignedBy(crypto, issuer.certificate, crl);
  list.decide(ids.signature, valid, {
    ...signatureComparison(`the key of ${commonName}`, valid),
    reason: `the list is not signed by ${commonName}`,
  });
  list.decide(ids.validity, crl.thisUpdate <= now && now <= crl.nextUpdate, {
    expected: `${formatTime(crl.thisUpdate)} to ${formatTime(crl.nextUpdate)}`,
    actual: formatTime(now),
    reason: now < crl.thisUpdate ? 'the list is from after that time' : 'the list is out of date',
  });
  return crl;
}

export function isRevoked({ revoked }: RevocationList, { serial }: Certificate): boolean {
  return revoked.some((one) => sameSerial(one, serial));
}

function readAll(
  given: readonly Bytes[],
  crypto: CryptoPort,
): { failure: AttestationError | null; lists: RevocationList[] } {
  const read = (der: Bytes) => parseRevocationList(der, 'revocation list');
  try {
    return {
      failure: null,
      lists: given.map((der) => crypto.remember?.('crl', der, read) ?? read(der)),
    };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { failure: error, lists: [] };
  }
}
