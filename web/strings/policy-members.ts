/** The members of a policy in plain words: a short title, and what it means to ask for it. Those of Intel’s quotes are in policy-intel.ts. */
import { intelMembers } from './policy-intel.ts';

export type MemberWords = readonly [title: string, means: string];

const own: Readonly<Record<string, MemberWords>> = {
  closureDigest: [
    'System closure',
    'Every file of the operating system, as one digest. Counts only where the software above is named too.',
  ],
  treeRoot: [
    'Service tree',
    'The services on the machine and their keys, as one digest. Keys are new at every boot, so this pins one boot.',
  ],
  devices: [
    'Devices beside the machine',
    'GPUs, TPMs and the like. “none”: there may be none; “any”: nothing is asked of them; or each kind by name.',
  ],
  freshness: [
    'Fresh evidence',
    'verifier-nonce: it must answer a random number that you drew for this very question. any: it may be years old.',
  ],
  channel: [
    'Bound to the connection',
    'What the evidence is tied to, so that nobody can pass on another machine’s: a TLS key, a TLS session, a Noise session.',
  ],
  waivers: [
    'Waivers',
    'Checks that may be left out when nobody can supply what they need. A waiver never turns a failure into a pass.',
  ],
  'references.name': [
    'Release name',
    'What the builders released. They may build other things too.',
  ],
  'references.release': ['Releases', 'Which releases are accepted.'],
  'references.builders': ['Builders', 'Whose signature on a reference file counts, by key.'],
  'references.threshold': ['How many builders', 'So many of them must have signed equal values.'],

  'sevSnp.measurement': [
    'Launch measurement',
    'Digest of what the machine started with. Naming it ties the policy to your software.',
  ],
  'sevSnp.hostData': [
    'Host data',
    'What the host passed in at launch, such as the digest of a configuration.',
  ],
  'sevSnp.familyId': [
    'Family id',
    'Written in the ID block of the launch: which family of images.',
  ],
  'sevSnp.imageId': ['Image id', 'Written in the ID block of the launch: which image.'],
  'sevSnp.idBlock': [
    'Launch keys',
    'Whose key authorised the launch: the ID key itself, or the author who signed for it.',
  ],
  'sevSnp.minimumGuestSvn': ['Image version', 'The version that the image gives itself, at least.'],
  'sevSnp.reportData': [
    'Report data',
    'What the guest had signed. Changes with every nonce: leave it open unless you have no bundle.',
  ],
  'sevSnp.reportId': [
    'Guest instance',
    'New at every launch: naming it accepts this one run of the guest.',
  ],
  'sevSnp.reportIdMa': [
    'Migration agent',
    'Which migration agent belongs to the guest; all ones: none.',
  ],
  'sevSnp.minimumTcb.reported': [
    'Firmware, as reported',
    'The version that the report is signed for. The floor that matters: old firmware has known holes.',
  ],
  'sevSnp.minimumTcb.current': ['Firmware, running now', 'What runs at this moment, at least.'],
  'sevSnp.minimumTcb.committed': [
    'Firmware, committed',
    'What the machine can no longer go back behind, at least.',
  ],
  'sevSnp.minimumTcb.launch': [
    'Firmware at launch',
    'What ran when the guest was started, at least.',
  ],
  'sevSnp.minimumFirmware': [
    'Firmware version',
    'Of the SEV firmware, current and committed alike.',
  ],
  'sevSnp.provisionalFirmware': [
    'Firmware that can be rolled back',
    'Firmware that runs but is not committed: the host could return to an older one.',
  ],
  'sevSnp.mitigations.launch': [
    'Mitigations at launch',
    'Security fixes that must have been on at launch, as bits.',
  ],
  'sevSnp.mitigations.current': ['Mitigations now', 'Security fixes that must be on now, as bits.'],
  'sevSnp.guestPolicy.debug': [
    'Debugging by the host',
    'With debug on the host reads and writes all memory: nothing is confidential.',
  ],
  'sevSnp.guestPolicy.minimumAbi': [
    'Firmware interface',
    'Lowest version of the firmware’s interface that the guest may start under.',
  ],
  'sevSnp.guestPolicy.smt': [
    'Hyperthreading',
    'Two threads of one core share caches: a neighbour may learn from them. This is what the guest allows.',
  ],
  'sevSnp.guestPolicy.migrateMa': [
    'Migration',
    'The guest may be moved to a machine that nobody verified.',
  ],
  'sevSnp.guestPolicy.cxlAllow': ['CXL memory', 'Memory attached over CXL may be used.'],
  'sevSnp.guestPolicy.singleSocket': [
    'One socket only',
    'The guest runs on one processor package and no other.',
  ],
  'sevSnp.guestPolicy.memAes256Xts': [
    'AES-256 for memory',
    'Memory is encrypted with AES-256-XTS, not with 128 bits.',
  ],
  'sevSnp.guestPolicy.raplDis': [
    'Power meter off',
    'RAPL tells the host how much power is drawn, from which secrets can leak.',
  ],
  'sevSnp.guestPolicy.ciphertextHidingDram': [
    'Ciphertext hidden',
    'The host cannot even read encrypted memory.',
  ],
  'sevSnp.guestPolicy.pageSwapDisable': [
    'No page swapping',
    'The host cannot swap the guest’s pages.',
  ],
  'sevSnp.product': [
    'Processor',
    'Generations of AMD EPYC that are accepted. Genoa also covers Bergamo and Siena.',
  ],
  'sevSnp.signingKey': [
    'Kind of signing key',
    'vcek: a key of one chip. vlek: a key of one cloud provider, which names no chip.',
  ],
  'sevSnp.provider': ['Cloud provider', 'Whose VLEK keys are accepted. A VCEK names no provider.'],
  'sevSnp.vmpl': [
    'Privilege level',
    'Who inside the guest asked for the report; 0 is the most privileged.',
  ],
  'sevSnp.platformInfo': [
    'Platform settings',
    'How the host’s firmware is set up, switch by switch.',
  ],
  'sevSnp.chipId': ['Chip', 'This very processor. Name it to accept one machine alone.'],
  'sevSnp.certificateTable.unknownGuids': [
    'Other entries from the host',
    'Entries beyond AMD’s own in the certificate table that the host hands over.',
  ],
  'sevSnp.certificateTable.requiredGuids': [
    'Entries that must be there',
    'In that table, by their GUID.',
  ],

  'tpm.key': [
    'Whose word for the TPM’s key',
    'certificate: its provider’s. trusted: you gave it. hcl: Azure’s paravisor, bound by the hardware’s report.',
  ],
  'tpm.provider': ['TPM’s provider', 'Who certified the key.'],
  'tpm.firmware': ['TPM firmware', 'The version that the TPM’s quote states.'],
  'tpm.pcrs': [
    'Boot measurements (PCRs)',
    'What was measured on the way from firmware to your programs, register by register.',
  ],
  'tpm.eventLog': [
    'Event log',
    'required: a log that replays to these registers comes with the evidence.',
  ],
  'tpm.secureBoot': ['Secure Boot', 'required: the log, or Azure’s paravisor, says that it is on.'],

  'nitro.pcrs': [
    'Measurements (PCRs)',
    'What runs in the enclave or instance, register by register.',
  ],
  'nitro.debug': [
    'Debug mode',
    'In debug mode nothing was measured, and the host reads the console.',
  ],
  'nitro.kind': ['Kind of document', 'Of an enclave, of an instance with NitroTPM, or both.'],
  'nitro.moduleId': ['Instance or enclave', 'This very one. Name it to accept no other.'],
  'nitro.userData': ['User data', 'What the application had signed; none: nothing.'],
  'nitro.publicKey': ['Public key', 'A key that the application had signed; none: no key.'],
};

export const memberWords: Readonly<Record<string, MemberWords>> = { ...own, ...intelMembers };
