/** Simulated secure processors for guests, and the roots under which a verifier accepts them. */

import { encodeCertificateTable, snpCertificateGuids } from '#verifier/abi/snp-certs.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { createIntel } from '../fake/intel.ts';
import { createSnpDevice } from '../fake/snp-device.ts';
import { createTdxDevice } from '../fake/tdx-device.ts';
import { testHierarchy } from '../fake/test-keys.ts';
import type { Answer } from './secure-processor.ts';

export type SimulatedProcessor = {
  sign: (reportData: Bytes) => Answer;
  rootsPem: string;
  /** Launch measurement of every report: a simulator's, whatever was booted. Hex. */
  measurement: string;
  /** What a verifier has from elsewhere: option of `affidavit verify` → content of its file. */
  collateral: Readonly<Record<string, string | Bytes>>;
};

const now = () => Math.floor(Date.now() / 1000);
const measurement = '4d'.repeat(48);

/** An AMD processor whose host hands out its certificates and the list of revoked ones. */
export async function simulatedAmd(): Promise<SimulatedProcessor> {
  const hierarchy = await testHierarchy({ product: 'Milan', now: now() });
  const device = createSnpDevice(hierarchy);
  const auxblob = encodeCertificateTable([
    { guid: snpCertificateGuids.vcek, data: hierarchy.vcek.der },
    { guid: snpCertificateGuids.ask, data: hierarchy.ask.der },
    { guid: snpCertificateGuids.ark, data: hierarchy.ark.der },
    { guid: snpCertificateGuids.crl, data: hierarchy.crl.der },
  ]);
  const sign = (reportData: Bytes) => ({ outblob: device.report(reportData), auxblob });
  return { sign, rootsPem: hierarchy.rootsPem(), measurement, collateral: {} };
}

/** An Intel processor; collateral comes from elsewhere. */
export async function simulatedIntel(): Promise<SimulatedProcessor> {
  const intel = createIntel({ now: now() });
  const device = createTdxDevice(intel);
  const sign = (reportData: Bytes) => ({
    outblob: device.quote(reportData),
    auxblob: new Uint8Array(),
  });
  const chain = (signer: { pem: string }) => `${signer.pem}${intel.root.pem}`;
  const collateral = {
    'tcb-info': intel.tcbInfo.bytes,
    'tcb-signing-chain': chain(intel.tcbSigning),
    'qe-identity': intel.qeIdentity.bytes,
    'qe-identity-signing-chain': chain(intel.qeIdentitySigning),
    'pck-crl': intel.pckCrl.der,
    'root-ca-crl': intel.rootCrl.der,
  };
  return { sign, rootsPem: intel.rootsPem(), measurement, collateral };
}
