/** Who issued a PCK that nobody sees: the CA's certificate comes with the proof, and is held to the pinned root and its list. */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, fromHex, toHex } from '#verifier/bytes.ts';
import { isRevoked } from '#verifier/chain/crl.ts';
import { asPckCa } from '#verifier/chain/intel.ts';
import {
  type Certificate,
  p256Spki,
  parseCertificate,
  parseRevocationList,
  type RevocationList,
  sameName,
} from '#verifier/chain/x509.ts';
import type { Comparison } from '#verifier/checklist.ts';
import type { CryptoPort } from '#verifier/crypto.ts';
import type { Field } from '#verifier/field.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { formatTime, type UnixTime } from '#verifier/time.ts';
import type { Ending } from '#verifier/verified.ts';
import { issuerTdx } from './formulas.ts';
import { attempt, type Finding, fail, judge, skip } from './linked-checks.ts';

/** The key under which Intel's CAs are certified. */
export type IntelRootKey = {
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Bytes;
  /** Handed over in place of Intel's: the verdict says so. */
  readonly insecure: boolean;
};

/** Key of "Intel SGX Root CA", x ‖ y: a proof file does not bring the root's certificate. */
const intelRootPoint = fromHex(
  '0ba9c4c0c0c86193a3fe23d6b02cda10a8bbd4e88e48b4458561a36e705525f5' +
    '67918e2edc88e40d860bd0cc4ee26aacc988e505a953558c453f6b0904ae7394',
  "key of Intel's root",
);

/** @throws Error unless it is the key that `vendorRoots` pins: a fault of the program */
export function intelRootKey(roots: readonly TrustedRoot[] = vendorRoots): IntelRootKey {
  const spki = p256Spki(intelRootPoint);
  const pinned = roots.some(
    ({ vendor, spkiSha256 }) => vendor === 'intel' && equalBytes(spkiSha256, sha256(spki)),
  );
  if (!pinned) throw new Error("the key of Intel's root is not the one that is pinned");
  return { spki, insecure: false };
}

export type Issuer = {
  readonly issuer: Finding;
  readonly crl: Finding;
  /** Null when the certificate cannot be read. */
  readonly field: Field | null;
  readonly ends: readonly Ending[];
};

export type IssuerSettings = {
  readonly root: IntelRootKey;
  /** Of Intel's root, DER; the newest is used. */
  readonly rootCrls: readonly Bytes[];
  readonly now: UnixTime;
  readonly crypto: CryptoPort;
};

/** @param der of the PCK CA's certificate, as the proof file brings it */
export async function checkIssuer(der: Bytes, settings: IssuerSettings): Promise<Issuer> {
  const read = attempt(() => {
    const certificate = parseCertificate(der, 'PCK CA certificate');
    asPckCa(certificate);
    return certificate;
  }, 'the certificate of a PCK CA');
  if ('failure' in read) {
    const crl = skip('a readable certificate of the PCK CA');
    return { issuer: read.failure, crl, field: null, ends: [] };
  }
  const ca = read.value;
  const list = await checkList(ca, settings);
  return {
    issuer: await checkCertificate(ca, settings),
    crl: list.finding,
    field: fieldOf(ca),
    ends: [{ what: 'the certificate of the PCK CA', at: ca.notAfter }, ...list.ends],
  };
}

/** `asPckCa` has seen that the key is on P-256. */
function fieldOf({ publicKey }: Certificate): Field | null {
  return publicKey.kind === 'p256' ? issuerTdx(publicKey.point) : null;
}

async function checkCertificate(
  ca: Certificate,
  { root, now, crypto }: IssuerSettings,
): Promise<Finding> {
  const found: Comparison = {
    expected: `a PCK CA under the root ${toHex(sha256(root.spki))}, valid at ${formatTime(now)}`,
    actual: `${ca.commonName}, ${formatTime(ca.notBefore)} to ${formatTime(ca.notAfter)}`,
  };
  if (!(await isSigned(ca, root, crypto))) {
    const reason = `${ca.commonName} is not signed by the root's key: simulated hardware or a forged certificate`;
    return fail({ ...found, reason });
  }
  return judge(ca.notBefore <= now && now <= ca.notAfter, {
    ...found,
    reason: now < ca.notBefore ? 'the certificate is not valid yet' : 'the certificate has expired',
  });
}

/** Both a CA's certificate and the root's list are of P-256 alone. */
async function isSigned(
  {
    tbs,
    signature,
    signatureAlgorithm,
  }: Pick<Certificate, 'tbs' | 'signature' | 'signatureAlgorithm'>,
  { spki }: IntelRootKey,
  crypto: CryptoPort,
): Promise<boolean> {
  return (
    signatureAlgorithm === 'ecdsa-p256-sha256' && crypto.verifyP256Sha256(spki, tbs, signature)
  );
}

async function checkList(
  ca: Certificate,
  { root, rootCrls, now, crypto }: IssuerSettings,
): Promise<{ finding: Finding; ends: readonly Ending[] }> {
  if (rootCrls.length === 0) {
    return { finding: skip("the root's revocation list (--root-ca-crl)"), ends: [] };
  }
  const expected = "a list of Intel's root";
  const read = attempt(() => newestOf(rootCrls, ca), expected);
  if ('failure' in read) return { finding: read.failure, ends: [] };
  const list = read.value;
  if (list === null) {
    const actual = `${rootCrls.length} of another issuer`;
    const reason = "no list here is issued by Intel's root";
    return { finding: fail({ expected, actual, reason }), ends: [] };
  }
  const ends = [{ what: "the root's revocation list", at: list.nextUpdate }];
  const dates = `${formatTime(list.thisUpdate)} to ${formatTime(list.nextUpdate)}`;
  if (!(await isSigned(list, root, crypto))) {
    const reason = "the list is not signed by the root's key";
    return { finding: fail({ expected, actual: dates, reason }), ends };
  }
  if (now < list.thisUpdate || list.nextUpdate < now) {
    const late = now > list.nextUpdate;
    const reason = late ? 'the list is out of date' : 'the list is from after that time';
    return { finding: fail({ expected: dates, actual: formatTime(now), reason }), ends };
  }
  const finding = judge(!isRevoked(list, ca), {
    expected: `serial not among ${list.revoked.length} revoked`,
    actual: toHex(ca.serial),
    reason: `Intel has revoked ${ca.commonName} with serial number ${toHex(ca.serial)}`,
  });
  return { finding, ends };
}

/** The CA's issuer is Intel's root by name: `asPckCa` has seen that. @throws AttestationError as `parseRevocationList` */
function newestOf(ders: readonly Bytes[], ca: Certificate): RevocationList | null {
  const lists = ders.map((der) => parseRevocationList(der, 'revocation list'));
  const ours = lists.filter(({ issuer }) => sameName(issuer, ca.issuer));
  return ours.toSorted((one, other) => other.thisUpdate - one.thisUpdate)[0] ?? null;
}
