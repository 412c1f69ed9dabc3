import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Bytes, toHex } from '#verifier/bytes.ts';
import { measureTdx, type TdxInput } from '#verifier/measure/tdx/measure.ts';
import { parsePe, peDigest } from '#verifier/measure/tdx/pe.ts';
import { codeOf } from '../../code-of.ts';
import { makeUki } from './images.ts';
import { base, file, kernel } from './input.ts';

const sha384 = (bytes: Bytes) => createHash('sha384').update(bytes).digest('hex');
const what = (input: Partial<TdxInput>) =>
  measureTdx({ ...base, ...input }).events.map(({ register, what }) => `${register} ${what}`);

describe('a unified kernel image', () => {
  const parts = [
    { name: '.cmdline', text: 'quiet root=/dev/vda\n' },
    { name: '.initrd', text: 'the initrd' },
    { name: '.pcrsig', text: 'left out' },
  ];
  const image = makeUki(kernel, parts);
  const recent = { profile: 'edk2-202505', boot: { kind: 'uki', image } } as const;

  test('image, sections by name and contents, kernel, and what the kernel measures', () => {
    const { events } = measureTdx({ ...base, ...recent });
    const digests = (register: number) =>
      events.flatMap((event) =>
        event.register === register && event.digest ? toHex(event.digest) : [],
      );
    expect(digests(1)[0]).toBe(toHex(peDigest(parsePe(image, 'image'))));
    expect(digests(1)[3]).toBe(toHex(peDigest(parsePe(kernel, 'kernel'))));
    expect(digests(2)).toEqual([
      sha384(file('.linux\0')),
      sha384(kernel),
      sha384(file('.cmdline\0')),
      sha384(file('quiet root=/dev/vda\n')),
      sha384(file('.initrd\0')),
      sha384(file('the initrd')),
      sha384(Buffer.from('quiet root=/dev/vda\0', 'utf16le')),
      sha384(file('the initrd')),
    ]);
  });

  test('whose stub is older than systemd 256 measures no sections, and no other stub is known', () => {
    const registerTwo = (stub: string) => {
      const boot = { kind: 'uki', image: makeUki(kernel, parts, stub) } as const;
      return what({ ...recent, boot }).filter((text) => text.startsWith('2'));
    };
    expect(registerTwo('systemd-stub 256.1')).toHaveLength(8);
    expect(registerTwo('systemd-stub 255.4')).toEqual([
      '2 command line: "quiet root=/dev/vda"',
      '2 initrd: 10 bytes',
    ]);
    expect(codeOf(() => registerTwo('systemd-stub 261'))).toBe('version-unknown');
    expect(codeOf(() => registerTwo('lanzaboote 1.0.0'))).toBe('form-unknown');
  });

  test('is not taken for a kernel', () => {
    const code = (kernel: Bytes) =>
      codeOf(() =>
        measureTdx({
          ...base,
          profile: 'edk2-202505',
          boot: { kind: 'kernel', kernel, initrd: null, append: '' },
        }),
      );
    expect(code(image)).toBe('form-unknown');
    expect(code(kernel)).toBe(null);
  });

  test('of which it is not known what is used is refused', () => {
    const code = (one: Bytes, header: 'as-is' | 'patched' = 'as-is') =>
      codeOf(() =>
        measureTdx({ ...base, boot: { kind: 'uki', image: one }, kernelHeader: header }),
      );
    expect(code(makeUki(kernel, [...parts, { name: '.profile', text: 'x' }]))).toBe(
      'value-out-of-range',
    );
    expect(code(makeUki(kernel, [...parts, ...parts.slice(0, 1)]))).toBe('value-out-of-range');
    expect(code(kernel)).toBe('form-unknown');
    expect(code(image, 'patched')).toBe('value-out-of-range');
    expect(code(image)).toBe(null);
  });
});
