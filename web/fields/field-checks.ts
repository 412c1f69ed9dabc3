/** Which checks read a field of the evidence. Names are the vendors', as `verifier/show` spells them. */
import type { CheckId } from '#verifier/checks.ts';

export const sectionKinds = [
  'snp',
  'quote-header',
  'td',
  'enclave',
  'quote-signature',
  'qe-report',
  'certification',
  'bundle',
  'other',
] as const;
export type SectionKind = (typeof sectionKinds)[number];

type ByName = Readonly<Record<string, readonly CheckId[]>>;

const snp: ByName = {
  VERSION: ['parse.report'],
  GUEST_SVN: ['policy.guest-svn'],
  POLICY: ['policy.debug', 'policy.migration', 'policy.guest-policy'],
  FAMILY_ID: ['policy.family-id'],
  IMAGE_ID: ['policy.image-id'],
  VMPL: ['policy.vmpl'],
  CURRENT_TCB: ['evidence.tcb-order', 'policy.current-tcb', 'policy.provisional-firmware'],
  PLATFORM_INFO: ['policy.platform-info'],
  'KEY FLAGS': ['evidence.signing-key', 'policy.signing-key', 'policy.id-block'],
  REPORT_DATA: [
    'binding.report-data',
    'binding.freshness',
    'evidence.hcl-runtime-data',
    'policy.report-data',
  ],
  MEASUREMENT: ['policy.measurement'],
  HOST_DATA: ['policy.host-data'],
  ID_KEY_DIGEST: ['policy.id-block'],
  AUTHOR_KEY_DIGEST: ['policy.id-block'],
  REPORT_ID: ['policy.report-id'],
  REPORT_ID_MA: ['policy.report-id-ma'],
  REPORTED_TCB: ['evidence.tcb', 'evidence.tcb-order', 'policy.reported-tcb'],
  CPUID_FAM_ID: ['evidence.product', 'policy.product'],
  CPUID_MOD_ID: ['evidence.product', 'policy.product'],
  CHIP_ID: ['evidence.chip-id', 'policy.chip-id'],
  COMMITTED_TCB: ['evidence.tcb-order', 'policy.committed-tcb', 'policy.provisional-firmware'],
  CURRENT_BUILD: ['policy.firmware-version'],
  CURRENT_MINOR: ['policy.firmware-version'],
  CURRENT_MAJOR: ['policy.firmware-version'],
  COMMITTED_BUILD: ['policy.firmware-version'],
  COMMITTED_MINOR: ['policy.firmware-version'],
  COMMITTED_MAJOR: ['policy.firmware-version'],
  LAUNCH_TCB: ['policy.launch-tcb'],
  LAUNCH_MIT_VECTOR: ['policy.mitigations'],
  CURRENT_MIT_VECTOR: ['policy.mitigations'],
  'SIGNATURE.R': ['evidence.signature'],
  'SIGNATURE.S': ['evidence.signature'],
};

const td: ByName = {
  TEE_TCB_SVN: ['evidence.tdx-module', 'evidence.tcb-level', 'policy.tee-tcb-svn'],
  MRSEAM: ['policy.mrseam'],
  MRSIGNERSEAM: ['evidence.tdx-module', 'policy.mrsignerseam'],
  SEAMATTRIBUTES: ['evidence.tdx-module', 'policy.seam-attributes'],
  TDATTRIBUTES: ['policy.debug', 'policy.td-attributes'],
  XFAM: ['policy.xfam'],
  MRTD: ['policy.mrtd'],
  MRCONFIGID: ['policy.mrconfigid'],
  MROWNER: ['policy.mrowner'],
  MROWNERCONFIG: ['policy.mrownerconfig'],
  RTMR0: ['evidence.event-log', 'policy.rtmr0'],
  RTMR1: ['evidence.event-log', 'policy.rtmr1'],
  RTMR2: ['evidence.event-log', 'policy.rtmr2'],
  RTMR3: ['evidence.event-log', 'policy.rtmr3'],
  REPORTDATA: [
    'binding.report-data',
    'binding.freshness',
    'evidence.hcl-runtime-data',
    'policy.report-data',
  ],
  TEE_TCB_SVN_2: ['evidence.tcb-level'],
  MRSERVICETD: ['policy.mrservicetd'],
};

const enclave: ByName = {
  ATTRIBUTES: ['policy.debug', 'policy.sgx-attributes'],
  MISCSELECT: ['policy.sgx-attributes'],
  MRENCLAVE: ['policy.mrenclave'],
  MRSIGNER: ['policy.mrsigner'],
  ISVPRODID: ['policy.isvprodid'],
  ISVSVN: ['policy.isvsvn'],
  CONFIGID: ['policy.enclave-configuration'],
  CONFIGSVN: ['policy.enclave-configuration'],
  ISVFAMILYID: ['policy.enclave-configuration'],
  ISVEXTPRODID: ['policy.enclave-configuration'],
  REPORTDATA: ['binding.report-data', 'policy.report-data'],
};

const byKind: Readonly<Record<SectionKind, ByName>> = {
  snp,
  td,
  enclave,
  'quote-header': { VERSION: ['parse.quote'], QE_VENDOR_ID: ['policy.qe-vendor'] },
  'quote-signature': {
    SIGNATURE: ['evidence.quote-signature'],
    ATTESTATION_KEY: ['evidence.attestation-key', 'evidence.quote-signature'],
  },
  'qe-report': {
    MISCSELECT: ['evidence.qe-identity'],
    ATTRIBUTES: ['evidence.qe-identity'],
    MRSIGNER: ['evidence.qe-identity'],
    ISVPRODID: ['evidence.qe-identity'],
    ISVSVN: ['evidence.tcb-level', 'policy.qe-svn'],
    REPORTDATA: ['evidence.attestation-key'],
  },
  certification: {
    QE_REPORT_SIGNATURE: ['evidence.qe-report-signature'],
    QE_AUTH_DATA: ['evidence.attestation-key'],
    QE_CERTIFICATION_DATA: ['chain.pck-certificate', 'chain.pck-signature'],
  },
  bundle: {
    version: ['parse.bundle'],
    nonce: ['binding.freshness', 'binding.nonce', 'policy.freshness'],
    epoch: ['binding.freshness'],
    channel: ['binding.freshness', 'binding.channel', 'policy.channel'],
    'bound.closureDigest': ['binding.report-data', 'policy.closure-digest'],
    'bound.treeRoot': ['binding.log', 'binding.report-data', 'policy.tree-root'],
    'bound.deviceDigest': ['binding.devices', 'binding.report-data'],
    'bound.logDigest': ['binding.log', 'binding.report-data'],
    log: ['binding.log'],
    eventLog: ['evidence.event-log'],
  },
  other: {},
};

/** @param made the checks of the verdict: no other is named */
export function checksOf(
  kind: SectionKind,
  name: string,
  made: ReadonlySet<CheckId>,
): readonly CheckId[] {
  const names = byKind[kind];
  const found = Object.hasOwn(names, name) ? names[name] : undefined;
  return (found ?? []).filter((id) => made.has(id));
}

/** Every check that is named for a field of this kind of section. */
export function checksNamed(kind: SectionKind): readonly CheckId[] {
  return [...new Set(Object.values(byKind[kind]).flat())];
}
