/** Launch digests: others' published ones, made again of their firmware's tables, and what must change a digest. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf } from '#test/verifier/code-of.ts';
import { type Bytes, fromHex, toHex } from '#verifier/bytes.ts';
import { hashCommandLine, noInitrd } from '#verifier/measure/snp/kernel-hashes.ts';
import { measureSnp, type SnpMeasureInput } from '#verifier/measure/snp/measure.ts';
import { vmms } from '#verifier/measure/snp/vmsa.ts';
import { firmwareImage, guids, u32 } from './firmware-image.ts';
import { amdSev, epycV4, ovmfX64, published, publishedSvsm } from './published.ts';

const kernel = { kernel: noInitrd, initrd: noInitrd, commandLine: hashCommandLine('') };
const usual: SnpMeasureInput = {
  firmware: firmwareImage(),
  kernel,
  vcpus: 1,
  vmm: 'qemu',
  cpuSignature: epycV4,
  features: 1n,
};
const digestOf = (changes: Partial<SnpMeasureInput>) =>
  toHex(measureSnp({ ...usual, ...changes }).digest);
const { kernel: _, ...withoutKernel } = usual;

describe('published digests', () => {
  test.each(published)(
    '$firmware.file, $vmm, $vcpus processors, features $features, append $append',
    ({ firmware, vmm, vcpus, features, append, digest }) => {
      const { sections, apResetVector, hashTable, hash } = firmware;
      const measured = measureSnp({
        firmware: firmwareImage({ sections, apResetVector, hashTable }),
        firmwareHash: fromHex(hash, 'hash', 48),
        ...(append !== null && { kernel: { ...kernel, commandLine: hashCommandLine(append) } }),
        vmm,
        vcpus,
        cpuSignature: epycV4,
        features,
      });
      expect(toHex(measured.digest)).toBe(digest);
    },
  );

  test.each(Object.entries(publishedSvsm.digests))(
    'Coconut SVSM, %s processors',
    (vcpus, digest) => {
      const { image, ...tables } = publishedSvsm.tables;
      const measured = measureSnp({
        firmware: firmwareImage({ length: publishedSvsm.flashLength }),
        firmwareHash: fromHex(publishedSvsm.hash, 'hash', 48),
        svsm: {
          image: firmwareImage({ length: image, ...tables }),
          varsLength: publishedSvsm.varsLength,
        },
        vmm: publishedSvsm.vmm,
        vcpus: Number(vcpus),
        cpuSignature: epycV4,
        features: 1n,
      });
      expect(toHex(measured.digest)).toBe(digest);
    },
  );
});

describe('what is measured', () => {
  test('each processor beyond the first adds one page, and changes the digest', () => {
    const measured = [1, 2, 3, 64].map((vcpus) => measureSnp({ ...usual, vcpus }));
    const [one, ...others] = measured.map(({ pages }) => pages);
    expect(others.map((pages) => pages - (one as number))).toEqual([1, 2, 63]);
    expect(new Set(measured.map(({ digest }) => toHex(digest))).size).toBe(4);
  });

  test('pages are those of the image, of the sections and of the processors', () => {
    const sections = amdSev.sections.reduce((sum, [, length]) => sum + length / 4096, 0);
    const measured = measureSnp({
      ...usual,
      firmware: firmwareImage({ length: 0x10000 }),
      vcpus: 3,
    });
    expect(measured.pages).toBe(16 + sections + 3);
    expect(measured.firmware).toEqual({ gpa: 0xffff_0000, length: 0x10000 });
    expect(measured.vmsas).toHaveLength(3);
  });

  test('the digest of the firmware stands for its pages', () => {
    const { firmwareHash, digest } = measureSnp(usual);
    expect(digestOf({ firmwareHash })).toBe(toHex(digest));
    expect(digestOf({ firmwareHash: firmwareHash.map((byte) => byte ^ 1) })).not.toBe(
      toHex(digest),
    );
  });

  test('every VMM has a digest of its own', () => {
    expect(new Set(vmms.map((vmm) => digestOf({ vmm }))).size).toBe(vmms.length);
  });

  test('the processor’s signature counts with QEMU alone', () => {
    const counts = vmms.filter((vmm) => digestOf({ vmm }) !== digestOf({ vmm, cpuSignature: 1 }));
    expect(counts).toEqual(['qemu', 'qemu-fpu-0']);
  });

  test('EC2 adds the CPUID page last', () => {
    const kinds = measureSnp({ ...usual, vmm: 'ec2' }).sections.map(({ kind }) => kind);
    expect(kinds.at(-1)).toBe('cpuid');
    expect(measureSnp(usual).sections.map(({ kind }) => kind)[3]).toBe('cpuid');
  });

  test.each([
    ['features', { features: 0x21n }],
    ['the kernel', { kernel: { ...kernel, kernel: hashCommandLine('other') } }],
    ['the initrd', { kernel: { ...kernel, initrd: hashCommandLine('other') } }],
    ['the command line', { kernel: { ...kernel, commandLine: hashCommandLine('other') } }],
    [
      'the reset vector of others',
      {
        vcpus: 2,
        firmwareHash: new Uint8Array(48),
        firmware: firmwareImage({ apResetVector: 0x80b008 }),
      },
      { vcpus: 2, firmwareHash: new Uint8Array(48) },
    ],
  ] as const)('%s', (_name, changes, base: Partial<SnpMeasureInput> = {}) => {
    expect(digestOf({ ...base, ...changes })).not.toBe(digestOf(base));
  });

  test('a byte anywhere in the image', () => {
    const firmware = firmwareImage({ length: 0x4000 });
    const before = digestOf({ firmware });
    fc.assert(
      fc.property(fc.nat(firmware.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = firmware.slice();
        other[at] = (other[at] as number) ^ change;
        // A byte of the tables may make them unreadable instead.
        if (codeOf(() => measureSnp({ ...usual, firmware: other })) !== null) return;
        expect(digestOf({ firmware: other })).not.toBe(before);
      }),
    );
  });

  test('address, length, type and order of every section', () => {
    const digestWith = (sections: readonly (readonly [number, number, number])[]) =>
      toHex(
        measureSnp({
          ...withoutKernel,
          firmware: firmwareImage({ sections, hashTable: [0, 0] }),
          firmwareHash: new Uint8Array(48),
        }).digest,
      );
    const sections = [
      [0x1000, 0x1000, 1],
      [0x3000, 0x1000, 2],
      [0x5000, 0x1000, 3],
    ] as const;
    const [first, second, third] = sections;
    const all = [
      sections,
      [second, first, third],
      [[0x2000, 0x1000, 1] as const, second, third],
      [[0x1000, 0x2000, 1] as const, second, third],
      [[0x1000, 0x1000, 2] as const, second, third],
      [first, second],
    ];
    expect(new Set(all.map(digestWith)).size).toBe(all.length);
  });
});

describe('refusals', () => {
  const x64 = firmwareImage({ sections: ovmfX64.sections, hashTable: ovmfX64.hashTable });

  test('a kernel for firmware that checks none', () => {
    expect(codeOf(() => measureSnp({ ...usual, firmware: x64 }))).toBe('form-unknown');
    expect(codeOf(() => measureSnp({ ...withoutKernel, firmware: x64 }))).toBeNull();
  });

  test('a hash table too short for the digests', () => {
    const of = (length: number) => firmwareImage({ hashTable: [0x810c00, length] });
    expect(codeOf(() => measureSnp({ ...usual, firmware: of(175) }))).toBe('value-out-of-range');
    expect(codeOf(() => measureSnp({ ...usual, firmware: of(176) }))).toBeNull();
  });

  test('a second processor without a reset vector', () => {
    const firmware = firmwareImage({ apResetVector: 0 });
    expect(codeOf(() => measureSnp({ ...usual, firmware, vcpus: 2 }))).toBe('form-unknown');
    expect(codeOf(() => measureSnp({ ...usual, firmware, vcpus: 1 }))).toBeNull();
  });

  test('an SVSM that does not say where it begins, or whose memory is over the flash', () => {
    const under = (image: Bytes) => () =>
      measureSnp({ ...withoutKernel, svsm: { image, varsLength: 0x2000 } });
    const sections = [[0, 0x1000, 1]] as const;
    expect(codeOf(under(firmwareImage({ svsmEntry: 16, sections, hashTable: [0, 0] })))).toBeNull();
    expect(codeOf(under(firmwareImage({ sections, hashTable: [0, 0] })))).toBe('form-unknown');
    for (const at of [0xffff_c000, 0xffff_d000, 0xffff_f000]) {
      const over = firmwareImage({ svsmEntry: 16, sections: [[at, 0x1000, 1]], hashTable: [0, 0] });
      expect(codeOf(under(over))).toBe('value-out-of-range');
    }
  });

  test.each([
    ['no processor', { vcpus: 0 }],
    ['too many', { vcpus: 4097 }],
    ['half a one', { vcpus: 1.5 }],
    ['a signature over 32 bits', { cpuSignature: 2 ** 32 }],
    ['features without SNP', { features: 0x20n }],
    ['features over 64 bits', { features: 2n ** 64n + 1n }],
    ['a short digest', { firmwareHash: new Uint8Array(32) }],
    ['an SVSM on EC2', { vmm: 'ec2', svsm: { image: usual.firmware, varsLength: 0 } }],
    ['an SVSM with a kernel', { svsm: { image: usual.firmware, varsLength: 0 } }],
  ] as const)('the caller’s mistake: %s', (_name, changes) => {
    expect(() => measureSnp({ ...usual, ...changes })).toThrow(RangeError);
  });

  test('random bytes are refused with an AttestationError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
        expect(codeOf(() => measureSnp({ ...usual, firmware: bytes }))).not.toBeNull();
      }),
    );
  });

  test('random bytes where the tables are never end in anything else', () => {
    const image = firmwareImage();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 3000, max: 4095 }), fc.nat(255)), { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (changes, vcpus) => {
          const firmware = image.slice();
          for (const [at, byte] of changes) firmware[at] = byte;
          codeOf(() => measureSnp({ ...usual, firmware, vcpus }));
        },
      ),
      { numRuns: 200 },
    );
  });
});

test('a table entry that nobody reads changes nothing but the image', () => {
  const entries = { '4c2eb361-7d9b-4cc3-8081-127c90d3d294': u32(0x800000, 0xc00) };
  const firmwareHash = new Uint8Array(48);
  expect(digestOf({ firmware: firmwareImage({ entries }), firmwareHash })).toBe(
    digestOf({ firmwareHash }),
  );
  const reset = { [guids.resetBlock]: null };
  expect(codeOf(() => measureSnp({ ...usual, firmware: firmwareImage({ entries: reset }) }))).toBe(
    'form-unknown',
  );
});
