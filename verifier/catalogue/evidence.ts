/** Checks of the signed evidence itself against the machine’s key. */
import { abi, type CheckEntry, kds, onIntel, onSnp, onTdx, pcsSpec, quoteSpec } from './entry.ts';

export const evidenceChecks = {
  'evidence.signature': {
    stage: 'evidence',
    title: 'the report is signed by the chip’s key',
    protects: 'Against every edited report.',
    remedy:
      'Fetch report and certificate again: after a firmware update the key changes with the TCB.',
    spec: `${abi}, ATTESTATION_REPORT, SIGNATURE`,
    appliesTo: onSnp,
  },
  'evidence.signing-key': {
    stage: 'evidence',
    title: 'the report names the kind of key that signed it',
    protects: 'Against a provider’s VLEK passing for a chip’s VCEK, or the other way round.',
    remedy: 'Pass the certificate of the kind that the report’s SIGNING_KEY names.',
    spec: `${abi}, ATTESTATION_REPORT, SIGNING_KEY`,
    appliesTo: onSnp,
  },
  'evidence.product': {
    stage: 'evidence',
    title: 'the report’s processor is the product that the chain is for',
    protects: 'Against reading TCB and chip id in another product’s layout.',
    remedy: 'Pass the chain of the processor that the report names.',
    spec: `${abi}, CPUID_FAM_ID and CPUID_MOD_ID; protocol 1, product`,
    appliesTo: onSnp,
  },
  'evidence.chip-id': {
    stage: 'evidence',
    title: 'the certificate is for the chip that made the report',
    protects: 'Against another chip’s genuine certificate.',
    remedy:
      'Pass the VCEK of this chip. A masked chip id (all zero) can only be verified with a VLEK.',
    spec: `${kds}, hwID; ${abi}, CHIP_ID`,
    appliesTo: onSnp,
  },
  'evidence.tcb': {
    stage: 'evidence',
    title: 'the certificate is for the TCB that the report states',
    protects: 'Against old, broken firmware that states a newer version.',
    remedy: 'Pass the certificate for exactly this reported TCB.',
    spec: `${kds}, SPL extensions; ${abi}, REPORTED_TCB`,
    appliesTo: onSnp,
  },
  'evidence.tcb-order': {
    stage: 'evidence',
    title: 'no TCB or version is above the current one',
    protects: 'Against a report that states firmware newer than what runs.',
    remedy: 'Have the host’s firmware state looked at: genuine firmware does not report this.',
    spec: `${abi}, REPORTED_TCB, COMMITTED_TCB and CURRENT_TCB`,
    appliesTo: onSnp,
  },
  'evidence.qe-report-signature': {
    stage: 'evidence',
    title: 'the quoting enclave’s report is signed by the platform’s key',
    protects: 'Against a quoting enclave that runs nowhere.',
    remedy: 'Have the quote made again; its parts do not belong together.',
    spec: `${quoteSpec}, QE Report Signature`,
    appliesTo: onIntel,
  },
  'evidence.attestation-key': {
    stage: 'evidence',
    title: 'the quoting enclave vouches for the attestation key',
    protects: 'Against a key of the attacker beside a genuine quoting enclave’s report.',
    remedy: 'Have the quote made again; its parts do not belong together.',
    spec: `${quoteSpec}, QE Report, REPORTDATA`,
    appliesTo: onIntel,
  },
  'evidence.quote-signature': {
    stage: 'evidence',
    title: 'the quote is signed by the attestation key',
    protects: 'Against every edited quote.',
    remedy: 'Fetch the quote again: it was changed after it was signed.',
    spec: `${quoteSpec}, Quote Signature`,
    appliesTo: onIntel,
  },
  'evidence.qe-identity': {
    stage: 'evidence',
    title: 'the quoting enclave is Intel’s own, for this kind of quote',
    protects: 'Against another enclave that signs what it likes: MRSIGNER, product id, attributes.',
    remedy: 'Have the host use Intel’s quoting enclave (TD_QE for TDX, QE for SGX).',
    spec: `${pcsSpec}, Quoting Enclave Identity`,
    appliesTo: onIntel,
  },
  'evidence.tdx-module': {
    stage: 'evidence',
    title: 'the TDX module is one that Intel signed',
    protects: 'Against a module of somebody else below the guest: MRSIGNERSEAM, SEAMATTRIBUTES.',
    remedy: 'Have the host load a TDX module of Intel that the TCB info names.',
    spec: `${pcsSpec}, tdxModuleIdentities`,
    appliesTo: onTdx,
  },
  'evidence.tcb-level': {
    stage: 'evidence',
    title: 'the platform’s TCB is one that Intel has a level for',
    protects: 'Against firmware older than everything that Intel still judges.',
    remedy:
      'Update the platform’s microcode and firmware; its TCB is below every level of the TCB info.',
    spec: `${pcsSpec}, tcbLevels`,
    appliesTo: onIntel,
  },
} as const satisfies Record<string, CheckEntry>;
