/**
 * Certificates, CRLs and signed documents that travel with evidence, from the host's table or from
 * the agent's own files.
 */
import {
  amdCollateralKinds,
  type CollateralItem,
  type CollateralKind,
  intelCollateralKinds,
  type Platform,
} from '#verifier/abi/bundle.ts';
import type { SnpCertificate } from '#verifier/abi/snp-certs.ts';
import { sortCertificates } from '#verifier/abi/snp-forms.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { EvidenceSource } from './source.ts';

/**
 * The entries that the bundle has a kind for; unknown GUIDs are left out.
 * @throws AttestationError `pem-malformed`, `base64-malformed`, `der-malformed`
 */
export function toCollateral(
  certificates: readonly SnpCertificate[],
  fetched: UnixTime,
): CollateralItem[] {
  const source = 'host certificate table';
  return sortCertificates(certificates).collateral.map(({ kind, data }) => {
    return { kind, data, source, fetched };
  });
}

const kindsOf: Readonly<Record<Platform, readonly CollateralKind[]>> = {
  'sev-snp': amdCollateralKinds,
  tdx: intelCollateralKinds,
};

/**
 * The items that belong to evidence of the platform, and the kinds of the others: one image may be
 * configured for both platforms, and boot on either.
 */
export function splitByPlatform(
  platform: Platform,
  items: readonly CollateralItem[],
): { own: CollateralItem[]; foreign: CollateralKind[] } {
  const isOwn = ({ kind }: CollateralItem) => kindsOf[platform].includes(kind);
  return {
    own: items.filter(isOwn),
    foreign: items.filter((item) => !isOwn(item)).map(({ kind }) => kind),
  };
}

/**
 * The same source, but for each kind that the agent holds itself: that takes the place of what came
 * with the report.
 */
export function withCollateral(
  source: EvidenceSource,
  own: readonly CollateralItem[],
): EvidenceSource {
  const kinds = new Set(own.map(({ kind }) => kind));
  return {
    ...source,
    async report(reportData) {
      const { evidence, collateral } = await source.report(reportData);
      return {
        evidence,
        collateral: [...own, ...collateral.filter(({ kind }) => !kinds.has(kind))],
      };
    },
  };
}
