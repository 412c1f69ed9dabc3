/** Words of the evidence's fields, of the TCB and of the certificates. */
import type { SectionKind } from '../fields/field-checks.ts';

type Meanings = Readonly<Record<string, string>>;

const snp: Meanings = {
  VERSION: 'Which layout of the report this is.',
  GUEST_SVN: 'The guest image’s own security version, as its owner numbered it.',
  POLICY: 'What the guest’s owner demanded at launch; the chip enforces it.',
  FAMILY_ID: 'A name that the owner of the image gave to its family.',
  IMAGE_ID: 'A name that the owner of the image gave to it.',
  VMPL: 'The privilege level inside the guest that asked for this report; 0 is the highest.',
  CURRENT_TCB: 'Versions of the firmware that runs now.',
  PLATFORM_INFO: 'How the machine is set up: SMT, memory encryption, ECC.',
  'KEY FLAGS': 'Which kind of key signed this report, and whether an author key is used.',
  REPORT_DATA:
    '64 bytes that the guest chose, such as the hash of a key and a nonce: what ties this report to a conversation.',
  MEASUREMENT: 'Digest of the memory that the guest started with: which software was launched.',
  HOST_DATA: '32 bytes that the host chose at launch.',
  ID_KEY_DIGEST: 'Digest of the key that authorised the launch; zero when none did.',
  AUTHOR_KEY_DIGEST: 'Digest of the key that vouches for that key; zero when none does.',
  REPORT_ID: 'Names this one run of the guest.',
  REPORT_ID_MA: 'Names the migration agent of this guest; all ones where there is none.',
  REPORTED_TCB: 'Versions that the host reports; the chip’s key is derived from them.',
  CPUID_FAM_ID: 'Processor family.',
  CPUID_MOD_ID: 'Processor model.',
  CPUID_STEP: 'Revision of the processor.',
  CHIP_ID: 'Names this one chip; zero when the host hides it.',
  COMMITTED_TCB: 'Versions below which the firmware can no longer be rolled back.',
  LAUNCH_TCB: 'Versions at the time that the guest was launched or imported.',
  LAUNCH_MIT_VECTOR: 'Mitigations that were in place at launch.',
  CURRENT_MIT_VECTOR: 'Mitigations that are in place now.',
  'SIGNATURE.R': 'One half of the chip’s signature over everything above.',
  'SIGNATURE.S': 'The other half.',
};

const td: Meanings = {
  TEE_TCB_SVN: 'Versions of the TDX module and what is below it, 16 of one byte.',
  TEE_TCB_SVN_2: 'The same for the module that runs now; the first is of the one at launch.',
  MRSEAM: 'Digest of the TDX module: Intel’s software that keeps the TD from its host.',
  MRSIGNERSEAM: 'Who signed the TDX module; zero is Intel.',
  SEAMATTRIBUTES: 'Properties of the TDX module; zero for one in production.',
  TDATTRIBUTES: 'How the TD was set up. DEBUG means that the host can look inside.',
  ATTRIBUTES: 'How the TD was set up. DEBUG means that the host can look inside.',
  XFAM: 'Which processor extensions the TD may use.',
  MRTD: 'Digest of the memory that the TD started with, usually its firmware.',
  MRCONFIGID: '48 bytes that the TD’s owner set at launch.',
  MROWNER: 'Who owns the TD, as set at launch.',
  MROWNERCONFIG: 'The owner’s configuration, as set at launch.',
  RTMR0: 'Running digest, usually of the firmware’s configuration.',
  RTMR1: 'Running digest, usually of the boot loader and kernel.',
  RTMR2: 'Running digest, usually of the command line and first programs.',
  RTMR3: 'Running digest that the software of the TD may extend at run time.',
  REPORTDATA:
    '64 bytes that the guest chose, such as the hash of a key and a nonce: what ties this quote to a conversation.',
  MRSERVICETD: 'Digest of the service TDs that are bound to this one.',
  SERVTD_HASH: 'Digest of the service TDs that are bound to this one.',
};

const enclave: Meanings = {
  CPUSVN: 'Version of the processor’s protection, in its own encoding.',
  MISCSELECT: 'Which extra state is saved when the enclave is left.',
  ATTRIBUTES: 'How the enclave was set up. DEBUG means that its host can look inside.',
  MRENCLAVE: 'Digest of the enclave’s code and data: which enclave this is.',
  MRSIGNER: 'Digest of the key that signed the enclave: who made it.',
  ISVPRODID: 'Which product of its maker this is.',
  ISVSVN: 'The enclave’s own security version.',
  CONFIGID: 'A configuration that was given to the enclave when it started.',
  CONFIGSVN: 'Version of that configuration.',
};

const meanings: Readonly<Record<SectionKind, Meanings>> = {
  snp,
  td,
  enclave: {
    ...enclave,
    REPORTDATA: '64 bytes that the enclave chose: what ties this quote to a conversation.',
  },
  'quote-header': {
    TEE_TYPE: 'What made the quote: an SGX enclave or a TD.',
    QE_SVN: 'Version of the quoting enclave.',
    PCE_SVN: 'Version of the enclave that certified the quoting enclave’s key.',
    QE_VENDOR_ID: 'Who made the quoting enclave.',
    USER_DATA: 'Names the platform; the quoting enclave chose it.',
  },
  'quote-signature': {
    SIGNATURE: 'By the attestation key, over everything above.',
    ATTESTATION_KEY: 'The quoting enclave’s key; its report below vouches for it.',
  },
  'qe-report': {
    ...enclave,
    REPORTDATA: 'Digest of the attestation key: how the key is tied to this enclave.',
  },
  certification: {
    QE_REPORT_SIGNATURE: 'By this platform’s key (PCK), over the quoting enclave’s report.',
    QE_CERTIFICATION_DATA: 'The platform’s certificate and those above it.',
    'after the quote': 'Padding. No signature is over it, and nothing reads it.',
  },
  bundle: {
    nonce: 'Drawn anew for this evidence, so that old evidence cannot stand in for it.',
    freshness: 'Who drew the nonce.',
    epoch: 'When the machine says that it made this.',
    channel: 'The connection that the machine says it speaks over.',
    'bound.closureDigest': 'Digest of every program in the system, one by one.',
    'bound.treeRoot': 'Digest of the services and their keys.',
    'bound.deviceDigest': 'Digest of the evidence of devices beside the processor.',
    'bound.logDigest': 'Digest of the log below.',
  },
  other: {},
};

export const fieldsStrings = {
  title: 'Fields',
  note: 'What the bytes say, in the vendor’s order and under the vendor’s names. Whether it is true, the checks above say.',
  unreadable: 'Cannot be read',
  parts: {
    report: 'SEV-SNP report',
    quote: 'Quote',
    bundle: 'Bundle',
    hcl: 'HCL report of Azure',
    nitro: 'AWS Nitro document',
    gpu: (number: number) => `NVIDIA device ${number}`,
    tpm: (number: number) => `TPM quote ${number}`,
  },
  groups: {
    guest: 'Guest and platform',
    software: 'Software and data',
    platform: 'Firmware and chip',
    signature: 'Signature',
  },
  zones: {
    snpSigned: 'Signed by the chip',
    snpTail: 'Not signed: the signature itself, and bytes that must be zero',
    quoteSigned: 'Signed by the attestation key',
    quoteSignature: 'Not signed: that signature, and the attestation key',
    qeSigned: 'Signed by the platform’s key',
    qeSignature: 'Not signed: that signature, and lengths',
    certification: 'Certificates, each signed by the one above it',
    trailing: 'After the quote: nothing signs these bytes',
    hclHeader: 'Not signed: the paravisor’s header',
    hclHardware: 'What the hardware says',
    hclRuntime: 'The paravisor’s claims: their digest is in what the hardware says',
  },
  columns: { field: 'Field', offset: 'Offset', length: 'Length', value: 'Value' },
  tableOf: (title: string) => `Fields of: ${title}`,
  placeOf: (offset: string, length: number) => `${offset}, ${bytesOf(length)}`,
  zero: (count: number) => `zero, ${bytesOf(count)}`,
  showBytes: 'Show its bytes',
  readBy: 'Read by',
  copy: 'Copy',
  copied: 'Copied',
  notCopied: 'Not copied',
  copyOf: (said: string, name: string) => `${said} ${name}`,
  showAll: (count: number) => `Show all ${count} characters`,
  showLess: 'Show less',
  hex: {
    label: (title: string) => `Bytes of: ${title}`,
    help: 'Arrow keys, Page Up, Page Down, Home and End move from byte to byte; Enter goes to the field.',
    idle: (length: number) =>
      `${bytesOf(length)}. Point at a field or a byte, or use the arrow keys.`,
    at: (offset: string, byte: string) => `${offset}: ${byte}`,
    inField: (name: string, place: number, length: number) =>
      length === 1 ? name : `${name}, byte ${place} of ${length}`,
    noField: 'in no field',
  },
  meaningOf: (kind: SectionKind, name: string): string | null => {
    const known = meanings[kind];
    return Object.hasOwn(known, name) ? (known[name] ?? null) : null;
  },
};

function bytesOf(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`;
}
