/** AWS Nitro root → its CAs, from region to instance → the certificate that signed a document, as the document carries them. */
import type { NitroDocument } from '../abi/nitro.ts';
import { equalBytes, toHex } from '../bytes.ts';
import { type Checklist, unreadable } from '../checklist.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { asNitroCa, asNitroLeaf, asNitroRoot } from './nitro.ts';
import {
  type Certificate,
  parseCertificate,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from './x509.ts';

/** From the root to the leaf, both included: never fewer than two. */
export type NitroCertificates = readonly { name: string; certificate: Certificate }[];

/** What could be read, null where it could not. Whether it may be believed is in the checks. */
export type NitroChain = {
  certificates: NitroCertificates | null;
  leaf: Certificate | null;
  trusted: TrustedRoot | null;
};

const afterReading = [
  'chain.nitro-root-pinned',
  'chain.nitro-validity',
  'chain.nitro-signatures',
] as const;

/** Makes every check of stage chain that is about a Nitro document. @param document null when none could be read */
export async function verifyNitroChain(
  list: Checklist,
  document: NitroDocument | null,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<NitroChain> {
  const certificates = read(list, document, crypto);
  if (certificates === null) {
    const lacks =
      document === null ? 'a readable Nitro document' : 'readable certificates in the document';
    for (const id of afterReading) list.skip(id, lacks);
    return { certificates, leaf: null, trusted: null };
  }
  const trusted = checkPin(list, certificates, roots);
  checkValidity(list, certificates, now);
  await checkSignatures(list, certificates, crypto);
  return { certificates, leaf: certificates.at(-1)?.certificate ?? null, trusted };
}

const whole = 'a root, CAs and a leaf of AWS Nitro, each issued by the one before it';

/** What each says of itself, and whether it may stand where it stands; wrong ones are given all the same, for the other checks. */
function read(
  list: Checklist,
  document: NitroDocument | null,
  crypto: CryptoPort,
): NitroCertificates | null {
  const id = 'chain.nitro-certificates';
  if (document === null) {
    list.skip(id, 'a readable Nitro document');
    return null;
  }
  try {
    const ders = [...document.cabundle, document.certificate];
    const certificates = ders.map((der, place) => {
      const name = nameOf(place, ders.length);
      const make = (bytes: Uint8Array) => parseCertificate(bytes, name);
      return { name, certificate: crypto.remember?.(id, der, make) ?? make(der) };
    });
    const faults = [...profileFaults(certificates), ...linkFaults(certificates)];
    list.decide(id, faults.length === 0, {
      expected: whole,
      actual: certificates.map(({ certificate }) => certificate.commonName).join(' → '),
      reason: faults.join('; '),
    });
    return certificates;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, unreadable(error, whole));
    return null;
  }
}

function nameOf(place: number, count: number): string {
  if (place === 0) return 'Nitro root';
  return place === count - 1 ? 'Nitro leaf' : `Nitro CA ${place}`;
}

function profileFaults(certificates: NitroCertificates): string[] {
  const last = certificates.length - 1;
  return certificates.flatMap(({ name, certificate }, place) => {
    try {
      if (place === last) {
        asNitroLeaf(certificate, name);
        return [];
      }
      const { pathLength } =
        place === 0 ? asNitroRoot(certificate, name) : asNitroCa(certificate, name);
      const below = last - 1 - place;
      if (pathLength === null || below <= pathLength) return [];
      return [`${name}: ${below} CAs stand below it, its path length is ${pathLength}`];
    } catch (error) {
      if (!(error instanceof AttestationError)) throw error;
      return [error.message];
    }
  });
}

function linkFaults(certificates: NitroCertificates): string[] {
  return certificates.slice(1).flatMap(({ name, certificate }, place) => {
    const issuer = certificates[place] as NitroCertificates[number];
    if (sameName(certificate.issuer, issuer.certificate.subject)) return [];
    return [`${name} names another issuer than ${issuer.name}`];
  });
}

function checkPin(
  list: Checklist,
  [root]: NitroCertificates,
  roots: readonly TrustedRoot[],
): TrustedRoot | null {
  const known = roots.filter(({ vendor }) => vendor === 'aws-nitro');
  const { certificate } = root as NitroCertificates[number];
  const fingerprint = spkiFingerprint(certificate);
  const trusted = known.find(({ spkiSha256 }) => equalBytes(spkiSha256, fingerprint));
  const whose = known.some(({ insecure }) => insecure)
    ? 'the root that was handed over'
    : 'the root of AWS Nitro';
  list.decide('chain.nitro-root-pinned', trusted !== undefined, {
    expected:
      known.length === 0
        ? 'no root for AWS Nitro'
        : known.map(({ spkiSha256 }) => toHex(spkiSha256)).join(' or '),
    actual: toHex(fingerprint),
    reason: `the chain ends in a root that does not have the key of ${whose}: a forged document, or one of another partition of AWS`,
  });
  return trusted ?? null;
}

/** All at once: the leaf's validity, of hours, is inside the others'. */
function checkValidity(list: Checklist, certificates: NitroCertificates, now: UnixTime): void {
  const all = certificates.map(({ certificate }) => certificate);
  const from = Math.max(...all.map(({ notBefore }) => notBefore));
  const until = Math.min(...all.map(({ notAfter }) => notAfter));
  const faults = certificates.flatMap(({ name, certificate: { notBefore, notAfter } }) => {
    if (now < notBefore) return [`${name} is not valid yet`];
    return now > notAfter ? [`${name} has expired`] : [];
  });
  list.decide('chain.nitro-validity', faults.length === 0, {
    expected: `${formatTime(from)} to ${formatTime(until)}`,
    actual: formatTime(now),
    reason: faults.join(', '),
  });
}

async function checkSignatures(
  list: Checklist,
  certificates: NitroCertificates,
  crypto: CryptoPort,
): Promise<void> {
  const results = await Promise.all(
    certificates.map(({ certificate }, place) => {
      // The root signs itself.
      const issuer = certificates[Math.max(place - 1, 0)] as NitroCertificates[number];
      return verifySignedBy(crypto, issuer.certificate, certificate);
    }),
  );
  const wrong = certificates.filter((_, place) => results[place] !== true).map(({ name }) => name);
  list.decide('chain.nitro-signatures', wrong.length === 0, {
    expected: 'each signed by the one before it, the root by itself',
    actual: wrong.length === 0 ? 'all verify' : `wrong: ${wrong.join(', ')}`,
    reason: `not signed by the key that stands above it: ${wrong.join(', ')}`,
  });
}
