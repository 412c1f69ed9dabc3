/** check-rows.ts's rows of TDX and SGX: for each check what makes it fail. */
import { fakeNow } from '#test/fake/amd.ts';
import { basicConstraints } from '#test/fake/extensions.ts';
import { qeIdentityStatus, tcbInfoStatus } from '#test/fake/intel-collateral.ts';
import { toPolicy } from '#verifier/appraise/policy.ts';
import type { SgxPolicy } from '#verifier/appraise/sgx-policy.ts';
import type { TdxPolicy } from '#verifier/appraise/tdx-policy.ts';
import type { CheckId } from '#verifier/checks.ts';
import { put } from './chain/profile.ts';
import type { Row } from './check-rows.ts';
import {
  type EnclaveSceneOptions,
  enclaveScene,
  intelKeys,
  strictIntelPolicy,
  strictSgx,
  strictTdx,
  type TdxBundleOptions,
  tdxBundleScene,
} from './intel-scene.ts';
import { verifyScene } from './scene.ts';

const strict = () => strictIntelPolicy('bundle');

/** A TDX bundle that is wrong, under the strict policy. */
const invalid = (options: TdxBundleOptions, more: Partial<Row> = {}): Row => ({
  verified: () => verifyScene(tdxBundleScene(options)),
  policy: strict,
  decision: 'invalid',
  ...more,
});
const overrides = (
  changes: NonNullable<NonNullable<TdxBundleOptions['intel']>['overrides']>,
  more: Partial<Row> = {},
): Row => invalid({ intel: { overrides: changes } }, more);
/** A TDX bundle that is genuine, under a policy that does not accept it. */
const rejected = (tdx: Partial<TdxPolicy>, options: TdxBundleOptions = {}): Row => ({
  ...invalid(options),
  policy: () => toPolicy({ ...strict(), tdx: { ...strictTdx(), ...tdx } }),
  decision: 'rejected',
});
const tcb = (change: Partial<TdxPolicy['tcb']>, options: TdxBundleOptions = {}): Row =>
  rejected({ tcb: { ...strictTdx().tcb, ...change } }, options);
const platform = (change: Partial<TdxPolicy['platform']>): Row =>
  rejected({ platform: { ...strictTdx().platform, ...change } });
const attributes = (change: Partial<TdxPolicy['attributes']>): Row =>
  rejected({ attributes: { ...strictTdx().attributes, ...change } });
const enclave = (sgx: Partial<SgxPolicy>, options: EnclaveSceneOptions = {}): Row => ({
  verified: () => verifyScene(enclaveScene(options)),
  policy: () => toPolicy({ ...strictIntelPolicy('quote'), sgx: { ...strictSgx(), ...sgx } }),
  decision: 'rejected',
});

const past = { notBefore: 1, notAfter: 2 };
const other = (length: number) => ['ee'.repeat(length)];
const { processorCa: stranger } = intelKeys;

export const intelRows = {
  'parse.quote': invalid({ quote: { afterSigning: (bytes) => bytes.fill(9, 0, 2) } }),
  'chain.pck-certificate': overrides({ pck: put(basicConstraints(true, 0)) }),
  'chain.pck-signature': overrides({ pck: { signer: stranger.privateKey } }),
  'chain.pck-validity': overrides({ pck: past }),
  'collateral.root-crl-signature': overrides({ rootCrl: { signer: stranger.privateKey } }),
  'collateral.root-crl-validity': overrides({ rootCrl: { nextUpdate: fakeNow - 1 } }),
  'collateral.issuer-revocation': invalid({ intel: { revoked: ['platformCa'] } }),
  'collateral.pck-crl-signature': overrides({ platformCrl: { signer: stranger.privateKey } }),
  'collateral.pck-crl-validity': overrides({ platformCrl: { nextUpdate: fakeNow - 1 } }),
  'collateral.pck-revocation': invalid({ intel: { revoked: ['pck'] } }),
  'collateral.tcb-info-signer': overrides(
    { tcbSigning: past },
    { fails: ['collateral.tcb-info-signer', 'collateral.qe-identity-signer'] },
  ),
  'collateral.tcb-info-signature': overrides({ tcbInfo: { signer: stranger.privateKey } }),
  'collateral.tcb-info-validity': overrides({ tcbInfo: { nextUpdate: fakeNow - 1 } }),
  'collateral.tcb-info-match': overrides({ tcbInfo: { fmspc: new Uint8Array(6) } }),
  'collateral.qe-identity-signer': overrides({ qeIdentitySigning: past }),
  'collateral.qe-identity-signature': overrides({ qeIdentity: { signer: stranger.privateKey } }),
  'collateral.qe-identity-validity': overrides({ qeIdentity: { nextUpdate: fakeNow - 1 } }),
  'collateral.signer-revocation': invalid({ intel: { revoked: ['tcbSigning'] } }),
  'evidence.qe-report-signature': invalid({ quote: { qeSigner: stranger.privateKey } }),
  'evidence.attestation-key': invalid({
    quote: { qe: { reportData: new Uint8Array(64).fill(1) } },
  }),
  'evidence.quote-signature': invalid({ quote: { signer: stranger.privateKey } }),
  'evidence.qe-identity': invalid({ quote: { qe: { mrSigner: new Uint8Array(32) } } }),
  'evidence.tdx-module': invalid(
    { fields: { mrSignerSeam: new Uint8Array(48).fill(1) } },
    { fails: ['evidence.tdx-module', 'policy.mrsignerseam'] },
  ),
  'evidence.tcb-level': invalid(
    { quote: { qe: { isvSvn: 0 } } },
    {
      fails: ['evidence.tcb-level', 'policy.tcb-status', 'policy.tcb-date', 'policy.qe-svn'],
    },
  ),
  'policy.tcb-status': tcb(
    {},
    { intel: { overrides: { tcbInfo: tcbInfoStatus({ platform: 'SWHardeningNeeded' }) } } },
  ),
  'policy.tcb-date': tcb({ minimumDate: fakeNow }),
  'policy.tcb-evaluation-number': tcb({ minimumEvaluationNumber: 20 }),
  'policy.advisories': tcb(
    { acceptedStatuses: ['UpToDate', 'OutOfDate'] },
    { intel: { overrides: { qeIdentity: qeIdentityStatus('OutOfDate', ['INTEL-SA-01036']) } } },
  ),
  'policy.qe-vendor': tcb({ qeVendors: other(16) }),
  'policy.qe-svn': tcb({ minimumQeSvn: 8 }),
  'policy.pce-svn': tcb({ minimumPceSvn: 0xffff }),
  'policy.fmspc': platform({ fmspc: other(6) }),
  'policy.ppid': platform({ ppid: other(16) }),
  'policy.platform-instance': platform({ instanceId: other(16) }),
  'policy.platform-configuration': platform({ sgxType: ['standard'] }),
  'policy.td-attributes': attributes({ lass: 'required' }),
  'policy.xfam': rejected({ xfam: other(8) }),
  'policy.tee-tcb-svn': rejected({ minimumTeeTcbSvn: `0e${'00'.repeat(15)}` }),
  'policy.mrtd': rejected({ mrTd: other(48) }),
  'policy.mrseam': rejected({ mrSeam: other(48) }),
  'policy.mrsignerseam': rejected({ mrSignerSeam: other(48) }),
  'policy.seam-attributes': rejected({ seamAttributes: other(8) }),
  'policy.mrconfigid': rejected({ mrConfigId: other(48) }),
  'policy.mrowner': rejected({ mrOwner: other(48) }),
  'policy.mrownerconfig': rejected({ mrOwnerConfig: other(48) }),
  'policy.rtmr0': rejected({ rtmr0: other(48) }),
  'policy.rtmr1': rejected({ rtmr1: other(48) }),
  'policy.rtmr2': rejected({ rtmr2: other(48) }),
  'policy.rtmr3': rejected({ rtmr3: other(48) }),
  'policy.mrservicetd': rejected({ mrServiceTd: other(48) }),
  'policy.mrenclave': enclave({ mrEnclave: other(32) }),
  'policy.mrsigner': enclave({ mrSigner: other(32) }),
  'policy.isvprodid': enclave({ isvProdId: [1] }),
  'policy.isvsvn': enclave({ minimumIsvSvn: 4 }),
  'policy.sgx-attributes': enclave({ miscSelect: { value: '01000000', mask: '01000000' } }),
  'policy.enclave-configuration': enclave({ isvFamilyId: other(16) }),
} satisfies Partial<Record<CheckId, Row>>;
