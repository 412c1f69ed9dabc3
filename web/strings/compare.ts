/** What the compare view says. */
import type { CollateralKind } from '#verifier/abi/bundle.ts';

const kinds: Readonly<Record<CollateralKind, string>> = {
  vek: 'Signing key’s certificate (VCEK or VLEK)',
  ask: 'AMD intermediate certificate (ASK)',
  ark: 'AMD root certificate (ARK)',
  'ark-crl': 'AMD revocation list',
  'tcb-info': 'Intel TCB info',
  'qe-identity': 'Intel QE identity',
  'tcb-signing': 'Signer of the TCB info',
  'qe-identity-signing': 'Signer of the QE identity',
  'intel-root': 'Intel root certificate',
  'pck-crl': 'Intel revocation list (PCK)',
  'intel-root-crl': 'Intel revocation list (root)',
  'nvidia-rim': 'NVIDIA reference manifest',
  'nvidia-ocsp': 'NVIDIA OCSP answer',
};

const count = (number: number, one: string, many: string) =>
  `${number} ${number === 1 ? one : many}`;

export const compareStrings = {
  title: 'Compare',
  intro:
    'Two pieces of evidence side by side: what changed between yesterday and today, or between two machines that should be alike. Both are judged under the same policy, the same roots and for the same time.',
  needsFirst: 'Load a first piece of evidence in the Evidence view; the second is given here.',
  toEvidence: 'Go to the Evidence view',
  loaded: 'Loaded evidence',
  other: 'The other',
  second: 'The second piece of evidence',
  drop: 'Drop the other evidence here, with its certificates if they are files of their own.',
  choose: 'Choose files…',
  chooseOther: 'Choose another…',
  remove: 'Remove',
  swap: 'Swap sides',
  working: 'Verifying…',
  refused: 'No verdict',
  only: 'Only differences',
  all: 'Everything',
  show: 'What is shown',
  sides: { left: 'Left', right: 'Right' },
  form: 'Kind',
  forms: {
    report: 'SEV-SNP report',
    quote: 'Intel quote',
    bundle: 'Bundle',
    hcl: 'Azure confidential VM',
    'tpm-quote': 'TPM quote',
    nitro: 'AWS Nitro document',
    gpu: 'NVIDIA devices',
  },
  platforms: {
    'sev-snp': 'AMD SEV-SNP',
    tdx: 'Intel TDX',
    sgx: 'Intel SGX',
    nitro: 'AWS Nitro',
    tpm: 'TPM',
    nvidia: 'NVIDIA',
  },
  unknownPlatform: 'unknown',
  glance: {
    title: 'At a glance',
    answers: { same: 'The same', differs: 'Different', only: 'Cannot be compared' },
    questions: {
      software: 'Software',
      closure: 'System closure',
      services: 'Services',
      firmware: 'Firmware',
      processor: 'Processor',
      machine: 'This very machine',
      channel: 'Channel',
    },
    none: 'has none',
    log: 'Log since boot',
    logSame: (entries: number) => `${count(entries, 'entry', 'entries')}, the same`,
    logDiffers: (common: number, left: number, right: number) =>
      `The first ${count(common, 'entry is', 'entries are')} the same; then ${left} more on the left, ${right} more on the right`,
  },
  platformsDiffer: (left: string, right: string) =>
    `One is of ${left}, the other of ${right}: their reports have no fields in common, and their measurements mean different things. Decisions and the checks that both have can be compared; the rest is named and not compared.`,
  checks: {
    title: 'Checks',
    check: 'Check',
    none: 'No check differs.',
    notAsked: 'not asked of this evidence',
    counted: (same: number, left: number, right: number) => {
      const alone = (number: number, side: string) =>
        number === 0 ? '' : `, ${number} asked of the ${side} alone`;
      return `${count(same, 'check is', 'checks are')} the same on both sides${alone(left, 'left')}${alone(right, 'right')}.`;
    },
    caption: 'Checks of both verdicts',
  },
  fields: {
    title: 'Fields',
    note: 'As the bytes say, verified or not. Bytes that differ are marked.',
    evidenceTitle: 'Evidence, certificates and documents',
    field: 'Field',
    same: (number: number) => `${count(number, 'field is', 'fields are')} the same.`,
    identical: (titles: readonly string[]) => `The same on both sides: ${titles.join(', ')}.`,
    onlySide: (title: string, side: string) => `${title}: only on the ${side}`,
    absent: 'not there',
    caption: (title: string) => `Fields of ${title}`,
    more: (number: number) => `Show ${number} more`,
  },
  evidence: 'Evidence',
  unreadable: 'cannot be read',
  kinds,
} as const;
