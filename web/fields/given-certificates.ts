/** Every certificate and revocation list that was given, wherever it came with. */
import { parseBundle } from '#verifier/abi/bundle.ts';
import { parseNitro } from '#verifier/abi/nitro.ts';
import { parseQuote } from '#verifier/abi/quote.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { withoutPadding } from '#verifier/chain/tpm-chain.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import type { GivenDer, Origin } from './certificate-model.ts';
import { pckChainOf } from './pck.ts';

type Item = Pick<Collateral, 'kind' | 'data'>;

/** Of these kinds none is DER of a certificate or list. */
const documents: readonly Collateral['kind'][] = [
  'tcb-info',
  'qe-identity',
  'nvidia-rim',
  'nvidia-ocsp',
];

/** What came in the bundle; none for other evidence, and for a bundle that cannot be read. */
export function bundleCollateral(evidence: Evidence): readonly Item[] {
  return evidence.form === 'bundle' ? orNone(() => parseBundle(evidence.bytes).collateral) : [];
}

/** @param collateral what was given beside the evidence */
export function givenDers(evidence: Evidence, collateral: readonly Item[]): GivenDer[] {
  const from = (origin: Origin, ders: readonly Bytes[]) => ders.map((der) => ({ der, origin }));
  const items = (all: readonly Item[]) =>
    all.filter(({ kind }) => !documents.includes(kind)).map(({ data }) => data);
  return [
    ...from('evidence', inEvidence(evidence)),
    ...from('bundle', items(bundleCollateral(evidence))),
    ...from('files', items(collateral)),
  ];
}

function inEvidence(evidence: Evidence): readonly Bytes[] {
  switch (evidence.form) {
    case 'report':
      return [];
    case 'quote':
      return inQuote(evidence.bytes);
    case 'bundle':
      return orNone(() => {
        const bundle = parseBundle(evidence.bytes);
        return bundle.platform === 'tdx' ? inQuote(bundle.evidence) : [];
      });
    case 'hcl': {
      const { quote, akCertificate } = evidence;
      return [
        ...(quote === null ? [] : inQuote(quote)),
        ...(akCertificate === null ? [] : [withoutPadding(akCertificate)]),
      ];
    }
    case 'tpm-quote':
      return evidence.certificates.map(withoutPadding);
    case 'nitro':
      return orNone(() => {
        const { cabundle, certificate } = parseNitro(evidence.bytes);
        return [...cabundle, certificate];
      });
    case 'gpu':
      return evidence.devices.flatMap(({ certificates }) => certificates.toReversed());
  }
}

function inQuote(bytes: Bytes): readonly Bytes[] {
  return orNone(() => pckChainOf(parseQuote(bytes)));
}

function orNone<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return [];
    throw error;
  }
}
