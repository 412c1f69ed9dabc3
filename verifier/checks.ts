/**
 * The one catalogue of checks. The order is the order of every verdict; ids are API. No check exists outside it:
 * Checklist accepts nothing else, and finishes only when each applicable check has a result.
 */

export const stages = [
  'parse',
  'chain',
  'collateral',
  'evidence',
  'binding',
  'proof',
  'policy',
] as const;
export type Stage = (typeof stages)[number];

/** What a verification is about; a check that cannot apply to it is not listed. */
export type Subject = {
  form: 'report' | 'bundle';
  /** The verifier drew a nonce for this evidence. */
  challenged: boolean;
  /** The evidence came over a connection of this verifier. */
  connected: boolean;
  /** The circuit of the proof that came with a bundle; null when none did. */
  proof: ProofSubject | null;
};

/** `unreadable`: a file that should be a proof and is none. */
export type ProofSubject = 'response-open' | 'response-open-key' | 'unreadable';

type CheckEntry = {
  stage: Stage;
  /** One line, as a statement that is true when the check passes. */
  title: string;
  protects: string;
  remedy: string;
  spec: string;
  appliesTo?: (subject: Subject) => boolean;
};

const inBundle = (subject: Subject) => subject.form === 'bundle';
const withProof = (subject: Subject) => subject.proof !== null;
const linked = 'affidavit protocol 1, Linked proofs';

const abi = 'AMD 56860 (SEV-SNP ABI)';
const kds = 'AMD 57230 (VCEK and KDS)';

export const catalogue = {
  'parse.bundle': {
    stage: 'parse',
    title: 'the evidence bundle follows its format exactly',
    protects: 'Against two readers seeing two documents in the same bytes.',
    remedy: 'Fetch the bundle again from the agent and pass it unedited.',
    spec: 'affidavit protocol 1, Evidence bundle',
    appliesTo: inBundle,
  },
  'parse.report': {
    stage: 'parse',
    title: 'the report has a known version and no stray bits',
    protects: 'Against reading fields at places where this version does not have them.',
    remedy: 'Pass the raw report, whole; for a newer report version update affidavit.',
    spec: `${abi}, ATTESTATION_REPORT`,
  },
  'chain.root-certificate': {
    stage: 'chain',
    title: 'the root certificate (ARK) is of the vendor’s profile',
    protects: 'Against a certificate of another kind standing in for the root.',
    remedy: 'Pass the ARK in --chain; AMD serves ASK and ARK together as cert_chain.',
    spec: `${kds}, chapter 3`,
  },
  'chain.root-pinned': {
    stage: 'chain',
    title: 'the root’s key is the one pinned for the vendor',
    protects:
      'Against simulated hardware and every home-made chain: names can be copied, this key cannot.',
    remedy:
      'If this is a test on simulated hardware, hand over its root with --insecure-root; otherwise the evidence is not from AMD hardware.',
    spec: 'affidavit protocol 1, Vendor roots',
  },
  'chain.root-signature': {
    stage: 'chain',
    title: 'the root certificate is signed by its own key',
    protects: 'Against an edited root certificate around the genuine key.',
    remedy: 'Fetch the chain again from the vendor.',
    spec: 'RFC 5280, 6.1',
  },
  'chain.root-validity': {
    stage: 'chain',
    title: 'the root certificate is valid at the stated time',
    protects: 'Against a root that its vendor no longer, or not yet, stands behind.',
    remedy: 'Check --at and the clock; fetch a current chain.',
    spec: 'RFC 5280, 4.1.2.5',
  },
  'chain.issuer-certificate': {
    stage: 'chain',
    title: 'the issuer certificate (ASK or ASVK) is of the vendor’s profile',
    protects: 'Against a certificate without the right to sign chips’ keys.',
    remedy: 'Pass the ASK (for a VCEK) or ASVK (for a VLEK) in --chain.',
    spec: `${kds}, chapter 3`,
  },
  'chain.issuer-signature': {
    stage: 'chain',
    title: 'the issuer certificate is signed by the root',
    protects: 'Against a forged issuer.',
    remedy: 'Pass the chain of the same product: Milan, Genoa and Turin each have their own.',
    spec: 'RFC 5280, 6.1; RFC 4055 (RSASSA-PSS)',
  },
  'chain.issuer-validity': {
    stage: 'chain',
    title: 'the issuer certificate is valid at the stated time',
    protects: 'Against an issuer that is retired or not yet in use.',
    remedy: 'Check --at and the clock; fetch a current chain.',
    spec: 'RFC 5280, 4.1.2.5',
  },
  'chain.vek-certificate': {
    stage: 'chain',
    title: 'the chip’s certificate (VCEK or VLEK) is of the vendor’s profile',
    protects: 'Against a TCB part or chip id that is missing, doubled or of another type.',
    remedy: 'Pass the VCEK or VLEK of this very chip and TCB in --vek.',
    spec: `${kds}, chapter 3`,
  },
  'chain.names': {
    stage: 'chain',
    title: 'each certificate names the next as its issuer, all of one product',
    protects: 'Against certificates of different products or roles put together.',
    remedy:
      'A VCEK needs the ASK of its product, a VLEK the ASVK: pass the chain that belongs to the key.',
    spec: 'RFC 5280, 6.1.3',
  },
  'chain.vek-signature': {
    stage: 'chain',
    title: 'the chip’s certificate is signed by the issuer',
    protects: 'Against a home-made key: only AMD binds a key to a chip.',
    remedy: 'Pass the chain that belongs to this key and product.',
    spec: 'RFC 5280, 6.1; RFC 4055 (RSASSA-PSS)',
  },
  'chain.vek-validity': {
    stage: 'chain',
    title: 'the chip’s certificate is valid at the stated time',
    protects: 'Against keys that ran out; a VLEK lives one year.',
    remedy:
      'Check --at and the clock; fetch the certificate again, AMD re-issues it with new dates.',
    spec: 'RFC 5280, 4.1.2.5',
  },
  'collateral.crl-signature': {
    stage: 'collateral',
    title: 'the revocation list is the root’s own',
    protects: 'Against an empty list made by the attacker.',
    remedy: 'Fetch the CRL again from AMD for this product and pass it with --crl.',
    spec: 'RFC 5280, 6.3.3',
  },
  'collateral.crl-validity': {
    stage: 'collateral',
    title: 'the revocation list is current at the stated time',
    protects: 'Against an old list from before the revocation.',
    remedy: 'Fetch the CRL again; its nextUpdate has passed, or --at is before it was made.',
    spec: 'RFC 5280, 5.1.2.4 and 5.1.2.5',
  },
  'collateral.revocation': {
    stage: 'collateral',
    title: 'the issuer is not revoked',
    protects:
      'Against chips’ keys signed by a compromised issuer. AMD’s list names issuers; chip serials are all 0.',
    remedy: 'Do not trust this machine until AMD re-issues its certificate under another issuer.',
    spec: 'RFC 5280, 5.3; AMD 57230, CRL',
  },
  'evidence.signature': {
    stage: 'evidence',
    title: 'the report is signed by the chip’s key',
    protects: 'Against every edited report.',
    remedy:
      'Fetch report and certificate again: after a firmware update the key changes with the TCB.',
    spec: `${abi}, ATTESTATION_REPORT, SIGNATURE`,
  },
  'evidence.signing-key': {
    stage: 'evidence',
    title: 'the report names the kind of key that signed it',
    protects: 'Against a provider’s VLEK passing for a chip’s VCEK, or the other way round.',
    remedy: 'Pass the certificate of the kind that the report’s SIGNING_KEY names.',
    spec: `${abi}, ATTESTATION_REPORT, SIGNING_KEY`,
  },
  'evidence.product': {
    stage: 'evidence',
    title: 'the report’s processor is the product that the chain is for',
    protects: 'Against reading TCB and chip id in another product’s layout.',
    remedy: 'Pass the chain of the processor that the report names.',
    spec: `${abi}, CPUID_FAM_ID and CPUID_MOD_ID; protocol 1, product`,
  },
  'evidence.chip-id': {
    stage: 'evidence',
    title: 'the certificate is for the chip that made the report',
    protects: 'Against another chip’s genuine certificate.',
    remedy:
      'Pass the VCEK of this chip. A masked chip id (all zero) can only be verified with a VLEK.',
    spec: `${kds}, hwID; ${abi}, CHIP_ID`,
  },
  'evidence.tcb': {
    stage: 'evidence',
    title: 'the certificate is for the TCB that the report states',
    protects: 'Against old, broken firmware that states a newer version.',
    remedy: 'Pass the certificate for exactly this reported TCB.',
    spec: `${kds}, SPL extensions; ${abi}, REPORTED_TCB`,
  },
  'evidence.tcb-order': {
    stage: 'evidence',
    title: 'no TCB or version is above the current one',
    protects: 'Against a report that states firmware newer than what runs.',
    remedy: 'Have the host’s firmware state looked at: genuine firmware does not report this.',
    spec: `${abi}, REPORTED_TCB, COMMITTED_TCB and CURRENT_TCB`,
  },
  'binding.devices': {
    stage: 'binding',
    title: 'the device digest is that of the devices given',
    protects: 'Against device evidence added, removed or swapped after the report.',
    remedy: 'Fetch the bundle again from the agent.',
    spec: 'affidavit protocol 1, device digest',
    appliesTo: inBundle,
  },
  'binding.log': {
    stage: 'binding',
    title: 'the log digest is that of the log given, whose last tree is the one bound',
    protects: 'Against a rewritten history of services.',
    remedy: 'Fetch the bundle again from the agent.',
    spec: 'affidavit protocol 1, log digest',
    appliesTo: inBundle,
  },
  'binding.report-data': {
    stage: 'binding',
    title: 'the report binds closure, services, devices and log',
    protects: 'Against a closure or key that this machine never vouched for.',
    remedy: 'Fetch the bundle again; if it persists, the agent does not speak this protocol.',
    spec: 'affidavit protocol 1, binding and REPORT_DATA',
    appliesTo: inBundle,
  },
  'binding.freshness': {
    stage: 'binding',
    title: 'the report binds nonce, channel and epoch',
    protects: 'Against a nonce or time written over an old report.',
    remedy: 'Fetch the bundle again.',
    spec: 'affidavit protocol 1, freshness',
    appliesTo: inBundle,
  },
  'binding.nonce': {
    stage: 'binding',
    title: 'the evidence answers the nonce that this verifier drew',
    protects: 'Against replay of older evidence.',
    remedy:
      'Fetch new evidence for your nonce; if this was your own nonce, someone answered with a recording.',
    spec: 'affidavit protocol 1, freshness',
    appliesTo: (subject) => inBundle(subject) && subject.challenged,
  },
  'binding.channel': {
    stage: 'binding',
    title: 'the evidence states the channel that this verifier sees',
    protects: 'Against evidence made for another connection.',
    remedy: 'Connect to the agent directly, without a proxy that ends the connection.',
    spec: 'affidavit protocol 1, channel',
    appliesTo: (subject) => inBundle(subject) && subject.connected,
  },
  'proof.file': {
    stage: 'proof',
    title: 'the proof file follows its format exactly',
    protects: 'Against two readers seeing two proofs in the same bytes.',
    remedy: 'Ask the prover for the file again and pass it unedited.',
    spec: 'docs/formats.md, Proof file',
    appliesTo: withProof,
  },
  'proof.response': {
    stage: 'proof',
    title: 'the response follows its format exactly',
    protects: 'Against a response that says something else to another reader.',
    remedy: 'Ask the prover for the response as the service gave it.',
    spec: 'affidavit protocol 1, Signed response',
    appliesTo: withProof,
  },
  'proof.artifact': {
    stage: 'proof',
    title: 'the proof was made with the circuit that this release pins',
    protects: 'Against a circuit of the same name that checks less.',
    remedy: 'Prover and verifier need the same release: update the older one and prove again.',
    spec: linked,
    appliesTo: withProof,
  },
  'proof.signature': {
    stage: 'proof',
    title: 'the response is signed by the disclosed key, a point of secp256k1',
    protects: 'Against an altered response, and one that another key signed.',
    remedy: 'Ask the prover for the response that the service signed, unedited.',
    spec: 'affidavit protocol 1, Signed response',
    appliesTo: (subject) => subject.proof === 'response-open-key',
  },
  'proof.key': {
    stage: 'proof',
    title: 'the verification key is derived from that circuit and the ceremony’s points',
    protects: 'Against a key of the prover’s choosing, under which anything could be proved.',
    remedy: 'Put the ceremony’s points where --crs, CRS_PATH or ~/.bb-crs finds them.',
    spec: linked,
    appliesTo: withProof,
  },
  'proof.valid': {
    stage: 'proof',
    title: 'the proof holds for the public inputs that this verifier rebuilt',
    protects:
      'Against a forged proof, and one about another tree, service or response, or made for someone else.',
    remedy:
      'Give your own audience and nonce exactly as the prover was told, and the bundle and response that he proved.',
    spec: linked,
    appliesTo: withProof,
  },
  'policy.product': {
    stage: 'policy',
    title: 'the product is one that the policy accepts',
    protects: 'Your choice of processor generations.',
    remedy: 'Add the product to sevSnp.product if you mean to accept it.',
    spec: 'docs/policy.md, product',
  },
  'policy.signing-key': {
    stage: 'policy',
    title: 'the kind of signing key is one that the policy accepts',
    protects: 'Your choice between one chip (VCEK) and one provider (VLEK).',
    remedy: 'Add the kind to sevSnp.signingKey if you mean to accept it.',
    spec: 'docs/policy.md, signingKey',
  },
  'policy.provider': {
    stage: 'policy',
    title: 'a VLEK belongs to a provider that the policy accepts',
    protects: 'Against another cloud’s machines: a VLEK proves a provider, not a chip.',
    remedy: 'Add the provider’s CSP id to sevSnp.provider if you mean to accept it.',
    spec: `${kds}, CSP_ID`,
  },
  'policy.debug': {
    stage: 'policy',
    title: 'the guest cannot be debugged by its host',
    protects: 'All secrets of the guest: with DEBUG the host reads its memory.',
    remedy: 'Launch the guest with POLICY.DEBUG clear.',
    spec: `${abi}, POLICY.DEBUG`,
  },
  'policy.migration': {
    stage: 'policy',
    title: 'migration is as the policy says',
    protects: 'Against a migration agent that may move the guest out of sight.',
    remedy: 'Launch the guest with POLICY.MIGRATE_MA clear, or write "allowed".',
    spec: `${abi}, POLICY.MIGRATE_MA`,
  },
  'policy.guest-policy': {
    stage: 'policy',
    title: 'the guest policy of the launch is as strict as the policy asks',
    protects:
      'Against a launch with weaker protection than you planned: SMT, CXL, sockets, RAPL, memory.',
    remedy: 'Launch the guest with the bits that the reason names, or change sevSnp.guestPolicy.',
    spec: `${abi}, POLICY`,
  },
  'policy.guest-svn': {
    stage: 'policy',
    title: 'the guest image is at the floor or newer',
    protects: 'Against an old release of your own image.',
    remedy: 'Deploy the newer image, or lower sevSnp.minimumGuestSvn.',
    spec: `${abi}, GUEST_SVN`,
  },
  'policy.vmpl': {
    stage: 'policy',
    title: 'the report was asked for at an accepted privilege level',
    protects: 'Against less privileged software, or the host, speaking for the guest.',
    remedy: 'Add the level to sevSnp.vmpl if a paravisor runs below your guest.',
    spec: `${abi}, VMPL`,
  },
  'policy.firmware-version': {
    stage: 'policy',
    title: 'current and committed firmware are at the floor or newer',
    protects: 'Against secure-processor firmware with known holes.',
    remedy: 'Update the host’s firmware, or lower sevSnp.minimumFirmware.',
    spec: `${abi}, CURRENT_VERSION and COMMITTED_VERSION`,
  },
  'policy.provisional-firmware': {
    stage: 'policy',
    title: 'the running firmware is committed',
    protects: 'Against firmware that the host can still roll back.',
    remedy: 'Have the host commit its firmware (SNP_COMMIT), or allow provisional firmware.',
    spec: `${abi}, SNP_COMMIT`,
  },
  'policy.reported-tcb': {
    stage: 'policy',
    title: 'the reported TCB is at the floor or above it',
    protects: 'Against firmware with known holes: this is the TCB that the chip’s key stands for.',
    remedy: 'Update the host’s firmware, or lower the floor knowing what it lets in.',
    spec: `${abi}, REPORTED_TCB`,
  },
  'policy.current-tcb': {
    stage: 'policy',
    title: 'the current TCB is at the floor or above it',
    protects: 'Against the firmware that runs now.',
    remedy: 'Update the host’s firmware, or lower the floor knowing what it lets in.',
    spec: `${abi}, CURRENT_TCB`,
  },
  'policy.committed-tcb': {
    stage: 'policy',
    title: 'the committed TCB is at the floor or above it',
    protects: 'Against a rollback: the host cannot go below the committed TCB.',
    remedy: 'Have the host commit its firmware, or lower the floor.',
    spec: `${abi}, COMMITTED_TCB`,
  },
  'policy.launch-tcb': {
    stage: 'policy',
    title: 'the TCB at launch is at the floor or above it',
    protects: 'Against a guest that was launched by older firmware.',
    remedy: 'Launch the guest anew on updated firmware.',
    spec: `${abi}, LAUNCH_TCB`,
  },
  'policy.mitigations': {
    stage: 'policy',
    title: 'the mitigation vectors hold every bit that the policy asks for',
    protects: 'Against attacks whose mitigation firmware reports one by one.',
    remedy: 'Update the host’s firmware; for the launch vector, launch the guest anew after that.',
    spec: `${abi}, LAUNCH_MIT_VECTOR and CURRENT_MIT_VECTOR`,
  },
  'policy.platform-info': {
    stage: 'policy',
    title: 'the platform is set up as the policy asks',
    protects:
      'Against memory without ECC, aliased memory, and features that widen the attack surface.',
    remedy: 'Change the host’s setup in what the reason names, or sevSnp.platformInfo.',
    spec: `${abi}, PLATFORM_INFO`,
  },
  'policy.id-block': {
    stage: 'policy',
    title: 'the launch was authorised by a key that the policy trusts',
    protects: 'Against images that nobody you trust has signed.',
    remedy: 'Launch with an ID block signed by a trusted key, or add its digest to sevSnp.idBlock.',
    spec: `${abi}, ID_KEY_DIGEST and AUTHOR_KEY_DIGEST`,
  },
  'policy.certificate-table': {
    stage: 'policy',
    title: 'the host’s certificate table has the entries that the policy asks for',
    protects: 'What your deployment counts on being handed over by the host.',
    remedy: 'Have the host provide the entry, or change sevSnp.certificateTable.',
    spec: 'GHCB 2.03, SNP extended guest request',
  },
  'policy.measurement': {
    stage: 'policy',
    title: 'the launch measurement is one that the policy names',
    protects: 'What runs: everything else the guest says is this software’s word.',
    remedy: 'Compute the measurement of the image you built and name it in sevSnp.measurement.',
    spec: `${abi}, MEASUREMENT`,
  },
  'policy.chip-id': {
    stage: 'policy',
    title: 'the chip is one that the policy names',
    protects: 'Your choice of machines, against relayed evidence of another.',
    remedy: 'Add the chip id if this machine is yours.',
    spec: `${abi}, CHIP_ID`,
  },
  'policy.host-data': {
    stage: 'policy',
    title: 'HOST_DATA is a value that the policy names',
    protects: 'Configuration that the host gave at launch.',
    remedy: 'Compare with what your deployment passes at launch.',
    spec: `${abi}, HOST_DATA`,
  },
  'policy.report-data': {
    stage: 'policy',
    title: 'REPORT_DATA is a value that the policy names',
    protects: 'The 64 bytes that the guest itself had signed.',
    remedy: 'Compare with what your software asked the device to sign.',
    spec: `${abi}, REPORT_DATA`,
  },
  'policy.family-id': {
    stage: 'policy',
    title: 'FAMILY_ID is a value that the policy names',
    protects: 'Your choice of guest family, as its ID block says.',
    remedy: 'Compare with the ID block of your launch.',
    spec: `${abi}, FAMILY_ID`,
  },
  'policy.image-id': {
    stage: 'policy',
    title: 'IMAGE_ID is a value that the policy names',
    protects: 'Your choice of guest image, as its ID block says.',
    remedy: 'Compare with the ID block of your launch.',
    spec: `${abi}, IMAGE_ID`,
  },
  'policy.report-id': {
    stage: 'policy',
    title: 'REPORT_ID is a value that the policy names',
    protects: 'One running instance of a guest, against another of the same image.',
    remedy: 'The id is new at every launch: compare with what this instance showed first.',
    spec: `${abi}, REPORT_ID`,
  },
  'policy.report-id-ma': {
    stage: 'policy',
    title: 'REPORT_ID_MA is a value that the policy names',
    protects: 'Your choice of migration agent; all ones is none.',
    remedy: 'Compare with the report id of your migration agent.',
    spec: `${abi}, REPORT_ID_MA`,
  },
  'policy.closure-digest': {
    stage: 'policy',
    title: 'the system closure is one that the policy names',
    protects: 'The exact set of store paths, as told by the measured software.',
    remedy:
      'Compare /closure with your build; name the measurement too, for it gives the digest its worth.',
    spec: 'affidavit protocol 1, closure digest',
  },
  'policy.tree-root': {
    stage: 'policy',
    title: 'the service tree is one that the policy names',
    protects: 'The set of services and their keys, as told by the measured software.',
    remedy:
      'Keys are new at every boot: compare /services, or ask for a proof of one service instead.',
    spec: 'affidavit protocol 1, tree root',
  },
  'policy.devices': {
    stage: 'policy',
    title: 'devices are as the policy says',
    protects: 'Against counting on a device that nobody verified.',
    remedy: 'Set devices to "any" to accept bound but unverified device evidence.',
    spec: 'docs/policy.md, devices',
  },
  'policy.freshness': {
    stage: 'policy',
    title: 'the evidence is as fresh as the policy asks',
    protects: 'Against evidence from before a change or a compromise.',
    remedy: 'Verify by URL, or pass the nonce that you sent with --nonce.',
    spec: 'docs/policy.md, freshness',
  },
  'policy.channel': {
    stage: 'policy',
    title: 'the channel is bound as the policy asks',
    protects: 'Against evidence relayed from another machine.',
    remedy:
      'Connect over a channel that the agent binds, or write "any" knowing that evidence can be relayed.',
    spec: 'docs/policy.md, channel',
  },
} as const satisfies Record<string, CheckEntry>;

export type CheckId = keyof typeof catalogue;

export const checkIds = Object.keys(catalogue) as CheckId[];

export function entryOf(id: CheckId): CheckEntry {
  return catalogue[id];
}

/** The checks of a verification, in the verdict's order. */
export function applicableChecks(subject: Subject): CheckId[] {
  return checkIds.filter((id) => entryOf(id).appliesTo?.(subject) ?? true);
}
