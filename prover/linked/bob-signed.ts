/** What Intel's certificates and lists are asked when no chain of evidence is walked: who signed, when, and whether it is revoked. */
import type { Bytes } from '#verifier/bytes.ts';
import { toHex } from '#verifier/bytes.ts';
import { isRevoked } from '#verifier/chain/crl.ts';
import {
  type Certificate,
  parseRevocationList,
  type RevocationList,
  sameName,
} from '#verifier/chain/x509.ts';
import type { Comparison } from '#verifier/checklist.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import { attempt, type Finding, fail, judge, skip } from './linked-checks.ts';

/** Whose signature there should be. */
export type Signer = {
  /** DER of SubjectPublicKeyInfo, on P-256. */
  readonly spki: Bytes;
  /** For people: `the root`. */
  readonly name: string;
};

export type Clock = { readonly now: UnixTime; readonly crypto: CryptoPort };

/** Signed by that key, and valid now. @param expected what there should be, as a noun phrase */
export async function checkSigned(
  certificate: Certificate,
  signer: Signer,
  expected: string,
  { now, crypto }: Clock,
): Promise<Finding> {
  const { commonName, notBefore, notAfter } = certificate;
  const found: Comparison = {
    expected: `${expected}, valid at ${formatTime(now)}`,
    actual: `${commonName}, ${formatTime(notBefore)} to ${formatTime(notAfter)}`,
  };
  if (!(await isSigned(certificate, signer, crypto))) {
    const reason = `${commonName} is not signed by ${signer.name}'s key: simulated hardware or a forged certificate`;
    return fail({ ...found, reason });
  }
  return judge(notBefore <= now && now <= notAfter, {
    ...found,
    reason: now < notBefore ? 'the certificate is not valid yet' : 'the certificate has expired',
  });
}

export type GivenLists = {
  /** DER; the newest of the signer is used. */
  readonly lists: readonly Bytes[];
  /** Whose list it is, for people: `Intel's root`. */
  readonly of: string;
  /** What is lacking when there is none, as a noun phrase with the option that takes it. */
  readonly lacks: string;
  /** Name of the list in a forecast. */
  readonly ending: string;
};

/** A current list of the certificate's issuer, signed by it, does not name the certificate. */
export async function checkUnrevoked(
  certificate: Certificate,
  signer: Signer,
  { lists, of, lacks, ending }: GivenLists,
  { now, crypto }: Clock,
): Promise<{ finding: Finding; ends: readonly Ending[] }> {
  if (lists.length === 0) return { finding: skip(lacks), ends: [] };
  const expected = `a list of ${of}`;
  const read = attempt(() => newestOf(lists, certificate), expected);
  if ('failure' in read) return { finding: read.failure, ends: [] };
  const list = read.value;
  if (list === null) {
    const actual = `${lists.length} of another issuer`;
    const reason = `no list here is issued by ${of}`;
    return { finding: fail({ expected, actual, reason }), ends: [] };
  }
  const ends = [{ what: ending, at: list.nextUpdate }];
  const dates = `${formatTime(list.thisUpdate)} to ${formatTime(list.nextUpdate)}`;
  if (!(await isSigned(list, signer, crypto))) {
    const reason = `the list is not signed by ${signer.name}'s key`;
    return { finding: fail({ expected, actual: dates, reason }), ends };
  }
  if (now < list.thisUpdate || list.nextUpdate < now) {
    const late = now > list.nextUpdate;
    const reason = late ? 'the list is out of date' : 'the list is from after that time';
    return { finding: fail({ expected: dates, actual: formatTime(now), reason }), ends };
  }
  const { serial, commonName } = certificate;
  const finding = judge(!isRevoked(list, certificate), {
    expected: `serial not among ${list.revoked.length} revoked`,
    actual: toHex(serial),
    reason: `Intel has revoked ${commonName} with serial number ${toHex(serial)}`,
  });
  return { finding, ends };
}

/** Intel's certificates and lists are of P-256 alone. */
async function isSigned(
  {
    tbs,
    signature,
    signatureAlgorithm,
  }: Pick<Certificate, 'tbs' | 'signature' | 'signatureAlgorithm'>,
  { spki }: Signer,
  crypto: CryptoPort,
): Promise<boolean> {
  return (
    signatureAlgorithm === 'ecdsa-p256-sha256' && crypto.verifyP256Sha256(spki, tbs, signature)
  );
}

/** @throws AttestationError as `parseRevocationList` */
function newestOf(ders: readonly Bytes[], { issuer }: Certificate): RevocationList | null {
  const lists = ders.map((der) => parseRevocationList(der, 'revocation list'));
  const ours = lists.filter((list) => sameName(list.issuer, issuer));
  return ours.toSorted((one, other) => other.thisUpdate - one.thisUpdate)[0] ?? null;
}
