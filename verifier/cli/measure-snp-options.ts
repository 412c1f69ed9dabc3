/** What `affidavit measure snp` takes, as yargs reads it. Nothing is loaded here but yargs' types. */
import type { Argv } from 'yargs';
import { file, needed } from './option-parts.ts';

export function measureSnpOptions(command: Argv) {
  return command
    .options({
      ovmf: needed('firmware: the flash image, code and variables in one'),
      kernel: file('kernel that QEMU boots directly (with kernel-hashes=on)'),
      initrd: file('with --kernel: its initrd'),
      append: file('with --kernel: its command line'),
      vcpus: {
        type: 'number',
        demandOption: true,
        requiresArg: true,
        describe: 'number of virtual processors',
      },
      'vcpu-type': file('model of the processors as QEMU’s -cpu takes it, such as EPYC-v4'),
      'vcpu-sig': file('in place of --vcpu-type: CPUID leaf 1, EAX, such as 0x800f12'),
      'vcpu-family': {
        type: 'number',
        requiresArg: true,
        describe: 'in place of --vcpu-type, with --vcpu-model and --vcpu-stepping',
      },
      'vcpu-model': { type: 'number', requiresArg: true, describe: 'see --vcpu-family' },
      'vcpu-stepping': { type: 'number', requiresArg: true, describe: 'see --vcpu-family' },
      vmm: {
        choices: ['qemu', 'qemu-fpu-0', 'ec2', 'ec2-rdx-0', 'gce'] as const,
        default: 'qemu' as const,
        requiresArg: true,
        describe: 'what starts the guest (docs/measure-snp.md)',
      },
      'guest-features': {
        type: 'string',
        default: '0x1',
        requiresArg: true,
        describe: 'SEV_FEATURES of the processors’ initial state; 0x21 with debug swap',
      },
      svsm: file('Coconut SVSM that QEMU puts below the firmware'),
      'vars-file': file('with --svsm: the variable store, for its size'),
      'vars-size': {
        type: 'number',
        requiresArg: true,
        describe: 'with --svsm, in place of --vars-file: bytes of the variable store',
      },
      'ovmf-hash': file(
        'digest after the firmware’s pages (96 hex digits), taken for them; --ovmf gives the tables alone',
      ),
      'dump-vmsa': file('folder for the processors’ initial states, vmsa0.bin and so on'),
      format: {
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        requiresArg: true,
        describe: 'output format',
      },
    })
    .example(
      '$0 measure snp --ovmf OVMF.amdsev.fd --kernel vmlinuz --initrd initrd --append "console=ttyS0" --vcpus 4 --vcpu-type EPYC-v4',
      'the MEASUREMENT of a guest that QEMU boots directly',
    )
    .example('$0 measure snp --ovmf uefi.bin --vcpus 2 --vmm ec2', 'of a guest on EC2')
    .epilogue(
      'Exit codes: 0 measured, 20 firmware that cannot be measured, 2 wrong usage, 1 fault.',
    );
}
