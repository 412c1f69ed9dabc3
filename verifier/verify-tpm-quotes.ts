/** Quotes of a TPM: read together, against the key that should have signed them, and against the PCR values beside them. */
import { parseAttest, type TpmAttest } from './abi/tpm/attest.ts';
import type { TpmQuote } from './abi/tpm/evidence.ts';
import type { PcrValues } from './abi/tpm/hash.ts';
import { mergePcrs, pcrDifference, pcrDigest } from './abi/tpm/pcrs.ts';
import { parseTpmSignature, type TpmScheme, type TpmSignature } from './abi/tpm/signature.ts';
import { type Bytes, equalBytes, toHex } from './bytes.ts';
import { keyText } from './chain/tpm.ts';
import type { PublicKey } from './chain/x509.ts';
import { type Checklist, signatureComparison } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';

export type ReadQuote = TpmQuote & { attest: TpmAttest; signed: TpmSignature };
export type AkKey = { spki: Bytes; publicKey: PublicKey };

export const lacksQuotes = 'quotes that can be read';

/** @throws AttestationError what the parsers throw; `value-out-of-range` when the quotes are not of one moment of one TPM */
export function readQuotes(quotes: readonly TpmQuote[]): ReadQuote[] {
  if (quotes.length === 0)
    throw new AttestationError('value-out-of-range', 'TPM: there should be a quote at least');
  const read = quotes.map((quote) => ({
    ...quote,
    attest: parseAttest(quote.message),
    signed: parseTpmSignature(quote.signature),
  }));
  const [first, ...others] = read.map(({ attest }) => attest) as [TpmAttest, ...TpmAttest[]];
  for (const other of others) {
    const differing = Object.entries({
      nonce: equalBytes(other.nonce, first.nonce),
      qualifiedSigner: equalBytes(other.qualifiedSigner, first.qualifiedSigner),
      resetCount: other.resetCount === first.resetCount,
      restartCount: other.restartCount === first.restartCount,
      firmwareVersion: other.firmwareVersion === first.firmwareVersion,
    }).find(([, same]) => !same);
    if (differing !== undefined) {
      throw new AttestationError(
        'value-out-of-range',
        `TPM: ${differing[0]} should be the same in every quote`,
      );
    }
  }
  mergePcrs(quotes.map(({ pcrs }) => pcrs));
  return read;
}

/** `evidence.tpm-signature` */
export async function checkSignatures(
  list: Checklist,
  quotes: readonly ReadQuote[] | null,
  key: AkKey | null,
  crypto: CryptoPort,
): Promise<void> {
  const id = 'evidence.tpm-signature';
  if (quotes === null) return list.skip(id, lacksQuotes);
  if (key === null) return list.skip(id, 'the attestation key');
  const wrong = await firstUnsigned(quotes, key, crypto);
  const scheme = wrong?.signed.scheme;
  const fits = scheme === undefined || keyKinds[scheme] === key.publicKey.kind;
  list.decide(id, wrong === null, {
    ...signatureComparison('the attestation key', wrong === null),
    reason: fits
      ? 'a quote is not signed by the attestation key, or was changed after it was signed'
      : `the signature is ${scheme}, but the attestation key is ${keyText(key.publicKey)}`,
  });
}

const keyKinds: Readonly<Record<TpmScheme, PublicKey['kind']>> = {
  'RSASSA with SHA-256': 'rsa',
  'RSASSA with SHA-384': 'rsa',
  'RSAPSS with SHA-384': 'rsa',
  'ECDSA with SHA-256': 'p256',
  'ECDSA with SHA-384': 'p384',
};

/** @returns the first quote that the key did not sign, null when it signed all */
export async function firstUnsigned(
  quotes: readonly ReadQuote[],
  key: AkKey,
  crypto: CryptoPort,
): Promise<ReadQuote | null> {
  const valid = await Promise.all(quotes.map((quote) => isSigned(quote, key, crypto)));
  return quotes[valid.indexOf(false)] ?? null;
}

async function isSigned(
  { message, signed: { scheme, value } }: ReadQuote,
  { spki, publicKey }: AkKey,
  crypto: CryptoPort,
): Promise<boolean> {
  if (keyKinds[scheme] !== publicKey.kind) return false;
  switch (scheme) {
    case 'RSASSA with SHA-256':
      return crypto.verifyRsaPkcs1Sha256(spki, message, value);
    case 'RSASSA with SHA-384':
      return crypto.verifyRsaPkcs1Sha384(spki, message, value);
    case 'RSAPSS with SHA-384':
      return crypto.verifyRsaPssSha384(spki, message, value);
    case 'ECDSA with SHA-256':
      return crypto.verifyP256Sha256(spki, message, value);
    case 'ECDSA with SHA-384':
      return crypto.verifyP384Sha384(spki, message, value);
  }
}

/** `evidence.pcr-digest`. @returns the values that digests vouch for */
export function checkDigests(list: Checklist, quotes: readonly ReadQuote[] | null): PcrValues {
  const id = 'evidence.pcr-digest';
  if (quotes === null) {
    list.skip(id, lacksQuotes);
    return new Map();
  }
  const faults = quotes.map((quote) => (quote.pcrs.size === 0 ? null : digestFault(quote)));
  const fault = faults.find((one) => one !== null) ?? null;
  if (fault === null && quotes.some(({ pcrs }) => pcrs.size === 0)) {
    list.skip(id, 'the values of the quoted PCRs (--pcrs)');
    return new Map();
  }
  const digests = quotes.map(({ attest }) => toHex(attest.pcrDigest)).join(', ');
  list.decide(id, fault === null, {
    expected: digests,
    actual: fault?.actual ?? digests,
    reason: fault?.reason ?? '',
  });
  return mergePcrs(quotes.filter((_, i) => faults[i] === null).map(({ pcrs }) => pcrs));
}

function digestFault({
  attest,
  signed,
  pcrs,
}: ReadQuote): { actual: string; reason: string } | null {
  const { selections } = attest;
  const { missing, extra } = pcrDifference(selections, pcrs);
  if (extra.length > 0)
    return { actual: `also ${extra.join(', ')}`, reason: 'there are values that no quote covers' };
  const digest = pcrDigest(selections, pcrs, signed.hash);
  if (digest === null)
    return { actual: `no ${missing.join(', ')}`, reason: 'a quoted PCR has no value' };
  return equalBytes(digest, attest.pcrDigest)
    ? null
    : { actual: toHex(digest), reason: 'the PCR values are not those that were quoted' };
}
