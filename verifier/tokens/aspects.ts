/**
 * Which check speaks for which claim of the trustworthiness vector (draft-ietf-rats-ar4si, "Specific Claims"). The table is
 * complete by its type: a check that is added to the catalogue must be given its place here. docs/tokens.md shows the same table.
 */
import type { CheckId } from '../checks.ts';

/** In the order of their CBOR keys, 0 to 7. */
export const aspects = [
  'instance-identity',
  'configuration',
  'executables',
  'file-system',
  'hardware',
  'runtime-opaque',
  'storage-opaque',
  'sourced-data',
] as const;
export type Aspect = (typeof aspects)[number];

/** That this verifier says something of; of the others it knows nothing and claims nothing. */
export const spokenFor = [
  'instance-identity',
  'configuration',
  'executables',
  'hardware',
  'runtime-opaque',
] as const satisfies readonly Aspect[];
export type SpokenFor = (typeof spokenFor)[number];

type Speaks = readonly SpokenFor[];

/** Whether what the evidence says can be believed at all: of everything. */
const all: Speaks = spokenFor;
const identity: Speaks = ['instance-identity'];
const configuration: Speaks = ['configuration'];
const executables: Speaks = ['executables'];
const hardware: Speaks = ['hardware'];

export const aspectsOf: Readonly<Record<CheckId, Speaks>> = {
  'parse.bundle': all,
  'parse.report': all,
  'parse.quote': all,
  'chain.root-certificate': all,
  'chain.root-pinned': all,
  'chain.root-signature': all,
  'chain.root-validity': all,
  'chain.issuer-certificate': all,
  'chain.issuer-signature': all,
  'chain.issuer-validity': all,
  'chain.vek-certificate': all,
  'chain.names': all,
  'chain.vek-signature': all,
  'chain.vek-validity': all,
  'chain.pck-certificate': all,
  'chain.pck-signature': all,
  'chain.pck-validity': all,
  'collateral.crl-signature': all,
  'collateral.crl-validity': all,
  'collateral.revocation': all,
  'collateral.root-crl-signature': all,
  'collateral.root-crl-validity': all,
  'collateral.issuer-revocation': all,
  'collateral.pck-crl-signature': all,
  'collateral.pck-crl-validity': all,
  'collateral.pck-revocation': all,
  'collateral.tcb-info-signer': all,
  'collateral.tcb-info-signature': all,
  'collateral.tcb-info-validity': all,
  'collateral.tcb-info-match': all,
  'collateral.qe-identity-signer': all,
  'collateral.qe-identity-signature': all,
  'collateral.qe-identity-validity': all,
  'collateral.signer-revocation': all,
  'evidence.signature': all,
  'evidence.signing-key': all,
  'evidence.product': all,
  'evidence.chip-id': all,
  'evidence.tcb': all,
  'evidence.tcb-order': all,
  'evidence.qe-report-signature': all,
  'evidence.attestation-key': all,
  'evidence.quote-signature': all,
  'evidence.qe-identity': all,
  'evidence.tdx-module': all,
  'evidence.tcb-level': all,
  'binding.devices': executables,
  'binding.log': executables,
  'binding.report-data': executables,
  'binding.freshness': all,
  'binding.nonce': all,
  'binding.channel': all,
  'proof.file': all,
  'proof.response': all,
  'proof.artifact': all,
  'proof.signature': all,
  'proof.key': all,
  'proof.valid': all,
  'policy.product': hardware,
  'policy.signing-key': hardware,
  'policy.provider': hardware,
  'policy.debug': ['configuration', 'runtime-opaque'],
  'policy.migration': ['configuration', 'runtime-opaque'],
  'policy.guest-policy': configuration,
  'policy.guest-svn': executables,
  'policy.vmpl': configuration,
  'policy.firmware-version': hardware,
  'policy.provisional-firmware': hardware,
  'policy.reported-tcb': hardware,
  'policy.current-tcb': hardware,
  'policy.committed-tcb': hardware,
  'policy.launch-tcb': hardware,
  'policy.mitigations': hardware,
  'policy.platform-info': configuration,
  'policy.id-block': executables,
  'policy.certificate-table': configuration,
  'policy.measurement': executables,
  'policy.chip-id': identity,
  'policy.host-data': configuration,
  'policy.report-data': executables,
  'policy.family-id': executables,
  'policy.image-id': executables,
  'policy.report-id': identity,
  'policy.report-id-ma': configuration,
  'policy.tcb-status': hardware,
  'policy.tcb-date': hardware,
  'policy.tcb-evaluation-number': hardware,
  'policy.advisories': hardware,
  'policy.qe-vendor': hardware,
  'policy.qe-svn': hardware,
  'policy.pce-svn': hardware,
  'policy.fmspc': hardware,
  'policy.ppid': identity,
  'policy.platform-instance': identity,
  'policy.platform-configuration': configuration,
  'policy.td-attributes': configuration,
  'policy.xfam': configuration,
  'policy.tee-tcb-svn': hardware,
  'policy.mrseam': hardware,
  'policy.mrsignerseam': hardware,
  'policy.seam-attributes': hardware,
  'policy.mrtd': executables,
  'policy.mrconfigid': configuration,
  'policy.mrowner': configuration,
  'policy.mrownerconfig': configuration,
  'policy.rtmr0': executables,
  'policy.rtmr1': executables,
  'policy.rtmr2': executables,
  'policy.rtmr3': executables,
  'policy.mrservicetd': configuration,
  'policy.mrenclave': executables,
  'policy.mrsigner': executables,
  'policy.isvprodid': executables,
  'policy.isvsvn': executables,
  'policy.sgx-attributes': configuration,
  'policy.enclave-configuration': configuration,
  'policy.reference-signatures': executables,
  'policy.reference-validity': executables,
  'policy.reference-values': executables,
  'policy.closure-digest': executables,
  'policy.tree-root': executables,
  'policy.devices': configuration,
  'policy.freshness': all,
  'policy.channel': all,
};

/** The policy must name what each of these saw, or the software is not known. Of one verdict, those of its TEE. */
export const softwareChecks: readonly CheckId[] = [
  'policy.measurement',
  'policy.mrtd',
  'policy.rtmr0',
  'policy.rtmr1',
  'policy.rtmr2',
  'policy.mrenclave',
];

/** The policy must name what one of these saw, or nobody expects a certain machine. */
export const instanceChecks: readonly CheckId[] = [
  'policy.chip-id',
  'policy.ppid',
  'policy.platform-instance',
];

/** When these fail, the machine is genuine and nevertheless not to be trusted: other than where cryptography fails. */
export const unfitChecks: readonly CheckId[] = [
  'collateral.revocation',
  'collateral.issuer-revocation',
  'collateral.pck-revocation',
  'collateral.signer-revocation',
  'evidence.tcb-level',
];
