/** `evidence.ak-key`: the key that quotes are checked with is the one that somebody vouches for. */
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import { readPublicKey } from './chain/algorithms.ts';
import { keyText, weaknessOf } from './chain/tpm.ts';
import { type AkChain, withoutPadding } from './chain/tpm-chain.ts';
import { parseCertificate } from './chain/x509.ts';
import { type Checklist, unreadable } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import { type AkKey, firstUnsigned, type ReadQuote } from './verify-tpm-quotes.ts';

/** Whose word the attestation key is; keys as DER SubjectPublicKeyInfo. */
export type AkSource =
  /** DER, the AK's own first. */
  | { kind: 'certificate'; certificates: readonly Bytes[] }
  /** `claimed`: what the evidence says its key is, null when it does not say. */
  | { kind: 'trusted'; claimed: Bytes | null; trusted: readonly Bytes[] }
  /** `publicKey`: HCLAkPub, null when the HCL report could not be read. `certificate`: from the vTPM's NV, where there is one. */
  | { kind: 'hcl'; publicKey: Bytes | null; certificate: Bytes | null };

const id = 'evidence.ak-key';

/** @returns null when no key is vouched for */
export async function checkKey(
  list: Checklist,
  source: AkSource,
  chain: AkChain | null,
  quotes: readonly ReadQuote[] | null,
  crypto: CryptoPort,
): Promise<AkKey | null> {
  switch (source.kind) {
    case 'certificate': {
      const spki = chain?.leaf?.certificate.spki;
      if (spki !== undefined) return acceptKey(list, spki, 'of the certificate');
      list.skip(id, 'a readable certificate of the attestation key (--ak-chain)');
      return null;
    }
    case 'trusted':
      return checkTrusted(list, source, quotes, crypto);
    case 'hcl':
      return checkHclKey(list, source);
  }
}

/** The last look at a key that is vouched for: of a kind and strength that is verified here. */
function acceptKey(list: Checklist, spki: Bytes, whose: string): AkKey | null {
  const expected = 'RSA of 2048 bits or more, P-256 or P-384';
  try {
    const publicKey = readPublicKey(spki, 'attestation key');
    const weakness = weaknessOf(publicKey);
    const comparison = { expected, actual: `${keyText(publicKey)}, ${whose}` };
    const holds = list.decide(id, weakness === null, { ...comparison, reason: weakness ?? '' });
    return holds ? { spki, publicKey } : null;
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, unreadable(error, expected));
    return null;
  }
}

async function checkTrusted(
  list: Checklist,
  { claimed, trusted }: AkSource & { kind: 'trusted' },
  quotes: readonly ReadQuote[] | null,
  crypto: CryptoPort,
): Promise<AkKey | null> {
  const [only, ...others] = trusted;
  if (only === undefined) {
    list.skip(id, 'an attestation key to trust (--ak), or its certificates (--ak-chain)');
    return null;
  }
  const whose = 'handed over as trusted';
  if (claimed === null && others.length === 0) return acceptKey(list, only, whose);
  const found =
    claimed === null
      ? await signerOf(quotes ?? [], trusted, crypto)
      : trusted.find((spki) => equalBytes(spki, claimed));
  if (found !== undefined) return acceptKey(list, found, whose);
  list.fail(id, {
    expected: `one of the ${trusted.length} keys handed over as trusted`,
    actual: claimed === null ? 'none of them signed the quotes' : `SPKI ${toHex(claimed)}`,
    reason: 'the quotes are by an attestation key that is not trusted',
  });
  return null;
}

/** Of several trusted keys, the one that signed. */
async function signerOf(
  quotes: readonly ReadQuote[],
  trusted: readonly Bytes[],
  crypto: CryptoPort,
): Promise<Bytes | undefined> {
  for (const spki of trusted) {
    const key = keyOf(spki);
    if (key !== null && quotes.length > 0 && (await firstUnsigned(quotes, key, crypto)) === null)
      return spki;
  }
  return undefined;
}

function keyOf(spki: Bytes): AkKey | null {
  try {
    return { spki, publicKey: readPublicKey(spki, 'attestation key') };
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}

/** The hardware's report vouches for HCLAkPub; a certificate beside it must be of the same key, and adds nothing. */
function checkHclKey(
  list: Checklist,
  { publicKey, certificate }: AkSource & { kind: 'hcl' },
): AkKey | null {
  if (publicKey === null) {
    list.skip(id, 'the attestation key in a readable HCL report');
    return null;
  }
  if (certificate === null) return acceptKey(list, publicKey, 'of the HCL report (HCLAkPub)');
  try {
    const { spki } = parseCertificate(withoutPadding(certificate), 'AK certificate');
    if (equalBytes(spki, publicKey))
      return acceptKey(list, publicKey, 'of the HCL report (HCLAkPub) and of the certificate');
    list.fail(id, {
      expected: `SPKI ${toHex(publicKey)} (HCLAkPub)`,
      actual: `SPKI ${toHex(spki)}`,
      reason: 'the AK’s certificate is of another key than the HCL report names',
    });
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    list.fail(id, unreadable(error, 'a certificate of the key that the HCL report names'));
  }
  return null;
}
