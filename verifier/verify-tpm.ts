/**
 * A TPM's quotes, back to an attestation key that somebody vouches for: its provider's chain, the verifier's own trust, or the
 * paravisor of an Azure VM. Whether a quote answers a nonce is a check of stage binding.
 */
import type { TpmQuote } from './abi/tpm/evidence.ts';
import type { PcrValues } from './abi/tpm/hash.ts';
import { selectionText } from './abi/tpm/selection.ts';
import { type AkChain, verifyAkChain } from './chain/tpm-chain.ts';
import { type Checklist, unreadable } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { TrustedRoot } from './roots.ts';
import type { UnixTime } from './time.ts';
import type { Ending, TpmClaims } from './verified.ts';
import { type AkSource, checkKey } from './verify-tpm-key.ts';
import {
  checkDigests,
  checkSignatures,
  lacksQuotes,
  type ReadQuote,
  readQuotes,
} from './verify-tpm-quotes.ts';

export type { AkSource } from './verify-tpm-key.ts';

/** What a verification of a TPM starts from. */
export type TpmGiven = { quotes: readonly TpmQuote[]; key: AkSource };

export type TpmOutcome = {
  /** Null when the quotes could not be read. */
  claims: TpmClaims | null;
  /** The root that the AK's chain ends in, null when it is none that is trusted. */
  root: TrustedRoot | null;
  ends: Ending[];
};

const parseId = 'parse.tpm-quote';
const expected = 'quotes of one TPM, all for one nonce';
const evidenceIds = ['evidence.ak-key', 'evidence.tpm-signature', 'evidence.pcr-digest'] as const;

/**
 * Makes `parse.tpm-quote`, the checks of the AK's chain where it has certificates to stand on, and the TPM's three of stage
 * evidence.
 * @param given null when there are no quotes beside an HCL report; the error of a bundle's device that could not be read
 */
export async function verifyTpm(
  list: Checklist,
  given: TpmGiven | AttestationError | null,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<TpmOutcome> {
  if (given === null || given instanceof AttestationError) {
    if (given === null) list.skip(parseId, 'quotes of the TPM (--tpm-quote)');
    else {
      list.fail(parseId, unreadable(given, expected));
      await verifyAkChain(list, null, roots, now, crypto);
    }
    for (const id of evidenceIds) list.skip(id, lacksQuotes);
    return { claims: null, root: null, ends: [] };
  }
  const { key: source } = given;
  const quotes = list.attempt(
    parseId,
    () => readQuotes(given.quotes),
    (found) => ({ actual: found.map(({ attest }) => selectionText(attest.selections)).join('; ') }),
    expected,
  );
  const chain =
    source.kind === 'certificate'
      ? await verifyAkChain(list, source.certificates, roots, now, crypto)
      : null;
  const key = await checkKey(list, source, chain, quotes, crypto);
  await checkSignatures(list, quotes, key, crypto);
  const pcrs = checkDigests(list, quotes);
  return {
    claims: quotes === null ? null : toClaims(quotes, source.kind, chain, pcrs),
    root: chain?.root ?? null,
    ends: endsOf(chain),
  };
}

function toClaims(
  quotes: readonly ReadQuote[],
  key: AkSource['kind'],
  chain: AkChain | null,
  pcrs: PcrValues,
): TpmClaims {
  // Of the first quote: the others, of the same boot, are later by milliseconds.
  const { nonce, firmwareVersion, clock, resetCount, restartCount } = (quotes[0] as ReadQuote)
    .attest;
  return {
    nonce,
    firmwareVersion,
    clock,
    resetCount,
    restartCount,
    pcrs,
    key,
    provider: providerOf(chain?.root ?? null),
    instance: chain?.leaf?.instance ?? null,
  };
}

function providerOf(root: TrustedRoot | null): TpmClaims['provider'] {
  if (root?.vendor === 'google-tpm') return 'google';
  return root?.vendor === 'azure-tpm' ? 'azure' : null;
}

function endsOf(chain: AkChain | null): Ending[] {
  const certificates = chain?.certificates ?? [];
  return certificates.map(({ commonName, notAfter }, place) => ({
    what: place === 0 ? 'the certificate of the attestation key' : commonName,
    at: notAfter,
  }));
}
