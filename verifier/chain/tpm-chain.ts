/** AK certificate → the CAs of its provider → a root pinned for TPMs: two CAs with Google, two or three with Azure. */
import { type Bytes, equalBytes, isZero, quote, toHex } from '../bytes.ts';
import { type Checklist, signatureComparison, unreadable } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import { formatTime, type UnixTime } from '../time.ts';
import { type Held, hold } from './links.ts';
import { type AkCertificate, asAk, asTpmCa, keyIdentifiersFit } from './tpm.ts';
import {
  type Certificate,
  commonNameOf,
  sameName,
  spkiFingerprint,
  verifySignedBy,
} from './x509.ts';

/** What could be read, null where it could not or was missing. Whether it may be believed is in the checks. */
export type AkChain = {
  leaf: Held<AkCertificate> | null;
  root: TrustedRoot | null;
  /** Leaf first, root last; empty unless the chain is whole. */
  certificates: readonly Certificate[];
};

/** Leaf, three CAs and the root. */
const maxLength = 5;

const restIds = ['chain.ak-root-pinned', 'chain.ak-validity', 'chain.ak-signatures'] as const;

const vendors: readonly TrustedRoot['vendor'][] = ['google-tpm', 'azure-tpm'];

/**
 * Makes every check of an attestation key's chain.
 * @param given DER, the AK's own first, which filling may follow as in the NV index that it was read from; the others in any order,
 *   each a CA of TPMs, which the chain need not use. Null when what should hold them could not be read
 */
export async function verifyAkChain(
  list: Checklist,
  given: readonly Bytes[] | null,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<AkChain> {
  const { leaf, path, lacks } = readChain(list, given, crypto);
  const root = path.at(-1);
  if (root === undefined) {
    for (const id of restIds) list.skip(id, lacks);
    return { leaf, root: null, certificates: [] };
  }
  const trusted = checkRoot(
    list,
    root,
    roots.filter(({ vendor }) => vendors.includes(vendor)),
  );
  checkDates(list, path, now);
  await checkSignatures(list, path, crypto);
  return { leaf, root: trusted, certificates: path };
}

/** The certificate without what fills up the NV index it was read from (all 00, or all FF); anything else is left to the parser. */
export function withoutPadding(der: Bytes): Bytes {
  const [tag, first = 0, second = 0, third = 0] = der;
  const length = first === 0x82 ? 4 + 256 * second + third : first === 0x81 ? 3 + second : 0;
  if (tag !== 0x30 || length === 0) return der;
  const rest = der.subarray(length);
  const isFilled = isZero(rest) || rest.every((byte) => byte === 0xff);
  return isFilled ? der.subarray(0, length) : der;
}

type Read = { leaf: Held<AkCertificate> | null; path: readonly Certificate[]; lacks: string };

function readChain(list: Checklist, given: readonly Bytes[] | null, crypto: CryptoPort): Read {
  const id: CheckId = 'chain.ak-certificates';
  const expected = 'the certificate of an attestation key, and of each CA above it';
  const nothing = { leaf: null, path: [], lacks: 'readable certificates of the attestation key' };
  if (given === null) {
    list.skip(id, nothing.lacks);
    return nothing;
  }
  const [first, ...others] = given;
  if (first === undefined) {
    const lacks = 'the certificate of the attestation key (--ak-chain)';
    list.skip(id, lacks);
    return { ...nothing, lacks };
  }
  try {
    const leaf = hold(id, withoutPadding(first), asAk, crypto);
    // Under another id: what a port remembers of a leaf is not what it would of a CA.
    const pool = others.map((der) => hold('chain.ak-signatures', der, asTpmCa, crypto));
    const { path, missing } = climb(leaf.certificate, pool);
    if (missing !== null) {
      const lacks = `the certificate of ${quote(missing)}, which the chain needs (--ak-chain)`;
      list.skip(id, lacks);
      return { leaf, path: [], lacks };
    }
    list.pass(id, { expected, actual: path.map(nameOf).join(' ← ') });
    return { leaf, path, lacks: '' };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, unreadable(error, expected));
    return nothing;
  }
}

/**
 * From the leaf up, by names, and by key identifiers where CAs share one.
 * @returns the path with the root as its end, or whose certificate is missing
 * @throws AttestationError `certificate-profile` for a path that is too long
 */
function climb(
  leaf: Certificate,
  pool: readonly Held<{ pathLength: number | null }>[],
): { path: Certificate[]; missing: string | null } {
  const path = [leaf];
  for (;;) {
    const child = path.at(-1) as Certificate;
    if (path.length > 1 && sameName(child.issuer, child.subject)) return { path, missing: null };
    const named = pool.filter(({ certificate }) => sameName(certificate.subject, child.issuer));
    const issuer = named.find(({ certificate }) => keyIdentifiersFit(child, certificate));
    if (issuer === undefined) return { path, missing: commonNameOf(child.issuer, 'issuer') };
    const below = path.length - 1;
    if (path.length === maxLength || (issuer.pathLength !== null && issuer.pathLength < below)) {
      throw new AttestationError(
        'certificate-profile',
        `${nameOf(issuer.certificate)}: ${below} CAs below it are more than it allows`,
      );
    }
    path.push(issuer.certificate);
  }
}

function checkRoot(
  list: Checklist,
  root: Certificate,
  roots: readonly TrustedRoot[],
): TrustedRoot | null {
  const fingerprint = spkiFingerprint(root);
  const trusted = roots.find(({ spkiSha256 }) => equalBytes(spkiSha256, fingerprint)) ?? null;
  const expected = roots.map(({ spkiSha256 }) => toHex(spkiSha256)).join(' or ');
  list.decide('chain.ak-root-pinned', trusted !== null, {
    expected: roots.length === 0 ? 'a root for TPMs, of which none is trusted' : expected,
    actual: toHex(fingerprint),
    reason: `the chain ends in a root that calls itself ${nameOf(root)} but does not have the key of a provider that is trusted: a software TPM or a forged chain`,
  });
  return trusted;
}

function checkDates(list: Checklist, path: readonly Certificate[], now: UnixTime): void {
  const notBefore = Math.max(...path.map((one) => one.notBefore));
  const notAfter = Math.min(...path.map((one) => one.notAfter));
  const stale = path.find((one) => now < one.notBefore || one.notAfter < now);
  const fault = stale !== undefined && now < stale.notBefore ? 'is not valid yet' : 'has expired';
  list.decide('chain.ak-validity', stale === undefined, {
    expected: `${formatTime(notBefore)} to ${formatTime(notAfter)}`,
    actual: formatTime(now),
    reason: stale === undefined ? '' : `the certificate of ${nameOf(stale)} ${fault}`,
  });
}

/** Each by the next, the root by itself. */
async function checkSignatures(
  list: Checklist,
  path: readonly Certificate[],
  crypto: CryptoPort,
): Promise<void> {
  const issuers = [...path.slice(1), path.at(-1) as Certificate];
  const valid = await Promise.all(
    path.map((child, i) => verifySignedBy(crypto, issuers[i] as Certificate, child)),
  );
  const wrong = valid.indexOf(false);
  const [child, issuer] = [path[wrong], issuers[wrong]];
  list.decide('chain.ak-signatures', wrong === -1, {
    ...signatureComparison('the key of the next', wrong === -1),
    reason:
      child === undefined || issuer === undefined
        ? ''
        : `the signature on ${nameOf(child)} is not by the key of ${nameOf(issuer)} that was given`,
  });
}

/** Google's first AK certificates have no subject. */
function nameOf({ commonName }: Certificate): string {
  return commonName === '' ? 'the attestation key' : commonName;
}
