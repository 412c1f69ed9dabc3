/** Documents of AWS Nitro: read, back to AWS's root, and signed by the key that the chain ends in. */
import { sigStructure } from './abi/cose.ts';
import { type NitroDocument, type NitroKind, parseNitro } from './abi/nitro.ts';
import type { Bytes } from './bytes.ts';
import { type NitroChain, verifyNitroChain } from './chain/nitro-chain.ts';
import type { Certificate } from './chain/x509.ts';
import { type Checklist, signatureComparison } from './checklist.ts';
import type { CryptoPort } from './crypto.ts';
import { AttestationError } from './errors.ts';
import type { TrustedRoot } from './roots.ts';
import { formatTime, type UnixTime } from './time.ts';
import type { Ending } from './verified.ts';

export type NitroOutcome = {
  /** Null when it could not be read. As true as the checks are passes. */
  document: NitroDocument | null;
  /** The trusted root that the chain ends in. */
  root: TrustedRoot | null;
  ends: Ending[];
};

const kindNames: Record<NitroKind, string> = {
  enclave: 'Nitro Enclaves',
  tpm: 'NitroTPM',
};

/**
 * Makes every check of a Nitro document before stage policy. Its nonce is for the caller to compare.
 * @param only the kind that it must be of; left out: either
 */
export async function verifyNitro(
  list: Checklist,
  bytes: Bytes,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
  only: NitroKind | null = null,
): Promise<NitroOutcome> {
  const document = list.attempt(
    'parse.nitro',
    () => {
      const found = parseNitro(bytes);
      if (only === null || found.kind === only) return found;
      throw new AttestationError(
        'value-out-of-range',
        `a document of ${kindNames[only]} was expected, this one is of ${kindNames[found.kind]}`,
      );
    },
    ({ kind, timestamp }) => ({ actual: `${kindNames[kind]}, ${timeOf(timestamp)}` }),
    `an attestation document of ${only === null ? 'AWS Nitro' : kindNames[only]}`,
  );
  const chain = await verifyNitroChain(list, document, roots, now, crypto);
  await checkDocument(list, document, chain.leaf, crypto);
  return { document, root: chain.trusted, ends: endsOf(chain) };
}

/** The signature, and that it was made while its key was certified: the time that the document states is AWS's own. */
async function checkDocument(
  list: Checklist,
  document: NitroDocument | null,
  leaf: Certificate | null,
  crypto: CryptoPort,
): Promise<void> {
  const id = 'evidence.nitro-signature';
  if (document === null) return list.skip(id, 'a readable Nitro document');
  if (leaf === null) return list.skip(id, 'readable certificates in the document');
  const { cose, timestamp } = document;
  const valid =
    leaf.publicKey.kind === 'p384' &&
    (await crypto.verifyP384Sha384(leaf.spki, sigStructure(cose), cose.signature));
  const seconds = Math.floor(timestamp / 1000);
  const inTime = leaf.notBefore <= seconds && seconds <= leaf.notAfter;
  const { expected, actual } = signatureComparison('the key of this module', valid);
  list.decide(id, valid && inTime, {
    expected: `${expected}, made from ${formatTime(leaf.notBefore)} to ${formatTime(leaf.notAfter)}`,
    actual: `${actual}, made ${timeOf(timestamp)}`,
    reason: valid
      ? 'the document says that it was made while its certificate was not valid'
      : 'the document is not signed by the key of its certificate, or was changed after it was signed',
  });
}

function timeOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}

function endsOf({ certificates }: NitroChain): Ending[] {
  return (certificates ?? []).map(({ name, certificate }) => ({
    what: `the document’s certificate (${name})`,
    at: certificate.notAfter,
  }));
}
