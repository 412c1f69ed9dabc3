/** Who issued a PCK that nobody sees: the CA's certificate comes with the proof, and is held to the pinned root and its list. */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Bytes, equalBytes, fromHex, toHex } from '#verifier/bytes.ts';
import { asPckCa, type PckCa } from '#verifier/chain/intel.ts';
import type { Held } from '#verifier/chain/links.ts';
import { type Certificate, p256Spki, parseCertificate } from '#verifier/chain/x509.ts';
import type { Field } from '#verifier/field.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import type { Ending } from '#verifier/verified.ts';
import { type Clock, checkSigned, checkUnrevoked } from './bob-signed.ts';
import { issuerTdx } from './formulas.ts';
import { attempt, type Finding, fail, skip } from './linked-checks.ts';

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
  readonly ca: Held<PckCa> | null;
  /** `issuerTdx` of its key; null when it cannot be read. */
  readonly field: Field | null;
  readonly ends: readonly Ending[];
};

/** What the checker has of Intel's. */
export type IntelTrust = {
  /** Null when the root that was handed over is not in Intel's place: then no CA is Intel's. */
  readonly root: IntelRootKey | null;
  /** Of Intel's root, DER; the newest is used. */
  readonly rootCrls: readonly Bytes[];
  /** Of PCK CAs, DER; for a PCK certificate that is shown. */
  readonly pckCrls: readonly Bytes[];
};

/** @param der of the PCK CA's certificate, as the proof file brings it */
export async function checkIssuer(
  der: Bytes,
  { root, rootCrls }: IntelTrust,
  clock: Clock,
): Promise<Issuer> {
  const read = attempt(() => hold(der), 'the certificate of a PCK CA');
  if ('failure' in read) {
    const crl = skip('a readable certificate of the PCK CA');
    return { issuer: read.failure, crl, ca: null, field: null, ends: [] };
  }
  const ca = read.value;
  const { certificate } = ca;
  const ends = [{ what: 'the certificate of the PCK CA', at: certificate.notAfter }];
  const field = fieldOf(certificate);
  if (root === null) {
    const reason =
      'no root was handed over in place of Intel’s: simulated hardware of another vendor';
    const issuer = fail({ expected: 'a PCK CA', actual: certificate.commonName, reason });
    return { issuer, crl: skip('a root of Intel’s'), ca, field, ends };
  }
  const signer = { spki: root.spki, name: 'the root' };
  const expected = `a PCK CA under the root ${toHex(sha256(root.spki))}`;
  const lists = {
    lists: rootCrls,
    of: "Intel's root",
    lacks: "the root's revocation list (--root-ca-crl)",
    ending: "the root's revocation list",
  };
  const list = await checkUnrevoked(certificate, signer, lists, clock);
  return {
    issuer: await checkSigned(certificate, signer, expected, clock),
    crl: list.finding,
    ca,
    field,
    ends: [...ends, ...list.ends],
  };
}

/** The CA's issuer is Intel's root by name: `asPckCa` sees that. @throws AttestationError as `parseCertificate` and `asPckCa` */
function hold(der: Bytes): Held<PckCa> {
  const certificate = parseCertificate(der, 'PCK CA certificate');
  return { ...asPckCa(certificate), certificate };
}

/** `asPckCa` has seen that the key is on P-256. */
function fieldOf({ publicKey }: Certificate): Field | null {
  return publicKey.kind === 'p256' ? issuerTdx(publicKey.point) : null;
}
