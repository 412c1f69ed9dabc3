/** How kernel, initrd and command line come in, and what else the firmware and the stub hand over. */
import { isOff, lastOf, parseParameters, show } from '../command-line.ts';
import type { GuestDescription } from '../description.ts';
import { hitIf, type Rule } from '../rule.ts';

const at = 'boot.parameters';
const parametersOf = ({ boot }: GuestDescription) => parseParameters(boot.parameters);

export const bootRules = [
  {
    id: 'launch-unmeasured',
    severity: 'error',
    title: 'nothing ties kernel, initrd and command line to the evidence',
    why: 'The measurement is then one of the firmware alone, and the host starts what it likes under it.',
    close:
      'Start the guest with its hashes in the measured firmware (QEMU: -kernel with kernel-hashes=on), with firmware that measures what it starts into the RTMRs (TDX), or with Secure Boot in measured firmware; then say so in affidavit.lint.launch.',
    spec: 'QEMU documentation, “AMD Secure Encrypted Virtualization”, kernel-hashes; Intel TDX Virtual Firmware Design Guide, “Measurement”',
    find: ({ boot }) =>
      hitIf(boot.launch === 'host', 'boot.launch', 'the host chooses what is started'),
  },
  {
    id: 'launch-in-vtpm',
    severity: 'warning',
    title: 'what was started is in the PCRs of a vTPM, which the evidence does not hold',
    why: 'A report or quote names the firmware or paravisor; a verifier that sees nothing else accepts any kernel under it.',
    close:
      'Ask for a quote of the vTPM too and check PCRs 4, 9, 11 and 12, or use a launch that the report covers.',
    spec: 'systemd-stub(7), “TPM PCR Notes”; UAPI Group, Linux TPM PCR Registry',
    find: ({ boot }) => hitIf(boot.launch === 'vtpm', 'boot.launch', 'measured into a vTPM alone'),
  },
  {
    id: 'command-line-from-host',
    severity: 'error',
    title: 'the kernel command line is not part of the signed image',
    why: 'Secure Boot signs files. A boot loader’s entry or the firmware’s load options lie on a disk of the host: init=, systemd.run= or a mask of any unit can be written there.',
    close: 'Build a unified kernel image (boot.uki, or image.repart.verityStore): one signed file.',
    spec: 'UAPI.5 Unified Kernel Image; systemd-stub(7), “Description”, .cmdline',
    find: ({ boot }) =>
      hitIf(
        boot.uki === false && (boot.launch === 'secure-boot' || boot.launch === 'vtpm'),
        'boot.uki',
        'kernel, initrd and command line are files of their own',
      ),
  },
  {
    id: 'stub-companions',
    severity: 'warning',
    title: 'systemd-stub takes add-ons, credentials and extensions from the ESP',
    why: 'An add-on that any key in db signed appends to the command line, and its last word counts; *.cred and *.raw files are packed into the initrd as they are. The stub measures them into PCRs 12 and 13, which a report does not show.',
    close:
      'Start the image from memory (kernel-hashes: there is no ESP), or keep a db with your key alone and never sign an add-on.',
    spec: 'systemd-stub(7), “Companion Files”',
    find: ({ boot }) =>
      hitIf(
        boot.launch === 'secure-boot' && boot.uki === true,
        'boot.launch',
        'the image is started from an ESP',
      ),
  },
  {
    id: 'credentials-imported',
    severity: 'warning',
    title: 'systemd imports credentials that the host sets',
    why: 'Credentials add users, keys, mounts, units and tmpfiles lines (tmpfiles.extra, fstab.extra, ssh.authorized_keys.root). They come by SMBIOS type 11 strings, by fw_cfg and from the ESP. systemd ignores the first two where it sees a confidential machine, newer releases not under TDX; the ESP’s are imported always.',
    close: 'Add systemd.import_credentials=no to the kernel parameters; nothing later may undo it.',
    spec: 'systemd(1), “Kernel command line”; systemd.system-credentials(7); smbios-type-11(7); systemd issue 27604, pull request 42835',
    find: (description) => {
      const names = ['systemd.import_credentials', 'rd.systemd.import_credentials'];
      const all = parametersOf(description).filter(({ name }) => names.includes(name));
      const bad = all.find((parameter) => !isOff(parameter));
      if (bad !== undefined) return [{ at, what: show(bad) }];
      const said = lastOf(all, 'systemd.import_credentials');
      return hitIf(said === undefined, at, 'no systemd.import_credentials=no');
    },
  },
  {
    id: 'firmware-variables',
    severity: 'note',
    title: 'firmware variables come from the host, and systemd reads some',
    why: 'SystemdOptions is read as a second command line for systemd, without Secure Boot; LoaderEntry… and HibernateLocation steer the boot.',
    close:
      'Use firmware whose variable store is part of what is measured, or that has none (OVMF’s builds for SEV), or turn Secure Boot on.',
    spec: 'kernel-command-line(7), SystemdOptions; systemd-hibernate-resume-generator(8)',
    find: ({ boot }) =>
      hitIf(boot.launch === 'rtmr', 'boot.launch', 'Secure Boot is not what starts the image'),
  },
  {
    id: 'acpi-from-host',
    severity: 'note',
    title: 'ACPI tables and their code come from the host',
    why: 'The kernel runs AML with access to all memory: a hostile table can write to the kernel. SEV-SNP measures no table. TDX firmware extends RTMR0 by those that it is given.',
    close:
      'Compare RTMR0 (TDX); use a kernel whose AML interpreter is confined to shared memory, or firmware that brings its own tables. Else the risk stays.',
    spec: 'Linux, Documentation/security/snp-tdx-threat-model.rst; ACPI Specification, “ACPI Machine Language”; Intel TDX Virtual Firmware Design Guide, “TD Measurement”',
    find: (description) => {
      if (isOff(lastOf(parametersOf(description), 'acpi'))) return [];
      const what =
        description.tee === 'tdx' ? 'RTMR0 holds the tables: compare it' : 'no measurement of them';
      return [{ at: 'tee', what }];
    },
  },
  {
    id: 'acpi-override',
    severity: 'error',
    title: 'a kernel parameter takes ACPI tables from another place',
    why: 'acpi_rsdp= and efivar_ssdt= name tables in memory or firmware variables that the host fills: code with access to all memory.',
    close: 'Remove the parameter.',
    spec: 'Linux, kernel-parameters: acpi_rsdp=; admin-guide/acpi/ssdt-overlays, “Loading ACPI SSDTs from EFI variables”',
    find: (description) =>
      parametersOf(description)
        .filter(({ name }) => name === 'acpi_rsdp' || name === 'efivar_ssdt')
        .map((parameter) => ({ at, what: show(parameter) })),
  },
] as const satisfies readonly Rule[];
