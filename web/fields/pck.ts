/** What came with a quote to certify its platform. */
import { readDerObjects } from '#verifier/abi/pem.ts';
import { pckChainType, type Quote } from '#verifier/abi/quote.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { asPck, type Pck } from '#verifier/chain/intel.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';

/** The certificates in the quote; none where they cannot be told apart. */
export function pckChainOf({ certification: { type, data } }: Quote): readonly Bytes[] {
  if (type !== pckChainType) return [];
  return orNull(() => readDerObjects(data, 'CERTIFICATE', 'PCK chain')) ?? [];
}

/** The certificate of this platform; null where none can be read. */
export function pckOf(quote: Quote): Pck | null {
  for (const der of pckChainOf(quote)) {
    const pck = orNull(() => asPck(parseCertificate(der, 'PCK')));
    if (pck !== null) return pck;
  }
  return null;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return null;
    throw error;
  }
}
