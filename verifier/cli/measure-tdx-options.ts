/** What `affidavit measure tdx` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';

export function measureTdxOptions(command: Argv) {
  return command
    .options({
      tdvf: {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'firmware with TDX metadata, the whole flash as QEMU takes it with -bios',
      },
      kernel: { type: 'string', requiresArg: true, describe: 'kernel, as QEMU’s -kernel' },
      initrd: { type: 'string', requiresArg: true, describe: 'initrd, as QEMU’s -initrd' },
      append: { type: 'string', requiresArg: true, describe: 'command line, as QEMU’s -append' },
      uki: { type: 'string', requiresArg: true, describe: 'unified kernel image for -kernel' },
      memory: { type: 'string', requiresArg: true, describe: 'memory, as QEMU’s -m: 2G, 512M' },
      'acpi-tables': {
        type: 'string',
        requiresArg: true,
        describe: 'fw_cfg’s etc/acpi/tables of the same machine',
      },
      'acpi-rsdp': {
        type: 'string',
        requiresArg: true,
        describe: 'fw_cfg’s etc/acpi/rsdp',
      },
      'acpi-loader': {
        type: 'string',
        requiresArg: true,
        describe: 'fw_cfg’s etc/table-loader',
      },
      'smbios-digest': {
        type: 'string',
        requiresArg: true,
        describe: 'SHA-384 of the SMBIOS event, hex, from a log (edk2-202505)',
      },
      'efi-variable': {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'SecureBoot, PK, KEK, db or dbx =FILE, where not empty',
      },
      'boot-order': {
        type: 'string',
        requiresArg: true,
        describe: 'BootOrder: numbers of Boot####, such as 0001,0000',
      },
      'boot-option': {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'contents of one Boot####: 0001=FILE',
      },
      profile: {
        choices: ['edk2-202402', 'edk2-202502', 'edk2-202505'] as const,
        default: 'edk2-202502' as const,
        requiresArg: true,
        describe: 'generation of the firmware: which events there are',
      },
      'page-add-order': {
        choices: ['single-pass', 'two-pass'] as const,
        default: 'single-pass' as const,
        requiresArg: true,
        describe: 'how the host adds pages; two-pass: Ubuntu 24.04’s TDX preview',
      },
      'kernel-header': {
        choices: ['patched', 'as-is'] as const,
        requiresArg: true,
        describe: 'whether QEMU changes the kernel’s header (until 10.1); default by profile',
      },
      'stub-events': {
        choices: ['all', 'none'] as const,
        default: 'all' as const,
        requiresArg: true,
        describe: 'none: a kernel before Linux 6.9, which measures no command line and initrd',
      },
      events: {
        type: 'string',
        requiresArg: true,
        describe: 'event log of a boot (CCEL) to replay and to compare with',
      },
      format: {
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        requiresArg: true,
        describe: 'output format',
      },
    })
    .example('$0 measure tdx --tdvf OVMF.fd', 'MRTD, and what the others need')
    .example(
      '$0 measure tdx --tdvf OVMF.fd --memory 2G --kernel vmlinuz --initrd initrd --append console=hvc0 --events ccel.bin',
      'all registers, and the first event in which a boot differs',
    )
    .epilogue(
      'Exit codes: 0 measured, 10 the log differs from the build, 20 malformed input, 2 wrong usage, 1 fault.',
    );
}
