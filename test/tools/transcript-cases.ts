/** The golden transcripts' cases: thirty of the evidence corpus, and simulated ones whose text may stand in the repository. */
import { fakeNow } from '#test/fake/amd.ts';
import { collateralOf, createIntel, type IntelOptions } from '#test/fake/intel.ts';
import { qeIdentityStatus, tcbInfoStatus } from '#test/fake/intel-collateral.ts';
import { enclaveReport, makeQuote } from '#test/fake/intel-qe.ts';
import { generateIntelKeys } from '#test/fake/keys.ts';
import { createTdxDevice, type TdxFields } from '#test/fake/tdx-device.ts';
import { sharedFile } from '#test/shared.ts';
import type { Case } from '#test/tools/corpus.ts';
import { type Bytes, fromHex, fromUtf8 } from '#verifier/bytes.ts';
import { insecureRoot } from '#verifier/chain/insecure-root.ts';
import { parseCertificate } from '#verifier/chain/x509.ts';
import { readCertificates, readLists, readSigningChain } from '#verifier/cli/certificate-files.ts';
import type { Collateral } from '#verifier/evidence.ts';
import { parseJson } from '#verifier/json.ts';
import { vendorRoots } from '#verifier/roots.ts';
import { parseTime } from '#verifier/time.ts';
import type { TranscriptCase } from './transcript.ts';

/** Of each kind of evidence: accepted, rejected, invalid and undecided. */
const corpusCases = {
  'sev-snp': [
    'genoa-v3-vcek-openpcc-azure-sevsnp-report',
    'milan-v2-vcek-sev-report-milan',
    'milan-v3-vlek-trustee-test-vlek-report',
    'milan-v5-vcek-teekit-samples',
    'turin-v5-vcek-oak-turin-oc-evidence',
    'milan-v4-noek-openpcc-gce-sevsnp-report',
    'neg-milan5-policy-debug-bit',
    'neg-genoa5-other-chip-vcek',
    'neg-milan2-reported-tcb-raised',
    'neg-turin-sig-r-flip',
    'neg-turin-version-6',
    'neg-vlek-expired',
  ],
  tdx: [
    'tdx10-v4-dcap-qvl-tdx-quote',
    'tdx10-v4-teekit-tdx-v4-edgeless',
    'tdx15-v5-trustee-tdx-quote-5',
    'tdx10-v4-teepot-sgx-quote-fmspc-55d278-outofdate-later',
    'tdx15-v5-automata-dcap-attestation-quotev5-outofdate-later',
    'tdx15-v5-dcap-qvl-tdx-quote-outdated',
    'neg-v4-debug-bit',
    'neg-v4-processor-crl',
    'neg-v4-qe-identity-of-sgx',
    'neg-v4-tcbinfo-status-edited',
    'neg-v4-truncated-sig',
    'neg-v5-collateral-expired',
  ],
  sgx: [
    'sgx-v3-automata-dcap-attestation-quote-sgx',
    'sgx-v3-cmc-sgx-test-a51386',
    'sgx-v3-dcap-qvl-sgx-quote',
    'sgx-v3-teekit-sgx-chinenyeokafor',
    'sgx-v3-teepot-sgx-quote-fmspc-b7ab1c',
    'sgx-v3-trustee-occlum-quote',
  ],
} as const;

/** For evidence whose case names no moment. */
const undated = Date.UTC(2026, 0, 15) / 1000;

/** @throws Error of node:fs where the corpus is not */
export function corpusTranscriptCases(): TranscriptCase[] {
  return Object.entries(corpusCases).flatMap(([tee, ids]) => ids.map((id) => corpusCase(tee, id)));
}

function corpusCase(tee: string, id: string): TranscriptCase {
  const folder = `corpus/${tee}/${id}`;
  const { files, verify_at } = parseJson(
    fromUtf8(sharedFile(`${folder}/case.json`), id),
    id,
  ) as Case;
  const of = (role: string, read: (bytes: Bytes) => Collateral[]): Collateral[] => {
    const path = files[role];
    return path === undefined ? [] : read(sharedFile(`${folder}/${path}`));
  };
  const raw = (kind: 'tcb-info' | 'qe-identity') => (data: Bytes) => [{ kind, data }];
  const form = tee === 'sev-snp' ? 'report' : 'quote';
  return {
    id,
    evidence: { form, bytes: sharedFile(`${folder}/${files[form]}`) },
    collateral: [
      ...of('vcek', (bytes) => readCertificates(bytes, 'certificate', 'vek')),
      ...of('vlek', (bytes) => readCertificates(bytes, 'certificate', 'vek')),
      ...of('ask_ark_chain', (bytes) => readCertificates(bytes, 'chain', 'ask')),
      ...of('ark_crl', (bytes) => readLists(bytes, 'ark-crl')),
      ...of('tcb_info', raw('tcb-info')),
      ...of('tcb_signing_chain', (bytes) => readSigningChain(bytes, 'tcb-signing')),
      ...of('qe_identity', raw('qe-identity')),
      ...of('qe_identity_signing_chain', (bytes) => readSigningChain(bytes, 'qe-identity-signing')),
      ...of('pck_crl', (bytes) => readLists(bytes, 'pck-crl')),
      ...of('root_ca_crl', (bytes) => readLists(bytes, 'intel-root-crl')),
    ],
    roots: vendorRoots,
    now: verify_at === null ? undated : (parseTime(verify_at) ?? undated),
  };
}

/** Keys of a seed: every byte that a transcript shows is the same on each run; only signatures differ, and none is shown. */
const keys = generateIntelKeys('golden');

/** By name; each is `test/golden/NAME.txt`. */
export function simulatedTranscriptCases(): TranscriptCase[] {
  const outOfDate: IntelOptions = {
    overrides: {
      tcbInfo: tcbInfoStatus({ platform: 'OutOfDate', advisories: ['INTEL-SA-00001'] }),
      qeIdentity: qeIdentityStatus('UpToDate', []),
    },
  };
  const debug = { tdAttributes: fromHex('0100001000000000', 'TDATTRIBUTES') };
  const undecided = td('simulated-undecided');
  return [
    td('simulated-accepted'),
    td('simulated-rejected', outOfDate, debug),
    td('simulated-invalid', { overrides: { tcbInfo: { signer: keys.platformCa.privateKey } } }),
    { ...undecided, collateral: undecided.collateral.filter(({ kind }) => kind !== 'tcb-info') },
    enclave('simulated-enclave'),
  ];
}

const reportData = new Uint8Array(64).fill(0x52);

function td(id: string, options: IntelOptions = {}, fields: Partial<TdxFields> = {}) {
  const intel = createIntel({ keys, ...options });
  return simulated(id, intel, createTdxDevice(intel, fields).quote(reportData));
}

function enclave(id: string): TranscriptCase {
  const intel = createIntel({ keys, tee: 'sgx' });
  const report = enclaveReport({ reportData });
  return simulated(id, intel, makeQuote(intel, { kind: 'sgx', report }));
}

function simulated(
  id: string,
  intel: ReturnType<typeof createIntel>,
  bytes: Bytes,
): TranscriptCase {
  return {
    id,
    evidence: { form: 'quote', bytes },
    collateral: collateralOf(intel),
    roots: [insecureRoot(parseCertificate(createIntel({ keys }).root.der, 'root'))],
    now: fakeNow,
  };
}
