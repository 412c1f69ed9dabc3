/**
 * Reports and certificates to build evidence forms from: real ones where the corpus is here,
 * simulated ones always.
 */
import { readdirSync } from 'node:fs';
import { createSnpDevice } from '#test/fake/snp-device.ts';
import { testHierarchy } from '#test/fake/test-keys.ts';
import { hasShared, sharedFile, sharedPath } from '#test/shared.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import { reportVersions } from '#verifier/abi/snp.ts';
import { snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import type { SnpCollateral } from '#verifier/abi/snp-forms.ts';
import { snpProducts } from '#verifier/abi/snp-tcb.ts';
import { type Bytes, utf8 } from '#verifier/bytes.ts';

/** The corpus's reports of known versions, tampered ones too: a form does not judge. */
export function corpusReports(): { id: string; report: Bytes }[] {
  if (!hasShared) return [];
  return readdirSync(sharedPath('corpus/sev-snp'))
    .filter((id) => !id.includes('version-6'))
    .map((id) => ({ id, report: sharedFile(`corpus/sev-snp/${id}/report.bin`) }));
}

export async function simulatedReports(): Promise<{ id: string; report: Bytes }[]> {
  const found: { id: string; report: Bytes }[] = [];
  for (const product of snpProducts) {
    const device = createSnpDevice(await testHierarchy({ product }));
    for (const version of reportVersions) {
      const report = device.report(new Uint8Array(64).fill(version), { with: { version } });
      found.push({ id: `${product} version ${version}`, report });
    }
  }
  return found;
}

/** Every kind once, a VLEK beside the VCEK. */
export async function simulatedCollateral(): Promise<SnpCollateral[]> {
  const { vcek, vlek, ask, ark, crl } = await testHierarchy({ product: 'Milan' });
  const guids = snpCertificateGuids;
  return [
    { kind: 'vek', data: vcek.der, guid: guids.vcek },
    { kind: 'vek', data: vlek.der, guid: guids.vlek },
    { kind: 'ask', data: ask.der, guid: guids.ask },
    { kind: 'ark', data: ark.der, guid: guids.ark },
    { kind: 'ark-crl', data: crl.der, guid: guids.crl },
  ];
}

/** A real Milan chain with the VCEK of a real report. */
export function corpusCollateral(): SnpCollateral[] {
  const folder = 'corpus/sev-snp/milan-v3-vcek-oak-milan-oc-release-evidence';
  const chain = sharedFile('corpus/collateral/amd/milan-vcek-chain.pem');
  const [ask, ark] = readDerObjects(chain, 'CERTIFICATE', 'chain') as [Bytes, Bytes];
  const guids = snpCertificateGuids;
  return [
    { kind: 'vek', data: sharedFile(`${folder}/vcek.der`), guid: guids.vcek },
    { kind: 'ask', data: ask, guid: guids.ask },
    { kind: 'ark', data: ark, guid: guids.ark },
    {
      kind: 'ark-crl',
      data: sharedFile('corpus/collateral/amd/milan-ark-crl.der'),
      guid: guids.crl,
    },
  ];
}

export const unknownGuid = '01234567-89ab-cdef-0123-456789abcdef';
export const sampleExtras = [{ guid: unknownGuid, data: utf8('what a host adds') }];
