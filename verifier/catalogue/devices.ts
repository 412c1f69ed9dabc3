/** Checks of what stands beside or in place of a CPU's evidence: TPMs, event logs, AWS Nitro, NVIDIA's devices. */
import {
  type CheckEntry,
  hclSpec,
  inBundle,
  nitroSpec,
  onGpu,
  onNitro,
  onTpm,
  pfpSpec,
  type Subject,
  spdmSpec,
  tpmSpec,
  withEventLog,
} from './entry.ts';

const onHcl = ({ form }: Subject): boolean => form === 'hcl';
const onHclOfTdx = ({ form, tee }: Subject): boolean => form === 'hcl' && tee === 'tdx';
const certified = ({ ak }: Subject): boolean => ak === 'certificate';
/** Bare evidence of a device or TPM answers a nonce itself; in a bundle each device answers one of its own. */
const answersNonce = ({ form, challenged, ak }: Subject): boolean =>
  challenged &&
  (form === 'tpm-quote' || form === 'nitro' || form === 'gpu' || (form === 'hcl' && ak !== null));
const hasDevices = (subject: Subject): boolean =>
  inBundle(subject) && (subject.ak !== null || subject.gpu || subject.nitroTpm);

export const deviceParseChecks = {
  'parse.hcl': {
    stage: 'parse',
    title: 'the HCL report follows its format exactly',
    protects: 'Against reading a hardware report or claims at places where they are not.',
    remedy: 'Read NV index 0x01400001 of the guest’s vTPM again and pass it whole (docs/azure.md).',
    spec: hclSpec,
    appliesTo: onHcl,
  },
  'parse.tpm-quote': {
    stage: 'parse',
    title: 'the TPM’s quotes, signatures and PCR values follow their formats exactly',
    protects: 'Against another structure that a TPM signs passing for a quote.',
    remedy:
      'Pass what TPM2_Quote returned (TPMS_ATTEST and the signature) and the values of just the quoted PCRs.',
    spec: `${tpmSpec}, TPMS_ATTEST and TPMT_SIGNATURE`,
    appliesTo: onTpm,
  },
  'parse.event-log': {
    stage: 'parse',
    title: 'the event log follows its format exactly',
    protects: 'Against events that one reader sees and another does not.',
    remedy: 'Pass the log as the kernel shows it (binary_bios_measurements, or CCEL), unedited.',
    spec: `${pfpSpec}, 10`,
    appliesTo: withEventLog,
  },
  'parse.nitro': {
    stage: 'parse',
    title: 'the Nitro document follows its format exactly',
    protects: 'Against two readers seeing two documents in the same bytes.',
    remedy: 'Pass the bytes that the Nitro Security Module or NitroTPM returned, whole.',
    spec: `${nitroSpec}, 2 and 3`,
    appliesTo: onNitro,
  },
  'parse.gpu': {
    stage: 'parse',
    title: 'the reports of GPUs and switches follow their format exactly',
    protects: 'Against measurements read at places where they are not.',
    remedy: 'Collect the evidence again with NVIDIA’s library and pass it unedited.',
    spec: `${spdmSpec}, GET_MEASUREMENTS and MEASUREMENTS`,
    appliesTo: onGpu,
  },
} as const satisfies Record<string, CheckEntry>;

export const deviceChainChecks = {
  'chain.ak-certificates': {
    stage: 'chain',
    title: 'the attestation key’s certificates are of their profiles and follow one another',
    protects: 'Against a certificate of another kind standing in for an attestation key’s.',
    remedy: 'Pass the AK’s certificate first, then each issuer up to the root (--ak-chain).',
    spec: 'TCG EK Credential Profile; RFC 5280, 6.1',
    appliesTo: certified,
  },
  'chain.ak-root-pinned': {
    stage: 'chain',
    title: 'the attestation key’s root is one pinned for a provider of TPMs',
    protects: 'Against a software TPM with a home-made chain.',
    remedy:
      'Pass the provider’s own chain; if you trust this very key, hand it over with --ak instead.',
    spec: 'docs/verification.md, roots of devices',
    appliesTo: certified,
  },
  'chain.ak-validity': {
    stage: 'chain',
    title: 'the attestation key’s certificates are valid at the stated time',
    protects: 'Against keys that their provider no longer vouches for.',
    remedy: 'Read the AK certificate again, or verify for the time of the evidence with --at.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: certified,
  },
  'chain.ak-signatures': {
    stage: 'chain',
    title: 'each of the attestation key’s certificates is signed by the next',
    protects: 'Against an attestation key that no provider certified.',
    remedy: 'Pass the certificates that belong together; one of them was exchanged or edited.',
    spec: 'RFC 5280, 6.1.3',
    appliesTo: certified,
  },
  'chain.nitro-certificates': {
    stage: 'chain',
    title: 'the document’s certificates are of their profiles and follow one another',
    protects: 'Against a certificate of another kind standing in for the module’s.',
    remedy: 'Ask the module for a new document; its cabundle is not what AWS issues.',
    spec: `${nitroSpec}, 3.2.3`,
    appliesTo: onNitro,
  },
  'chain.nitro-root-pinned': {
    stage: 'chain',
    title: 'the document’s root is the one pinned for AWS Nitro',
    protects: 'Against a document that anybody made.',
    remedy: 'A document of genuine Nitro hardware carries AWS’s root: do not believe this one.',
    spec: `${nitroSpec}, 3.2.3`,
    appliesTo: onNitro,
  },
  'chain.nitro-validity': {
    stage: 'chain',
    title: 'the document’s certificates are valid at the stated time',
    protects: 'Against old documents: a module’s certificate lives for hours.',
    remedy: 'Ask for a new document, or verify for the time it was made with --at.',
    spec: `${nitroSpec}, 3.2.3.1`,
    appliesTo: onNitro,
  },
  'chain.nitro-signatures': {
    stage: 'chain',
    title: 'each of the document’s certificates is signed by its issuer',
    protects: 'Against a module’s key that AWS did not certify.',
    remedy: 'Ask for a new document; this one’s certificates do not belong together.',
    spec: 'RFC 5280, 6.1.3',
    appliesTo: onNitro,
  },
  'chain.gpu-certificates': {
    stage: 'chain',
    title: 'each device’s certificates are of their profiles and follow one another',
    protects: 'Against a certificate of another kind standing in for a device’s.',
    remedy: 'Pass each device’s own chain, its attestation key first, the root last.',
    spec: 'RFC 5280, 6.1; TCG DICE Attestation Architecture 1.1',
    appliesTo: onGpu,
  },
  'chain.gpu-root-pinned': {
    stage: 'chain',
    title: 'each device’s root is the one pinned for NVIDIA',
    protects: 'Against a device in software, with a home-made chain.',
    remedy: 'A genuine device’s chain ends in NVIDIA Device Identity CA: do not believe this one.',
    spec: 'docs/verification.md, roots of devices',
    appliesTo: onGpu,
  },
  'chain.gpu-validity': {
    stage: 'chain',
    title: 'each device’s certificates are valid at the stated time',
    protects: 'Against keys that NVIDIA does not vouch for at that time.',
    remedy: 'Verify for a time at which the certificates hold (--at); look at the clock.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onGpu,
  },
  'chain.gpu-signatures': {
    stage: 'chain',
    title: 'each of a device’s certificates is signed by the next',
    protects: 'Against a device key that NVIDIA did not certify.',
    remedy: 'Collect the evidence again; its certificates do not belong together.',
    spec: 'RFC 5280, 6.1.3',
    appliesTo: onGpu,
  },
} as const satisfies Record<string, CheckEntry>;

export const deviceCollateralChecks = {
  'collateral.gpu-revocation': {
    stage: 'collateral',
    title: 'no certificate between a device and its root is revoked or on hold',
    protects: 'Against devices whose keys got out, or that NVIDIA withdrew.',
    remedy:
      'Pass NVIDIA’s current OCSP answers with --ocsp; a policy may waive this where none is to be had.',
    spec: 'RFC 6960, 2.2 and 4.2',
    appliesTo: onGpu,
  },
  'collateral.rim-signature': {
    stage: 'collateral',
    title: 'the reference manifests are signed by NVIDIA',
    protects: 'Against reference values that fit because the attacker wrote them.',
    remedy: 'Fetch the manifests (RIM files) again from NVIDIA and pass them with --rim.',
    spec: 'W3C XML Signature 1.1; TCG RIM Information Model 1.01',
    appliesTo: onGpu,
  },
  'collateral.rim-validity': {
    stage: 'collateral',
    title: 'who signed the reference manifests could do so at the stated time',
    protects: 'Against manifests signed with a key that has expired.',
    remedy: 'Fetch the manifests again: NVIDIA signs them anew before the signer expires.',
    spec: 'RFC 5280, 4.1.2.5',
    appliesTo: onGpu,
  },
  'collateral.gpu-driver': {
    stage: 'collateral',
    title: 'each GPU’s measurements are those of its driver’s reference manifest',
    protects: 'Against a changed driver or firmware that the driver loads.',
    remedy:
      'Pass the manifest of the very driver version with --rim; a value that differs is of other software.',
    spec: 'TCG RIM Information Model 1.01; docs/nvidia.md',
    appliesTo: onGpu,
  },
  'collateral.gpu-firmware': {
    stage: 'collateral',
    title: 'each device’s measurements are those of its firmware’s reference manifest',
    protects: 'Against changed firmware (VBIOS) on the device.',
    remedy:
      'Pass the manifest of the very firmware version with --rim; a value that differs is of other firmware.',
    spec: 'TCG RIM Information Model 1.01; docs/nvidia.md',
    appliesTo: onGpu,
  },
} as const satisfies Record<string, CheckEntry>;

export const deviceEvidenceChecks = {
  'evidence.hcl-runtime-data': {
    stage: 'evidence',
    title: 'the hardware’s report binds the runtime claims',
    protects:
      'Against another vTPM’s key beside a genuine hardware report, and claims that a guest had signed at its own VMPL.',
    remedy: 'Read the HCL report again: its claims were exchanged or edited.',
    spec: `${hclSpec}, report data`,
    appliesTo: onHcl,
  },
  'evidence.hcl-quote': {
    stage: 'evidence',
    title: 'the TD quote is of the TD that the HCL report is of',
    protects: 'Against a genuine quote of another TD.',
    remedy: 'Have the quote made from this HCL report’s own TDREPORT.',
    spec: `${hclSpec}; Intel TDX Module ABI, REPORTDATA`,
    appliesTo: onHclOfTdx,
  },
  'evidence.ak-key': {
    stage: 'evidence',
    title: 'the attestation key is the one that is vouched for',
    protects: 'Against quotes by a key of the attacker beside a genuine key’s papers.',
    remedy: 'Pass the certificate or key of the TPM that made the quote.',
    spec: `${tpmSpec}, TPMT_PUBLIC; ${hclSpec}, HCLAkPub`,
    appliesTo: onTpm,
  },
  'evidence.tpm-signature': {
    stage: 'evidence',
    title: 'each quote is signed by the attestation key',
    protects: 'Against every edited quote.',
    remedy: 'Have the TPM quote again; the quote was changed, or is another TPM’s.',
    spec: `${tpmSpec}, TPMT_SIGNATURE`,
    appliesTo: onTpm,
  },
  'evidence.pcr-digest': {
    stage: 'evidence',
    title: 'the PCR values are those that were quoted',
    protects: 'Against edited PCR values beside a genuine quote.',
    remedy: 'Read PCRs and quote again, together: a PCR may have been extended in between.',
    spec: `${tpmSpec}, TPMS_QUOTE_INFO`,
    appliesTo: onTpm,
  },
  'evidence.event-log': {
    stage: 'evidence',
    title: 'the event log replays to the registers that were quoted',
    protects: 'Against a log that tells of another boot than the one measured.',
    remedy:
      'Read the log again after the quote; affidavit replay names the first event that differs.',
    spec: `${pfpSpec}, 2.2 and 10; Intel TDX Module Base Architecture, RTMR`,
    appliesTo: withEventLog,
  },
  'evidence.nitro-signature': {
    stage: 'evidence',
    title: 'the Nitro document is signed by its module’s key',
    protects: 'Against every edited document.',
    remedy: 'Ask for a new document: this one was changed after it was signed.',
    spec: `${nitroSpec}, 3.2.4; RFC 9052, 4.4`,
    appliesTo: onNitro,
  },
  'evidence.gpu-signature': {
    stage: 'evidence',
    title: 'each device’s report is signed by its attestation key',
    protects: 'Against every edited report.',
    remedy: 'Collect the evidence again: a report was changed, or is another device’s.',
    spec: `${spdmSpec}, MEASUREMENTS, Signature`,
    appliesTo: onGpu,
  },
  'evidence.gpu-identity': {
    stage: 'evidence',
    title: 'each report is of the very device that its certificate names, and no two of one',
    protects: 'Against one device’s report under another’s certificate, or counted twice.',
    remedy: 'Pass for each device its own report and its own certificates, once.',
    spec: 'TCG DICE Attestation Architecture 1.1, TcbInfo; docs/nvidia.md',
    appliesTo: onGpu,
  },
} as const satisfies Record<string, CheckEntry>;

export const deviceBindingChecks = {
  'binding.quote-nonce': {
    stage: 'binding',
    title: 'the evidence answers the nonce that this verifier drew',
    protects: 'Against replay of older evidence.',
    remedy: 'Collect evidence for your nonce; if this was your own nonce, it is a recording.',
    spec: `${tpmSpec}, TPMS_ATTEST, extraData; ${spdmSpec}, Nonce; ${nitroSpec}, nonce`,
    appliesTo: answersNonce,
  },
  'binding.device-nonces': {
    stage: 'binding',
    title: 'each device answers the nonce made for it from the machine’s own',
    protects: 'Against evidence of devices that are in another machine, or were here before.',
    remedy: 'Fetch the bundle again; if it persists, a device answers for somebody else.',
    spec: 'affidavit protocol 1, device nonce',
    appliesTo: hasDevices,
  },
} as const satisfies Record<string, CheckEntry>;

export const devicePolicyChecks = {
  'policy.tpm-key': {
    stage: 'policy',
    title: 'the attestation key is vouched for as the policy asks',
    protects: 'Your choice of who may say that a TPM is genuine.',
    remedy: 'Name the kinds and providers that you accept in tpm.key and tpm.provider.',
    spec: 'docs/policy.md, tpm',
    appliesTo: onTpm,
  },
  'policy.tpm-firmware': {
    stage: 'policy',
    title: 'the TPM’s firmware is one that the policy names',
    protects: 'Against a TPM with firmware that you do not accept.',
    remedy: 'Compare with the firmware version that your provider’s machines show.',
    spec: `${tpmSpec}, TPMS_ATTEST, firmwareVersion`,
    appliesTo: onTpm,
  },
  'policy.pcrs': {
    stage: 'policy',
    title: 'the PCRs are values, or made of events, that the policy names',
    protects: 'The firmware, boot loader, kernel and settings that were measured.',
    remedy: 'Compare with the PCRs of your image; affidavit replay shows what made each.',
    spec: 'docs/policy.md, tpm.pcrs',
    appliesTo: onTpm,
  },
  'policy.event-log': {
    stage: 'policy',
    title: 'the event log is there if the policy asks for it',
    protects: 'Against registers whose making nobody can tell.',
    remedy: 'Pass the event log with --event-log, or have the agent serve it.',
    spec: 'docs/policy.md, eventLog and events',
    appliesTo: (subject) => onTpm(subject) || (withEventLog(subject) && subject.tee === 'tdx'),
  },
  'policy.secure-boot': {
    stage: 'policy',
    title: 'Secure Boot is on if the policy asks for it',
    protects: 'Against boot loaders and kernels that nobody signed.',
    remedy: 'Turn Secure Boot on in the guest’s firmware, or name the PCRs instead.',
    spec: 'docs/policy.md, tpm.secureBoot; UEFI 2.10, 32',
    appliesTo: onTpm,
  },
  'policy.gpu-architecture': {
    stage: 'policy',
    title: 'each device is of an architecture that the policy names',
    protects: 'Your choice of hardware.',
    remedy: 'Name the architectures that you accept in devices.nvidia.architectures.',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.gpu-driver': {
    stage: 'policy',
    title: 'each GPU’s driver is at least the policy’s floor',
    protects: 'Against drivers with known holes.',
    remedy: 'Update the driver in the guest’s image.',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.gpu-firmware': {
    stage: 'policy',
    title: 'each device’s firmware is at least the policy’s floor',
    protects: 'Against firmware with known holes.',
    remedy: 'Have the host update the device’s firmware (VBIOS).',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.gpu-confidential-mode': {
    stage: 'policy',
    title: 'each GPU is in confidential mode if the policy asks for it',
    protects: 'Against a GPU whose memory the host can read.',
    remedy:
      'Have the host turn confidential computing on, and pass the manifests (--rim): without them nobody can tell production from development mode.',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.gpu-references': {
    stage: 'policy',
    title: 'each device’s measurements were compared if the policy asks for it',
    protects: 'Against genuine devices with software that nobody compared.',
    remedy: 'Pass the manifests of the very driver and firmware versions with --rim.',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.gpu-count': {
    stage: 'policy',
    title: 'there are as many GPUs and switches as the policy asks for',
    protects: 'Against devices left out, or added.',
    remedy: 'Name the numbers in devices.nvidia.gpus and devices.nvidia.switches.',
    spec: 'docs/policy.md, devices.nvidia',
    appliesTo: onGpu,
  },
  'policy.nitro-debug': {
    stage: 'policy',
    title: 'the enclave does not run in debug mode',
    protects: 'Against an enclave whose console and state the host reads: its PCRs are zero.',
    remedy: 'Start the enclave without --debug-mode.',
    spec: 'docs/policy.md, nitro; AWS Nitro Enclaves, debug mode',
    appliesTo: onNitro,
  },
  'policy.nitro-pcrs': {
    stage: 'policy',
    title: 'the document’s PCRs are values that the policy names',
    protects: 'The image, kernel and application that were measured.',
    remedy: 'Compare with the PCRs that nitro-cli build-enclave or your image build printed.',
    spec: 'docs/policy.md, nitro.pcrs',
    appliesTo: onNitro,
  },
  'policy.nitro-module': {
    stage: 'policy',
    title: 'the document is of a kind and module that the policy names',
    protects: 'Your choice of instance or enclave.',
    remedy: 'Compare with the instance and enclave id of your launch.',
    spec: 'docs/policy.md, nitro.moduleId',
    appliesTo: onNitro,
  },
  'policy.nitro-user-data': {
    stage: 'policy',
    title: 'the document’s user data is a value that the policy names',
    protects: 'What your application said of itself.',
    remedy: 'Compare with what your application puts there.',
    spec: 'docs/policy.md, nitro.userData',
    appliesTo: onNitro,
  },
  'policy.nitro-public-key': {
    stage: 'policy',
    title: 'the document’s public key is one that the policy names',
    protects: 'Which key you may encrypt to.',
    remedy: 'Compare with the key that your application made.',
    spec: 'docs/policy.md, nitro.publicKey',
    appliesTo: onNitro,
  },
} as const satisfies Record<string, CheckEntry>;
