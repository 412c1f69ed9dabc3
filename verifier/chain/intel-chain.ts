/** Intel SGX Root CA → PCK Platform or Processor CA → PCK, as the quote itself carries it. */
import { readPemChain } from '../abi/pem.ts';
import type { Quote } from '../abi/quote.ts';
import { type Bytes, toHex } from '../bytes.ts';
import { type Checklist, type Comparison, unreadable } from '../checklist.ts';
import type { CheckId } from '../checks.ts';
import type { CryptoPort } from '../crypto.ts';
import { AttestationError } from '../errors.ts';
import type { TrustedRoot } from '../roots.ts';
import type { UnixTime } from '../time.ts';
import { asIntelRoot, asPck, asPckCa, type IntelRoot, type Pck, type PckCa } from './intel.ts';
import { checkPin, checkSignature, checkValidity, type Held, hold } from './links.ts';
import { type Certificate, sameName } from './x509.ts';

/** What could be read, null where it could not or was missing. Whether it may be believed is in the checks. */
export type IntelChain = {
  pck: Held<Pck> | null;
  ca: Held<PckCa> | null;
  root: Held<IntelRoot> | null;
  trusted: TrustedRoot | null;
};

const profiles: Partial<Record<CheckId, string>> = {
  'chain.root-certificate': 'the certificate of Intel’s root',
  'chain.issuer-certificate': 'the certificate of a PCK CA',
  'chain.pck-certificate': 'a PCK certificate',
};

const wholeChain = 'PCK, its CA and root: three certificates';

/** Certification data of a quote that is a chain of PEM certificates. */
const pemChain = 5;
const chainLength = 3;

/** Makes every check of stage chain. @param quote null when none could be read */
export async function verifyIntelChain(
  list: Checklist,
  quote: Quote | null,
  roots: readonly TrustedRoot[],
  now: UnixTime,
  crypto: CryptoPort,
): Promise<IntelChain> {
  const { ders, lacks, problem } = chainOf(quote);
  const read = <T>(id: CheckId, der: Bytes | undefined, as: (from: Certificate) => T) => {
    if (der !== undefined) {
      return list.attempt(
        id,
        () => hold(id, der, as, crypto),
        ({ certificate }) => ({ actual: certificate.commonName }),
        profiles[id],
      );
    }
    if (problem !== null && id === 'chain.pck-certificate') list.fail(id, problem);
    else list.skip(id, lacks);
    return null;
  };
  const root = read('chain.root-certificate', ders[2], asIntelRoot);
  const ca = read('chain.issuer-certificate', ders[1], asPckCa);
  const pck = read('chain.pck-certificate', ders[0], asPck);

  const trusted = checkPin(list, root, {
    roots: roots.filter(({ vendor }) => vendor === 'intel'),
    name: 'Intel SGX Root CA',
    lacks,
  });
  checkNames(list, pck, ca, root, lacks);
  checkValidity(list, 'chain.root-validity', root, lacks, now);
  checkValidity(list, 'chain.issuer-validity', ca, lacks, now);
  checkValidity(list, 'chain.pck-validity', pck, lacks, now);
  await Promise.all([
    checkSignature(list, 'chain.root-signature', root, root, lacks, crypto),
    checkSignature(list, 'chain.issuer-signature', ca, root, lacks, crypto),
    checkSignature(list, 'chain.pck-signature', pck, ca, lacks, crypto),
  ]);
  return { pck, ca, root, trusted };
}

/** @returns PCK, CA and root in this order, or what is missing or wrong */
function chainOf(quote: Quote | null): {
  ders: readonly Bytes[];
  lacks: string;
  problem: (Comparison & { reason: string }) | null;
} {
  const none = { ders: [], problem: null };
  if (quote === null) return { ...none, lacks: 'a readable quote' };
  const { type, data } = quote.certification;
  const lacks = 'a readable chain of PCK, its CA and root in the quote';
  if (type !== pemChain) {
    return {
      ...none,
      lacks: `the PCK certificate chain in the quote (certification data ${pemChain}; this quote has ${type})`,
    };
  }
  try {
    const ders = readPemChain(data, 'PCK chain');
    if (ders.length === chainLength) return { ders, lacks, problem: null };
    const reason = `the quote holds ${ders.length} certificates in place of PCK, its CA and root`;
    return { ders: [], lacks, problem: { expected: wholeChain, actual: `${ders.length}`, reason } };
  } catch (error) {
    if (!(error instanceof AttestationError)) throw error;
    return { ders: [], lacks, problem: unreadable(error, wholeChain) };
  }
}

function checkNames(
  list: Checklist,
  pck: Held<Pck> | null,
  ca: Held<PckCa> | null,
  root: Held<IntelRoot> | null,
  lacks: string,
): void {
  const id = 'chain.names';
  if (pck === null || ca === null || root === null) return list.skip(id, lacks);
  const linked =
    sameName(pck.certificate.issuer, ca.certificate.subject) &&
    sameName(ca.certificate.issuer, root.certificate.subject) &&
    pck.ca === ca.ca;
  list.decide(id, linked, {
    expected: `Intel SGX PCK Certificate ← its ${pck.ca} CA ← Intel SGX Root CA`,
    actual: [pck, ca, root].map(({ certificate }) => certificate.commonName).join(' ← '),
    reason: 'the certificates do not belong together',
  });
}

/** Of a PCK, for people: what Intel knows its platform by. */
export function platformText({ fmspc, pceId }: Pick<Pck, 'fmspc' | 'pceId'>): string {
  return `FMSPC ${toHex(fmspc)}, PCEID ${toHex(pceId)}`;
}
