/**
 * Certificates and CRLs that travel with evidence, from the host's table or from the agent's own
 * files.
 */
import type { CollateralItem, CollateralKind } from '#verifier/abi/bundle.ts';
import { type SnpCertificate, snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import { type Bytes, fromBase64 } from '#verifier/bytes.ts';
import { AttestationError } from '#verifier/errors.ts';
import type { UnixTime } from '#verifier/time.ts';
import type { EvidenceSource } from './source.ts';

const kindOfGuid: Readonly<Record<string, CollateralKind>> = {
  [snpCertificateGuids.vcek]: 'vek',
  [snpCertificateGuids.vlek]: 'vek',
  [snpCertificateGuids.ask]: 'ask',
  [snpCertificateGuids.ark]: 'ark',
  [snpCertificateGuids.crl]: 'ark-crl',
};

/**
 * The entries that the bundle has a kind for; unknown GUIDs are left out.
 * @throws AttestationError `pem-malformed`, `der-malformed`
 */
export function toCollateral(
  certificates: readonly SnpCertificate[],
  fetched: UnixTime,
): CollateralItem[] {
  return certificates.flatMap(({ guid, data }) => {
    const kind = kindOfGuid[guid];
    if (kind === undefined) return [];
    return [{ kind, data: toDer(data, guid), source: 'host certificate table', fetched }];
  });
}

const pemBlock =
  /^\s*-----BEGIN (CERTIFICATE|X509 CRL)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----\s*$/;

/**
 * One certificate or CRL, PEM or DER as its bytes show. Only its frame is looked at: what reads
 * evidence judges it.
 * @throws AttestationError `pem-malformed`, `der-malformed`
 */
export function toDer(bytes: Bytes, what: string): Bytes {
  if (bytes[0] === 0x30) return bytes;
  // Latin-1 suffices: outside it there is no PEM, and the pattern says so.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const body = pemBlock.exec(text)?.[2];
  if (body === undefined) {
    throw new AttestationError(
      'pem-malformed',
      `${what}: expected one certificate or CRL, as DER or one PEM block`,
    );
  }
  const der = fromBase64(body.replace(/[\r\n]/g, ''), what);
  if (der[0] !== 0x30) {
    throw new AttestationError('der-malformed', `${what}: the PEM block holds no DER sequence`);
  }
  return der;
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
