/**
 * The setup header of a Linux kernel as QEMU changes it before the firmware measures the image (QEMU hw/i386/x86-common.c,
 * x86_load_linux; Linux Documentation/arch/x86/boot.rst). It depends on the initrd's length and on the machine's memory.
 * QEMU 10.1, the first release with TDX, leaves the header of a confidential guest as it is; the forks before it change it.
 */
import { type Bytes, Reader, Writer } from '../../bytes.ts';
import { AttestationError } from '../../errors.ts';
import { memoryBelow4G } from './hob.ts';

/** Memory that q35 keeps for ACPI tables below 4 GiB: 0x20000 for the tables and 0x8000 more. */
const acpiDataSize = 0x28000;
const oldestProtocol = 0x20c;
const realModeAt = 0x10000;
const commandLineAt = 0x20000;

/**
 * @param initrdLength null where there is no initrd; @param memory bytes, which count with an initrd alone
 * @throws AttestationError `form-unknown` for what is no bzImage, `version-unknown` for a kernel before Linux 3.8,
 *   `value-out-of-range` for an initrd that does not fit, or a `vga=` that QEMU would write into the header;
 *   RangeError without the memory's size
 */
export function patchedKernel(
  kernel: Bytes,
  initrdLength: number | null,
  memory: number | null,
  append: string,
): Bytes {
  const protocol = bootProtocol(kernel);
  // QEMU looks for it anywhere in the line.
  if (append.includes('vga=')) {
    throw new AttestationError(
      'value-out-of-range',
      'the command line has vga=, which QEMU writes into the kernel: that is not computed',
    );
  }
  const loadFlags = kernel[0x211] as number;
  if (protocol < oldestProtocol || (loadFlags & 1) === 0) {
    throw new AttestationError(
      'version-unknown',
      `the kernel speaks boot protocol ${protocol >> 8}.${protocol & 0xff}, known is 2.12 and later`,
    );
  }
  const patched = Uint8Array.from(kernel);
  const put = (at: number, value: number, length: 2 | 4) => {
    const writer = new Writer(length);
    patched.set((length === 2 ? writer.u16le(value) : writer.u32le(value)).finish(), at);
  };
  patched[0x210] = 0xb0;
  patched[0x211] = loadFlags | 0x80;
  put(0x224, commandLineAt - realModeAt - 0x200, 2);
  put(0x228, commandLineAt, 4);
  if (initrdLength !== null) {
    if (memory === null) throw new RangeError('the place of an initrd needs the size of memory');
    put(0x218, initrdAddress(kernel, initrdLength, memory), 4);
    put(0x21c, initrdLength, 4);
  }
  return patched;
}

/** @throws AttestationError `form-unknown`, `length-wrong` for what is no bzImage */
export function bootProtocol(kernel: Bytes): number {
  if (kernel.length < 0x1000) {
    throw new AttestationError('length-wrong', `a kernel of ${kernel.length} bytes is none`);
  }
  const reader = new Reader(kernel.subarray(0x202), 'kernel');
  if (reader.u32le('magic') !== 0x53726448) {
    throw new AttestationError(
      'form-unknown',
      'the kernel has no Linux setup header (bzImage): a unified kernel image goes with --uki',
    );
  }
  return reader.u16le('protocol');
}

/** The highest page-aligned place below `limit` that holds it. */
function initrdAddress(kernel: Bytes, length: number, memory: number): number {
  // XLF_CAN_BE_LOADED_ABOVE_4G: then QEMU takes no heed of initrd_addr_max.
  const anywhere = ((kernel[0x236] as number) & 2) !== 0;
  const stated = anywhere
    ? 0xffffffff
    : new Reader(kernel.subarray(0x22c), 'kernel').u32le('initrd_addr_max');
  const room = memoryBelow4G(memory) - acpiDataSize;
  const limit = stated >= room ? room - 1 : stated;
  if (length >= limit) {
    throw new AttestationError(
      'value-out-of-range',
      `an initrd of ${length} bytes does not fit ${memory} bytes of memory`,
    );
  }
  return Math.floor((limit - length) / 4096) * 4096;
}
