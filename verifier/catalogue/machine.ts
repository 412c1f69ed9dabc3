/** Checks of the machine: its evidence read, its key’s chain, revocation, the report. */
import { abi, type CheckEntry, inBundle, kds } from './entry.ts';

export const machineChecks = {
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
} as const satisfies Record<string, CheckEntry>;
