/** The members of a policy about Intel’s quotes, in plain words. */
import type { MemberWords } from './policy-members.ts';

/** The same in `tdx` and in `sgx`. */
const shared: Readonly<Record<string, MemberWords>> = {
  'tcb.acceptedStatuses': [
    'Accepted TCB statuses',
    'What Intel says of the platform’s firmware. UpToDate is the strictest; Revoked can never be accepted.',
  ],
  'tcb.minimumDate': [
    'Firmware not older than',
    'The day to which all known fixes are in, at least.',
  ],
  'tcb.minimumEvaluationNumber': [
    'Intel’s evaluation, at least',
    'Number of Intel’s assessment: keeps old assessments from being shown. Not together with a grace period.',
  ],
  'tcb.refusedAdvisories': [
    'Refused advisories',
    'Security advisories (INTEL-SA-…) that must not apply to the platform.',
  ],
  'tcb.collateralGracePeriod': [
    'Grace for Intel’s documents',
    'How long after its update was due a document or revocation list still counts. 0: not at all.',
  ],
  'tcb.platformGracePeriod': [
    'Grace for platforms',
    'How long a platform that is out of date is still accepted after its date. 0: not at all.',
  ],
  'tcb.qeVendors': [
    'Vendor of the quoting enclave',
    'Who made the enclave that signs quotes. 939a7233… is Intel.',
  ],
  'tcb.minimumQeSvn': ['Quoting enclave version', 'Of the enclave that signs quotes, at least.'],
  'tcb.minimumPceSvn': [
    'Provisioning enclave version',
    'Of the enclave that certifies the quoting enclave, at least.',
  ],
  'platform.fmspc': [
    'Processor family',
    'Intel’s number (FMSPC) for a family of processors and platforms.',
  ],
  'platform.ppid': [
    'Processor',
    'This very processor package. Name it to accept one machine alone.',
  ],
  'platform.instanceId': ['Platform instance', 'This very installation of the platform.'],
  'platform.dynamicPlatform': [
    'Packages can be added',
    'A platform to which processor packages may be added later.',
  ],
  'platform.cachedKeys': [
    'Keys cached by Intel',
    'Intel’s registration service keeps the platform’s root keys.',
  ],
  'platform.smt': [
    'Hyperthreading',
    'Two threads of one core share caches: a neighbour may learn from them.',
  ],
  'platform.sgxType': [
    'Memory protection',
    'standard and scalable differ in how memory is protected; “with integrity” also notices changes made to it.',
  ],
};

const td: Readonly<Record<string, MemberWords>> = {
  mrTd: [
    'Firmware measurement (MRTD)',
    'Digest of the firmware that starts the machine. With RTMR 0 to 2 it names your software.',
  ],
  rtmr0: [
    'RTMR 0: the machine',
    'The virtual machine as its firmware found it: devices, tables, Secure Boot.',
  ],
  rtmr1: ['RTMR 1: boot loader and kernel', 'What the firmware started.'],
  rtmr2: ['RTMR 2: command line, initial system', 'What the kernel was started with.'],
  rtmr3: ['RTMR 3: what runs later', 'Measured while running; often differs from boot to boot.'],
  mrConfigId: ['Configuration id', 'Given at launch by who configures the machine.'],
  mrOwner: ['Owner', 'Given at launch by who owns the machine.'],
  mrOwnerConfig: ['Owner’s configuration', 'Given at launch by who owns the machine.'],
  mrServiceTd: ['Service TDs', 'Helper machines that are tied to this one, such as for migration.'],
  reportData: [
    'Report data',
    'What the guest had signed. Changes with every nonce: leave it open unless you have no bundle.',
  ],
  'attributes.debug': [
    'Debugging by the host',
    'With debug or profiling on the host looks inside: nothing is confidential.',
  ],
  'attributes.septVeDisable': [
    'No surprise faults (SEPT_VE_DISABLE)',
    'Without it the host can interrupt the guest at will. Linux needs it.',
  ],
  'attributes.lass': [
    'Address separation (LASS)',
    'Protects the kernel’s addresses from programs.',
  ],
  'attributes.icssd': ['ICSSD', 'A protection against side channels, on.'],
  'attributes.migratable': [
    'Migration',
    'The guest may be moved to a machine that nobody verified.',
  ],
  'attributes.pks': [
    'Supervisor protection keys',
    'The guest may use the processor’s feature of that name.',
  ],
  'attributes.keyLocker': ['Key Locker', 'The guest may use the processor’s feature of that name.'],
  'attributes.tpa': ['TPA', 'The guest may use the processor’s feature of that name.'],
  'attributes.perfmon': ['Performance counters', 'The guest may use them.'],
  'attributes.servTdExt': [
    'Extended service TDs',
    'Service TDs may be tied to the machine by more than their measurement.',
  ],
  'attributes.unknownBits': ['Attributes without a name', 'Bits whose meaning is not known here.'],
  xfam: [
    'Extended features (XFAM)',
    'Features of the processor that the guest may use, as bits, least significant byte first.',
  ],
  minimumTeeTcbSvn: ['TDX firmware version', '16 numbers in hex, each of which must be reached.'],
  mrSeam: [
    'TDX module',
    'Digest of Intel’s TDX module. Intel updates it: naming it refuses the next update.',
  ],
  mrSignerSeam: ['Signer of the TDX module', 'All zeros is Intel.'],
  seamAttributes: ['TDX module’s attributes', 'Intel’s documents ask for zeros anyway.'],
};

const enclave: Readonly<Record<string, MemberWords>> = {
  mrEnclave: [
    'Enclave measurement',
    'Digest of the enclave. Naming it ties the policy to your software.',
  ],
  mrSigner: [
    'Enclave signer',
    'Digest of the key that signed the enclave: accepts all that this key signs.',
  ],
  isvProdId: ['Product number', 'The signer’s number for the product.'],
  minimumIsvSvn: ['Enclave version', 'The version that the signer gives it, at least.'],
  configId: ['Configuration id', 'Given to the enclave at launch.'],
  minimumConfigSvn: ['Configuration version', 'At least.'],
  isvExtProdId: ['Extended product id', 'The signer’s long number for the product.'],
  isvFamilyId: ['Family id', 'The signer’s number for a family of products.'],
  reportData: ['Report data', 'What the enclave had signed.'],
  debug: [
    'Debugging by the host',
    'With debug on the host reads and writes the enclave’s memory: nothing is confidential.',
  ],
  attributes: ['Enclave attributes', 'Bits that are on in the mask must be those of the value.'],
  miscSelect: ['MISCSELECT', 'Bits that are on in the mask must be those of the value.'],
};

function under(kind: string, words: Readonly<Record<string, MemberWords>>) {
  return Object.entries(words).map(([name, found]) => [`${kind}.${name}`, found] as const);
}

export const intelMembers: Readonly<Record<string, MemberWords>> = Object.fromEntries([
  ...under('tdx', { ...shared, ...td }),
  ...under('sgx', { ...shared, ...enclave }),
]);
