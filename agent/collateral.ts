/**
 * Certificates and CRLs that travel with evidence, from the host's table or from the agent's own
 * files.
 */
import type { CollateralItem } from '#verifier/abi/bundle.ts';
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
