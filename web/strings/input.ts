/** Words of giving evidence and of sharing what came of it. */
import type { FileKind } from '../model/file-kinds.ts';
import { counted } from './lists.ts';

const kinds: Readonly<Record<FileKind, string>> = {
  bundle: 'Evidence bundle',
  quote: 'Quote',
  'td-report': 'TDREPORT, the raw report of a TD',
  'snp-report': 'SEV-SNP report',
  'snp-table': 'Certificate table of an SEV-SNP host',
  hcl: 'HCL report of an Azure confidential VM',
  'azure-evidence': 'Evidence of an Azure confidential VM',
  'tpm-evidence': 'TPM quotes with their PCR values',
  'go-tpm': 'TPM attestation of go-tpm-tools',
  'tpm-message': 'TPM quote',
  'tpm-signature': 'Signature of a TPM quote',
  pcrs: 'PCR values',
  'public-key': 'Public key',
  nitro: 'AWS Nitro document',
  nvidia: 'NVIDIA evidence',
  'nvidia-report': 'NVIDIA device report',
  certificates: 'Certificate',
  'revocation-lists': 'Revocation list',
  ocsp: 'OCSP answer',
  rim: 'NVIDIA reference manifest',
  'tcb-info': 'Intel TCB info',
  'qe-identity': 'Intel QE identity',
  'event-log': 'Boot event log',
  manifest: 'Closure manifest',
  'tree-proof': 'Proof of a service tree',
  policy: 'Policy',
  'proof-file': 'Proof file',
  response: 'Signed response',
  demands: 'Demands of linked proofs',
  verdict: 'Somebody’s verdict',
  'hcl-claims': 'Runtime claims of an HCL report',
  'private-key': 'Private key',
  token: 'Signed token',
  json: 'Unknown JSON',
  text: 'Unknown text',
  binary: 'Unknown bytes',
  empty: 'Empty file',
};

/** Why a file of this kind has no part in the verdict, where its kind says it. */
const unusedBecause: Partial<Record<FileKind, string>> = {
  'proof-file': 'See the Proofs view, which checks it.',
  response: 'See the Proofs view: it belongs beside a proof file.',
  demands: 'See the Proofs view: it belongs beside a proof file.',
  'hcl-claims': 'The HCL report holds these claims itself.',
  verdict: 'Nobody’s word counts here: the evidence is judged anew.',
  token: 'Tokens are checked by the command line: affidavit token check.',
  'event-log': 'The evidence holds its own log, or quotes no register that this one leads to.',
  pcrs: 'There is no TPM quote that these values would belong to.',
  'tpm-signature': 'There is no TPM quote that it would belong to.',
  certificates: 'The verdict does not need it, or it cannot be read.',
  'revocation-lists': 'It cannot be read.',
  'snp-table': 'It belongs beside a raw SEV-SNP report.',
  empty: 'It has no bytes.',
};

const bytesOf = (length: number) => counted(length, 'byte');

export const inputStrings = {
  title: 'Evidence',
  lead: 'Drop what a machine gave you: an evidence bundle, a raw report or quote with its certificates, or all files of a folder. Nothing is uploaded: this page verifies by itself.',
  drop: 'Drop files here, or anywhere on this page',
  dropNow: 'Drop the files to verify them',
  choose: 'Choose files',
  addMore: 'Add more files',
  startOver: 'Start over',
  accepted:
    'SEV-SNP, TDX and SGX · Azure, TPM, AWS Nitro and NVIDIA · hex, base64, PEM or JSON · certificates, revocation lists, policies, closure manifests',
  pasteTitle: 'Paste text',
  pasteLabel: 'Hex, base64, PEM or JSON',
  pasteButton: 'Use this text',
  pastedName: (number: number) => `pasted text ${number}`,
  filesLabel: 'What is given',
  remove: (name: string) => `Remove ${name}`,
  size: bytesOf,
  inLine: (role: string, length: number) => `${role}, ${bytesOf(length)}`,
  notUsed: 'not used',
  fromAgent: (url: string) => `Fetched from ${url}, for a nonce that this page drew.`,
  reading: 'Reading…',

  settings: 'How it is judged',
  atLabel: 'Verify for',
  atHint: 'A time with its zone, such as 2026-01-31T12:00:00Z. Empty: now.',
  atNow: 'now',
  atWrong: (text: string) =>
    `“${text}” is no time with its zone. Write for example 2026-01-31T12:00:00Z. The time from before still counts.`,
  nonceLabel: 'Nonce that you sent',
  nonceHint: 'Hex. Only if you drew one: fresh evidence answers it.',
  nonceWrong: 'Write 1 to 1024 bytes as hex digits. The nonce from before still counts.',
  policyLabel: 'Policy',
  policyNone: 'genuine: any machine whose evidence is real',
  policyRemove: 'Judge by the policy “genuine” again',
  waits: 'Give some evidence to have it judged by this.',

  rootTitle: 'Trust another root certificate (insecure)',
  rootText:
    'For tests with machines that no vendor made. Evidence then counts under this certificate in place of the vendors’: whoever gave it to you can make any evidence look genuine.',
  rootChoose: 'Root certificate (PEM or DER)',
  rootSet: (name: string) => `INSECURE: evidence counts under the root in ${name}`,
  rootDrop: 'Trust the vendors’ roots again',
  keyTitle: 'Trust a TPM’s key by hand (insecure)',
  keyText:
    'A public key was dropped beside a TPM quote. Nobody vouches for it: trust it only if you have it from the machine itself.',
  keyTrust: 'Trust the key that I dropped',
  keyDistrust: 'Do not trust the key any more',
  keyTrusted: 'The TPM’s key is trusted because you said so.',

  tooLarge: (name: string, length: number, limit: number) =>
    `${name}: ${bytesOf(length)}, at most ${bytesOf(limit)} are read`,
  tooLargeRemedy: 'No evidence is that large. Check that this is the right file.',
  tooMuch: (limit: number) => `all files together have more than ${bytesOf(limit)}`,
  tooMuchRemedy: 'Give one machine’s evidence at a time.',
  tooMany: (limit: number) => `more than ${limit} files`,
  unreadable: (name: string) => `${name}: the browser cannot read it`,
  unreadableRemedy: 'Check that it is a file that you may read, then choose it again.',
  nothingPasted: 'There is no text',
  nothingPastedRemedy: 'Paste hex, base64, PEM or JSON.',
  notTaken: 'Not taken',
  dismiss: 'Dismiss',

  roles: {
    kinds,
    quote: (tee: 'tdx' | 'sgx' | null) =>
      tee === 'tdx' ? 'TDX quote' : tee === 'sgx' ? 'SGX quote' : 'Quote of an unknown kind',
    reportWithTable: 'SEV-SNP report with its certificates',
    damagedCertificate: 'Certificate that cannot be read',
    root: (name: string) => `Root certificate “${name}”`,
    certificate: (name: string) => {
      if (name === 'SEV-VCEK' || name === 'SEV-VLEK') return `${name.slice(4)} certificate`;
      return name === '' ? 'Certificate' : `Certificate “${name}”`;
    },
    chain: (names: readonly (string | null)[]) =>
      `${names.length} certificates: ${names.map((name) => name ?? 'unreadable').join(', ')}`,
    lists: (issuers: readonly (string | null)[]) => {
      const [only, ...others] = issuers;
      if (issuers.length === 0) return 'Revocation list that cannot be read';
      if (others.length > 0) return `${issuers.length} revocation lists`;
      return only === null || only === undefined
        ? 'Revocation list that cannot be read'
        : `Revocation list of “${only}”`;
    },
  },
  unused: (kind: FileKind) => unusedBecause[kind] ?? 'This page does not know what it is.',
  otherEvidence:
    'Another piece of evidence: the first one is judged. Two of them side by side: the Compare view.',
  insideHcl: 'The HCL report holds it, or it belongs to another machine.',
  privateKey: 'A private key belongs into no page: keep it where it was made.',
  keyNotTrusted: 'Not trusted, for nobody vouches for it. See “Trust a TPM’s key by hand”.',
  keyUseless: 'The verdict does not need it.',

  fromLink:
    'This evidence came in a link. The link brought no verdict: this page judged by itself.',
  linkAt: (time: string) => `The link asks for the verdict of ${time}.`,
  linkPolicy: (name: string) =>
    `It brought its own policy, ${name}: whoever made the link chose what is accepted.`,
  linkRoot: (name: string) =>
    `The link wants evidence to count under another root, ${name}, in place of the vendors’. It is not used: with it, whoever made the link can make any evidence look genuine.`,
  linkRootUse: 'Use that root (insecure)',

  link: 'link',
  linkTooLarge: (limit: number) => `the link holds more than ${bytesOf(limit)}`,
  linkTooLargeRemedy: 'Share the files themselves.',
  linkVersion: (found: number, known: number) =>
    `the link is of version ${found}, and this page knows version ${known}`,
  linkFlags: 'the link says something that this page does not know',
  linkCount: (count: number, limit: number) =>
    `the link holds ${count} files where 1 to ${limit} are due`,
  linkTime: 'the time in the link is none',
  linkBroken: 'the link is not whole',
  linkBrokenRemedy:
    'Copy the whole link again, or ask for the files: programs that pass links on may cut them.',

  whatToDrop:
    'Drop an evidence bundle, an SEV-SNP report, a TDX or SGX quote, an HCL report, a TPM quote with its signature and PCR values, an AWS Nitro document or NVIDIA evidence.',
  noneIsEvidence: (count: number) => `none of these ${count} files is evidence`,
  isNoEvidence: (kind: FileKind) => `no evidence: ${kinds[kind]}`,
  strayNonce: 'a raw report or quote holds no nonce, so it cannot answer yours',
  strayNonceRemedy:
    'Clear the nonce, or demand the 64 bytes of REPORTDATA in a policy: what they hold is for the guest to say.',
  unevenQuotes: (messages: number, signatures: number, pcrs: number) =>
    `${messages} TPM quotes, ${signatures} signatures and ${pcrs} files of PCR values`,
  unevenQuotesRemedy:
    'Drop the three files of each quote: its message, its signature and the PCR values (tpm2_quote -m, -s and -o).',
  noChain: 'a device’s report alone, and no certificates are left for it',
  noChainRemedy: 'Drop the device’s certificates (PEM, its own first) beside it.',
} as const;
