/** A boot by QEMU's -kernel with all that can be given, to be changed one input at a time. */
import { utf8 } from '#verifier/bytes.ts';
import type { TdxInput } from '#verifier/measure/tdx/measure.ts';
import { counting, makeFlash, makeKernel } from './images.ts';

export const file = (text: string) => utf8(text);
export const kernel = makeKernel();
export const initrd = counting(5000);
export const base: TdxInput = {
  firmware: makeFlash(),
  pageAddOrder: 'single-pass',
  profile: 'edk2-202502',
  memory: 2 ** 31,
  acpi: { loader: file('loader'), rsdp: file('rsdp'), tables: file('tables') },
  smbiosDigest: null,
  variables: new Map(),
  bootOrder: null,
  bootOptions: new Map(),
  boot: { kind: 'kernel', kernel, initrd, append: 'console=hvc0' },
  kernelHeader: null,
  stubEvents: true,
  log: null,
};
