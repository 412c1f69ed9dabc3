/** A whole verification of an Azure VM, simulated or of the corpus, good as it is: a test changes one thing. */
import { fakeNow } from '#test/fake/amd.ts';
import type { AzureReportOptions, FakeAzure } from '#test/fake/azure.ts';
import { createAzure } from '#test/fake/azure.ts';
import { collateralOf as intelCollateralOf } from '#test/fake/intel.ts';
import { allPcrs } from '#test/fake/tpm.ts';
import type { HclTee } from '#verifier/abi/hcl.ts';
import { readDerObjects } from '#verifier/abi/pem.ts';
import type { TpmQuote } from '#verifier/abi/tpm/evidence.ts';
import { readPcrs } from '#verifier/abi/tpm/pcrs.ts';
import { type Bytes, fromHex } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import type { Collateral, Evidence } from '#verifier/evidence.ts';
import { type TrustedRoot, vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import { intelOf } from '../intel-scene.ts';
import { collateralOf, hierarchyOf, items, type Scene } from '../scene.ts';
import type { AzureCase } from './cases.ts';

export type HclEvidence = Evidence & { form: 'hcl' };
export type AzureScene = Scene<HclEvidence>;

export const azureNonce: Bytes = new Uint8Array(32).fill(0x4e);

export type AzureSceneOptions = {
  tee: HclTee;
  report?: AzureReportOptions;
  /** What is changed in the evidence after all of it was made. */
  edit?: (evidence: HclEvidence, azure: FakeAzure) => Partial<HclEvidence>;
};

type Ground = { azure: FakeAzure; collateral: readonly Collateral[]; roots: TrustedRoot[] };
const grounds = new Map<HclTee, Promise<Ground>>();

function groundOf(tee: HclTee): Promise<Ground> {
  const found = grounds.get(tee) ?? makeGround(tee);
  grounds.set(tee, found);
  return found;
}

async function makeGround(tee: HclTee): Promise<Ground> {
  const trust = (der: Bytes) => insecureRoot(parseCertificate(der, 'root'));
  if (tee === 'sev-snp') {
    const amd = await hierarchyOf('Milan');
    const azure = await createAzure({ tee, amd });
    const root: TrustedRoot = {
      vendor: 'amd',
      product: 'Milan',
      spkiSha256: trust(amd.ark.der).spkiSha256,
      insecure: true,
    };
    return { azure, collateral: items(collateralOf(amd)), roots: [root] };
  }
  const intel = intelOf('tdx');
  const azure = await createAzure({ tee, intel });
  return { azure, collateral: intelCollateralOf(intel), roots: [trust(intel.root.der)] };
}

export async function azureScene({
  tee,
  report,
  edit = () => ({}),
}: AzureSceneOptions): Promise<AzureScene> {
  const { azure, collateral, roots } = await groundOf(tee);
  const { hcl, quote } = azure.report(report);
  const tpm = await azure.tpm.quote(azureNonce, { algorithm: 'sha256', indices: allPcrs });
  const evidence: HclEvidence = {
    form: 'hcl',
    bytes: hcl,
    quote,
    tpm: [tpm],
    akCertificate: azure.tpm.certificates[0] ?? null,
    eventLog: null,
    nonce: azureNonce,
  };
  return {
    evidence: { ...evidence, ...edit(evidence, azure) },
    collateral,
    roots: [...roots],
    now: fakeNow,
  };
}

/** A case of the corpus with all that lies beside it, under the vendors' own roots. */
export function corpusScene(one: AzureCase): AzureScene {
  const chain = one.read('ask_ark_chain');
  const [ask, ark] = chain === null ? [] : readDerObjects(chain, 'CERTIFICATE', 'chain');
  const given = { vek: one.read('vcek'), ask, ark };
  const nonce = one.expected_nonce_hex ?? one.nonce_hex;
  return {
    evidence: {
      form: 'hcl',
      bytes: one.read('hcl_report') as Bytes,
      quote: one.read('td_quote'),
      tpm: tpmOf(one),
      akCertificate: one.read('ak_cert_trimmed'),
      eventLog: null,
      nonce: nonce === undefined ? null : fromHex(nonce, 'nonce'),
    },
    collateral: Object.entries(given).flatMap(([kind, data]) =>
      data ? [{ kind: kind as keyof typeof given, data }] : [],
    ),
    roots: vendorRoots,
    now: parseTime(one.verify_at ?? '2025-01-01T00:00:00Z') as number,
  };
}

function tpmOf(one: AzureCase): TpmQuote[] {
  const [message, signature, pcrs] = ['tpm_quote_msg', 'tpm_quote_sig', 'pcrs'].map(one.read);
  if (!message || !signature || !pcrs) return [];
  return [{ message, signature, pcrs: readPcrs(pcrs) }];
}
