/**
 * Who signs NVIDIA's manifests: CoRIM signing root → CA of a chip → level 3 → signer, four certificates as the manifest itself
 * holds them, signer first.
 */
import type { XmlSignature } from '../abi/xml/signature.ts';
import { type Bytes, equalBytes, fromHex } from '../bytes.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import type { UnixTime } from '../time.ts';
import {
  type Certificate,
  parseCertificate,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from './x509.ts';

/** Signer first, root last. */
export type RimChain = readonly [Certificate, Certificate, Certificate, Certificate];

const oids = {
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
} as const;

// Whole extension values: NVIDIA writes them in one way.
const signs = fromHex('03020780', 'digitalSignature');
const certificateAndCrlSign = fromHex('03020106', 'keyCertSign and cRLSign');
const noCa = fromHex('3000', 'no CA');
const anyCa = fromHex('30030101ff', 'CA');
const caOfOne = fromHex('30060101ff020101', 'CA, path length 1');
const lastCa = fromHex('30060101ff020100', 'CA, path length 0');

/** `constraints`: any of them. */
type Profile = { what: string; constraints: readonly Bytes[]; usage: Bytes };
const profiles: readonly Profile[] = [
  { what: 'signer of the manifest', constraints: [noCa], usage: signs },
  { what: 'level 3 certificate', constraints: [lastCa], usage: certificateAndCrlSign },
  // Hopper's says no length, Blackwell's does.
  { what: 'CA of the chip', constraints: [anyCa, caOfOne], usage: certificateAndCrlSign },
  { what: 'root of manifests', constraints: [anyCa], usage: certificateAndCrlSign },
];

/** @throws AttestationError `der-malformed`, `certificate-profile`, `utf8-malformed` */
export function readRimChain(ders: readonly Bytes[], crypto: CryptoPort): RimChain {
  if (ders.length !== profiles.length) {
    const reason = `the manifest holds ${ders.length} certificates in place of signer, level 3, CA and root`;
    throw new AttestationError('certificate-profile', reason);
  }
  return ders.map((der, place) => {
    const profile = profiles[place] as Profile;
    const make = (bytes: Bytes): Certificate => {
      const certificate = parseCertificate(bytes, profile.what, { earlyGeneralizedTime: true });
      conforms(certificate, profile);
      return certificate;
    };
    return crypto.remember?.(profile.what, der, make) ?? make(der);
  }) as unknown as RimChain;
}

function conforms({ publicKey, signatureAlgorithm, extensions }: Certificate, profile: Profile) {
  const { what, constraints, usage } = profile;
  const fail = (problem: string): never => {
    throw new AttestationError('certificate-profile', `${what}: ${problem}`);
  };
  if (publicKey.kind !== 'p384') fail('its key should be on P-384');
  if (signatureAlgorithm !== 'ecdsa-p384-sha384')
    fail('its signature algorithm should be ECDSA with SHA-384');
  for (const { oid, critical } of extensions) {
    if (critical && oid !== oids.basicConstraints && oid !== oids.keyUsage)
      fail(`critical extension ${oid} is not known`);
  }
  const says = (wanted: string, value: Bytes) =>
    extensions.some(
      (found) => found.oid === wanted && found.critical && equalBytes(found.value, value),
    );
  if (!constraints.some((value) => says(oids.basicConstraints, value)))
    fail('basic constraints should be critical and those of its place');
  if (!says(oids.keyUsage, usage)) fail('key usage should be critical and that of its place');
}

/**
 * Who is trusted for what the manifest says: the root, when every link holds, or what is wrong.
 * @param roots of any vendor
 */
export async function trustInRim(
  { signedInfo, value, digestFits }: XmlSignature,
  chain: RimChain,
  roots: readonly TrustedRoot[],
  crypto: CryptoPort,
): Promise<TrustedRoot | string> {
  const [signer, , , root] = chain;
  const fingerprint = spkiFingerprint(root);
  const trusted = roots.find(
    ({ vendor, spkiSha256 }) => vendor === 'nvidia-rim' && equalBytes(spkiSha256, fingerprint),
  );
  if (trusted === undefined)
    return `its certificates end in ${root.commonName}, which is not the root that is trusted for manifests`;
  for (const [place, certificate] of chain.entries()) {
    const issuer = chain[place + 1] ?? root;
    if (!sameName(certificate.issuer, issuer.subject))
      return `${certificate.commonName} is not issued by ${issuer.commonName}`;
    if (!(await verifySignedBy(crypto, issuer, certificate)))
      return `the signature on ${certificate.commonName} is not by the key of ${issuer.commonName}`;
  }
  if (!(await crypto.verifyP384Sha384(signer.spki, signedInfo, value)))
    return `it is not signed by ${signer.commonName}`;
  return digestFits ? trusted : 'it was changed after it was signed';
}

/** When all four are valid. */
export function rimValidity(chain: RimChain): { notBefore: UnixTime; notAfter: UnixTime } {
  return {
    notBefore: Math.max(...chain.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...chain.map(({ notAfter }) => notAfter)),
  };
}
