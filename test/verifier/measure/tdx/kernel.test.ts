import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Bytes, Reader } from '#verifier/bytes.ts';
import { patchedKernel } from '#verifier/measure/tdx/kernel.ts';
import { codeOf } from '../../code-of.ts';
import { makeKernel } from './images.ts';

const mebibyte = 2 ** 20;
const initrd = 0x100000;
const u32 = (bytes: Bytes, at: number) => new Reader(bytes.subarray(at), 'kernel').u32le('value');
const placed = (memory: number, kernel = makeKernel()) =>
  u32(patchedKernel(kernel, initrd, memory, ''), 0x218);

describe('the setup header as QEMU changes it', () => {
  test('type of loader, flags, heap and command line, and nothing else', () => {
    const kernel = makeKernel();
    const patched = patchedKernel(kernel, null, null, 'console=hvc0');
    const changed = [...patched.keys()].filter((at) => patched[at] !== kernel[at]);
    expect(changed).toEqual([0x210, 0x211, 0x225, 0x22a]);
    expect([patched[0x210], patched[0x211]]).toEqual([0xb0, 0x81]);
    expect([u32(patched, 0x224), u32(patched, 0x228)]).toEqual([0xfe00, 0x20000]);
  });

  // below 4 GiB (all of it under 2816 MiB, else 2 GiB) - 0x28000 for ACPI - 1 - the initrd, down to a page
  test.each([
    [1024, 0x3fed7000],
    [2048, 0x7fed7000],
    [2815, 0xafdd7000],
    [2816, 0x7fed7000],
    [65536, 0x7fed7000],
  ])('where the initrd lies in %i MiB of memory: %i', (memory, address) => {
    expect(placed(memory * mebibyte)).toBe(address);
    expect(u32(patchedKernel(makeKernel(), initrd, memory * mebibyte, ''), 0x21c)).toBe(initrd);
  });

  test('a kernel that cannot be loaded above 4 GiB states how high its initrd may lie', () => {
    const bound = makeKernel(0x20f, 0x7d);
    expect(placed(65536 * mebibyte, bound)).toBe(placed(65536 * mebibyte) & ~0xfff);
    const high = 2815 * mebibyte;
    expect(placed(high, bound)).toBe(0x7fffffff - initrd - ((0x7fffffff - initrd) % 4096));
    expect(placed(high)).toBeGreaterThan(placed(high, bound));
  });
});

describe('refuses', () => {
  const code = (kernel: Bytes, length: number | null = null, append = '') =>
    codeOf(() => patchedKernel(kernel, length, 512 * mebibyte, append));
  const spoilt = makeKernel();
  spoilt[0x202] = 0;
  test.each<[string, string | null, string | null]>([
    ['what is no bzImage', code(spoilt), 'form-unknown'],
    ['a short file', code(makeKernel().subarray(0, 0x800)), 'length-wrong'],
    ['an old boot protocol', code(makeKernel(0x20b)), 'version-unknown'],
    ['a kernel that is loaded low', code(makeKernel(0x20f, 0x7f, 0)), 'version-unknown'],
    ['an initrd that does not fit', code(makeKernel(), 600 * mebibyte), 'value-out-of-range'],
    [
      'a video mode, which QEMU writes too',
      code(makeKernel(), null, 'a vga=791'),
      'value-out-of-range',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
    expect(code(makeKernel(), initrd)).toBe(null);
  });

  test('any change of the header gives a refusal or a kernel of the same length', () => {
    fc.assert(
      fc.property(fc.nat(0x3ff), fc.nat(255), fc.nat(2 ** 30), (at, value, length) => {
        const kernel = makeKernel();
        kernel[at] = value;
        const patch = () => patchedKernel(kernel, length, 1024 * mebibyte, '');
        if (codeOf(patch) === null) expect(patch()).toHaveLength(kernel.length);
      }),
    );
  });

  test('an initrd without the size of memory is the caller’s mistake', () => {
    expect(() => patchedKernel(makeKernel(), 1, null, '')).toThrow(RangeError);
  });
});
