/** What a report of SEV-SNP needs: VCEK or VLEK, ASK or ASVK and ARK, the ARK's list. */
import { parseReport, type SnpReport } from '../abi/snp.ts';
import { decodeTcb, hardwareIdLength, productOfCpuid, type SnpProduct } from '../abi/snp-tcb.ts';
import { type Bytes, equalBytes, isZero, toHex } from '../bytes.ts';
import { asArk, asAsk, asVek, type Vek } from '../chain/amd.ts';
import {
  type Certificate,
  commonNameOf,
  parseCertificate,
  parseRevocationList,
} from '../chain/x509.ts';
import { type AtHand, type Needs, type NeedsOptions, readable } from './at-hand.ts';
import type { VendorObject } from './vendor-object.ts';

/** @throws AttestationError when the report cannot be read */
export function reportNeeds(bytes: Bytes, atHand: AtHand, { product: named }: NeedsOptions): Needs {
  const report = parseReport(bytes);
  const { signingKey, cpuid } = report;
  if (signingKey === 'none') {
    return onlyLacks(
      'the report says that no key signed it: no certificate can vouch for it; have the host configured to sign reports with the chip’s VCEK or a VLEK',
    );
  }
  const certificates = readCertificates(atHand);
  const product =
    cpuid === null ? (productOf(certificates) ?? named ?? null) : productOfCpuid(cpuid);
  if (product === null) {
    return onlyLacks(
      cpuid === null
        ? 'the report is of version 2, which names no processor: say which it is (Milan, Genoa or Turin), or give its VCEK or VLEK'
        : `this release does not know the processor family 0x${cpuid.family.toString(16)} model 0x${cpuid.model.toString(16)}: update it, or give all certificates`,
    );
  }

  const needs: VendorObject[] = [];
  const lacks: string[] = [];
  const ofThis = certificates.veks.filter((vek) => isOf(vek, report, product));
  if (!ofThis.some(({ current }) => current)) {
    const wanted = vekOf(report, product);
    if (typeof wanted === 'string') lacks.push(wanted);
    else needs.push(wanted);
  }
  const role = signingKey === 'vcek' ? 'ask' : 'asvk';
  const ofProduct = (one: { product: SnpProduct; current: boolean }) =>
    one.current && one.product === product;
  const hasAsk = certificates.asks.some((ask) => ask.role === role && ofProduct(ask));
  const hasArk = certificates.arks.some(ofProduct);
  if (!hasAsk || !hasArk) needs.push({ kind: 'amd-chain', product, key: signingKey });
  if (!hasList(atHand, product)) needs.push({ kind: 'amd-crl', product, key: signingKey });
  return { needs, lacks };
}

function onlyLacks(text: string): Needs {
  return { needs: [], lacks: [text] };
}

type Certificates = ReturnType<typeof readCertificates>;

/** Each with whether it holds still. */
function readCertificates({ now, all }: AtHand) {
  const as =
    <T>(profile: (certificate: Certificate) => T) =>
    (der: Bytes): T & { current: boolean } => {
      const certificate = parseCertificate(der, 'certificate');
      return { ...profile(certificate), current: now <= certificate.notAfter };
    };
  return { veks: all('vek', as(asVek)), asks: all('ask', as(asAsk)), arks: all('ark', as(asArk)) };
}

/** Null where they name none, or several. */
function productOf({ veks, asks, arks }: Certificates): SnpProduct | null {
  for (const some of [veks, asks, arks]) {
    const [product, ...others] = new Set(some.map((certificate) => certificate.product));
    if (product !== undefined && others.length === 0) return product;
  }
  return null;
}

/** A host's table often holds the certificate of an earlier TCB. */
function isOf(
  vek: Vek,
  { signingKey, chipId, reportedTcb }: SnpReport,
  product: SnpProduct,
): boolean {
  const ofChip =
    vek.hardwareId === null ||
    isZero(chipId) ||
    equalBytes(chipId.subarray(0, vek.hardwareId.length), vek.hardwareId);
  return (
    vek.role === signingKey && vek.product === product && ofChip && equalBytes(vek.tcb, reportedTcb)
  );
}

/** The VCEK to ask for, or why there is none to be asked for. */
function vekOf(
  { signingKey, chipId, reportedTcb }: SnpReport,
  product: SnpProduct,
): VendorObject | string {
  if (signingKey === 'vlek') {
    return `the VLEK certificate that signed the report: AMD gives it to the cloud provider alone, so take it from the guest (its host’s certificate table comes with an extended report) and pass it with --vek`;
  }
  if (isZero(chipId)) {
    return 'the VCEK certificate: the host masks the chip id in its reports, so that nobody can ask AMD for it; take it from the host’s certificate table, or have MASK_CHIP_ID switched off';
  }
  const length = hardwareIdLength[product];
  if (
    !isZero(chipId.subarray(length)) ||
    readable(() => decodeTcb(product, reportedTcb, 'TCB')) === null
  ) {
    return `the VCEK certificate: no ${product} has the chip id ${toHex(chipId)} and the TCB ${toHex(reportedTcb)} of this report; check the product`;
  }
  return { kind: 'vcek', product, hardwareId: chipId.slice(0, length), tcb: reportedTcb };
}

function hasList({ now, all }: AtHand, product: SnpProduct): boolean {
  const lists = all('ark-crl', (der) => {
    const list = parseRevocationList(der, 'list');
    return { issuer: commonNameOf(list.issuer, 'issuer of the list'), end: list.nextUpdate };
  });
  return lists.some(({ issuer, end }) => issuer === `ARK-${product}` && now <= end);
}
