/** What the circuits take of an SEV-SNP report. Nothing is verified here: the circuits, and the plain verifier before them, do that. */
import type { CollateralItem } from '#verifier/abi/bundle.ts';
import { parseReport, type SnpReport, signedLength } from '#verifier/abi/snp.ts';
import type { SnpProduct } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, concat, isZero } from '#verifier/bytes.ts';
import { asAsk, asVek, type Vek } from '#verifier/chain/amd.ts';
import { type Certificate, parseCertificate, sameName } from '#verifier/chain/x509.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { Field } from '#verifier/field.ts';
import { issuerSnp, type SnpKeyKind, type SnpVek } from './formulas-snp.ts';
import { snpVekOf } from './vek-facts.ts';

/** DER: VCEK or VLEK, then ASK or ASVK, then ARK. */
export type SnpChain = readonly [vek: Bytes, issuer: Bytes, root: Bytes];

export type SnpFacts = {
  readonly report: SnpReport;
  /** 672 bytes: what the VCEK or VLEK signed. */
  readonly signed: Bytes;
  /** r ‖ s, 96 bytes, big-endian. */
  readonly signature: Bytes;
  readonly vek: SnpVek;
  readonly certificate: Certificate;
  readonly issuerCertificate: Certificate;
  readonly rootCertificate: Certificate;
  /** Of the certificate behind the VEK's, 512 bytes; nobody has verified that it is AMD's. */
  readonly issuerModulus: Bytes;
  readonly issuer: Field;
  readonly product: SnpProduct;
  readonly kind: SnpKeyKind;
  /** What the certificate says, as the plain verifier reads it. */
  readonly certified: Vek;
};

/** Bytes of r and of s, of which the upper 24 are zero, in the report. */
const scalarLength = 48;

/**
 * @throws AttestationError as `parseReport`, `parseCertificate`, `asVek` and `asAsk`; `signature-malformed` for r or s of more than
 *   384 bits; `certificate-profile` for an issuer of another product or kind
 */
export function readSnpFacts(evidence: Bytes, [vekDer, issuerDer, rootDer]: SnpChain): SnpFacts {
  const report = parseReport(evidence);
  const certificate = parseCertificate(vekDer, 'VEK certificate');
  const issuerCertificate = parseCertificate(issuerDer, 'ASK or ASVK certificate');
  const certified = asVek(certificate);
  const vek = snpVekOf(certificate, certified);
  const issuerModulus = modulusOf(issuerCertificate, certified);
  return {
    report,
    signed: evidence.subarray(0, signedLength),
    signature: concat(scalar(report.signature.r), scalar(report.signature.s)),
    vek,
    certificate,
    issuerCertificate,
    rootCertificate: parseCertificate(rootDer, 'ARK certificate'),
    issuerModulus,
    issuer: issuerSnp(vek.product, vek.kind, issuerModulus),
    product: certified.product,
    kind: vek.kind,
    certified,
  };
}

function modulusOf(issuer: Certificate, { role, product }: Vek): Bytes {
  const { role: issuerRole, product: issuerProduct } = asAsk(issuer);
  const { publicKey } = issuer;
  const isOfVek = issuerProduct === product && issuerRole === (role === 'vcek' ? 'ask' : 'asvk');
  if (!isOfVek || publicKey.kind !== 'rsa') {
    throw new AttestationError(
      'certificate-profile',
      `${issuer.commonName} issues no ${role.toUpperCase()} of ${product}`,
    );
  }
  return publicKey.modulus;
}

/** The report has it little-endian, in 72 bytes. */
function scalar(written: Bytes): Bytes {
  if (!isZero(written.subarray(scalarLength))) {
    throw new AttestationError('signature-malformed', 'SEV-SNP report: r or s exceeds 384 bits');
  }
  return written.slice(0, scalarLength).reverse();
}

/**
 * The chain that the plain verifier walks, of all that came with the report: the first VCEK or VLEK, and above it the first whose name
 * fits. Null when there is none of a role.
 * @throws AttestationError as `parseCertificate`
 */
export function findSnpChain(
  collateral: readonly Pick<CollateralItem, 'kind' | 'data'>[],
): SnpChain | null {
  const ofKind = (wanted: CollateralItem['kind']) =>
    collateral.flatMap(({ kind, data }) => (kind === wanted ? [data] : []));
  const [vek] = ofKind('vek');
  if (vek === undefined) return null;
  const issuer = above(vek, ofKind('ask'));
  const root = issuer && above(issuer, ofKind('ark'));
  return issuer && root && [vek, issuer, root];
}

function above(child: Bytes, given: readonly Bytes[]): Bytes | null {
  const { issuer } = parseCertificate(child, 'certificate');
  const fitting = given.find((der) =>
    sameName(parseCertificate(der, 'certificate').subject, issuer),
  );
  return fitting ?? given[0] ?? null;
}
