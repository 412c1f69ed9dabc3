/** Flash images: what is read of them, and each way in which one is refused. */
import { describe, expect, test } from 'vitest';
import { codeOf } from '#test/verifier/code-of.ts';
import { concat, toHex } from '#verifier/bytes.ts';
import { guidBytes, guidText } from '#verifier/measure/guid.ts';
import {
  maxFirmwareLength,
  maxSectionsLength,
  parseFirmware,
} from '#verifier/measure/snp/firmware.ts';
import { firmwareImage, guids, type ImageOptions, tableEntry, u32 } from './firmware-image.ts';

const codeWith = (options: ImageOptions) => codeOf(() => parseFirmware(firmwareImage(options)));

test('what the tables say', () => {
  const firmware = parseFirmware(firmwareImage({ length: 0x2000, svsmEntry: 7 }));
  expect(firmware).toMatchObject({
    gpa: 0xffff_e000,
    apResetVector: 0x80b004,
    hashTable: { gpa: 0x810c00, length: 0x400 },
    svsmEntry: 7,
  });
  expect(firmware.sections[5]).toEqual({ kind: 'kernel-hashes', gpa: 0x810000, length: 0x1000 });
  expect(firmware.sections.map(({ kind }) => kind)).toEqual([
    'memory',
    'memory',
    'secrets',
    'cpuid',
    'svsm-calling-area',
    'kernel-hashes',
    'memory',
  ]);
});

describe('the image', () => {
  test.each([
    [0, 'length-wrong'],
    [4095, 'length-wrong'],
    [4097, 'length-wrong'],
    [maxFirmwareLength + 4096, 'too-large'],
    [4096, 'form-unknown'],
  ])('%s bytes without a table', (length, code) => {
    expect(codeOf(() => parseFirmware(new Uint8Array(length)))).toBe(code);
  });

  test('the largest one', () => {
    expect(codeWith({ length: maxFirmwareLength })).toBeNull();
  });
});

describe('the table', () => {
  const length = 18 * 4 + 4 + 8 + 4;

  test('its own length', () => {
    expect(codeWith({ tableLength: length })).toBeNull();
    // One byte less cuts the last entry, one more leaves a byte that belongs to none.
    for (const other of [0, 17, length - 1, length + 1, 4096]) {
      expect(codeWith({ tableLength: other })).toBe('length-wrong');
    }
  });

  test('another footer', () => {
    expect(codeWith({ footer: guids.resetBlock })).toBe('form-unknown');
  });

  test('an entry that occurs twice', () => {
    const twice = (guid: string) => {
      const image = firmwareImage();
      const more = tableEntry(guid, u32(1));
      const footer = tableEntry(guids.footer, new Uint8Array(0), length + more.length);
      const end = image.length - 32 - footer.length;
      const rest = image.slice(end - (length - 18), end);
      image.set(concat(more, rest, footer), end - rest.length - more.length);
      return codeOf(() => parseFirmware(image));
    };
    expect(twice(guids.svsmInfo)).toBeNull();
    expect(twice(guids.resetBlock)).toBe('value-out-of-range');
    expect(twice(guids.footer)).toBe('value-out-of-range');
  });

  test.each([
    [guids.resetBlock, 'form-unknown'],
    [guids.metadata, 'form-unknown'],
    [guids.hashTable, null],
  ])('without entry %s', (guid, code) => {
    expect(codeWith({ entries: { [guid]: null } })).toBe(code);
  });

  test.each([guids.resetBlock, guids.metadata, guids.hashTable, guids.svsmInfo])(
    'entry %s of another length',
    (guid) => {
      for (const data of [u32(), u32(1, 2, 3)]) {
        expect(codeWith({ entries: { [guid]: data } })).toBe('length-wrong');
      }
    },
  );
});

describe('the metadata', () => {
  test.each([
    [{ signature: 'ASEW' }, 'form-unknown'],
    [{ version: 0 }, 'version-unknown'],
    [{ version: 2 }, 'version-unknown'],
    [{ count: 0 }, 'value-out-of-range'],
    [{ count: 6 }, 'length-wrong'],
    [{ count: 8 }, 'length-wrong'],
    [{ count: 0xffff_ffff }, 'value-out-of-range'],
    [{ metadataLength: 99 }, 'length-wrong'],
    [{ entries: { [guids.metadata]: u32(4097) } }, 'value-out-of-range'],
    [{ entries: { [guids.metadata]: u32(0) } }, 'length-wrong'],
    [{ entries: { [guids.metadata]: u32(8) } }, 'form-unknown'],
    [{}, null],
  ] as const)('%o', (options, code) => {
    expect(codeWith(options)).toBe(code);
  });

  test.each([
    ['an unknown type', [[0x1000, 0x1000, 5]]],
    ['no page', [[0x1000, 0, 1]]],
    ['half a page', [[0x1000, 0x800, 1]]],
    ['an address inside a page', [[0x1800, 0x1000, 1]]],
    ['two pages of secrets', [[0x1000, 0x2000, 2]]],
    ['two CPUID pages', [[0x1000, 0x2000, 3]]],
    ['two pages of digests', [[0x1000, 0x2000, 16]]],
    ['the end above 4 GiB', [[0xffff_f000, 0x2000, 1]]],
    ['the image', [[0xffff_f000, 0x1000, 1]]],
    [
      'an overlap',
      [
        [0x1000, 0x3000, 1],
        [0x3000, 0x1000, 1],
      ],
    ],
    [
      'the same twice',
      [
        [0x1000, 0x1000, 1],
        [0x1000, 0x1000, 1],
      ],
    ],
  ] as const)('a section: %s', (_name, sections) => {
    expect(codeWith({ sections, hashTable: [0, 0] })).toBe('value-out-of-range');
  });

  test.each([
    [
      'next to another',
      [
        [0x1000, 0x2000, 1],
        [0x3000, 0x1000, 1],
      ],
    ],
    ['below the image', [[0xffff_e000, 0x1000, 1]]],
    ['two pages of a calling area', [[0x1000, 0x2000, 4]]],
  ] as const)('a section: %s', (_name, sections) => {
    expect(codeWith({ sections, hashTable: [0, 0] })).toBeNull();
  });

  test('memory without end', () => {
    const codeOfLength = (length: number) =>
      codeWith({
        sections: [
          [0, 0x1000, 1],
          [0x1000, length, 1],
        ],
        hashTable: [0, 0],
      });
    expect(codeOfLength(maxSectionsLength - 0x1000)).toBeNull();
    expect(codeOfLength(maxSectionsLength)).toBe('too-large');
  });

  test('the hash table lies in its page', () => {
    expect(codeWith({ hashTable: [0x810000, 0x1000] })).toBeNull();
    expect(codeWith({ hashTable: [0x810001, 0x1000] })).toBe('value-out-of-range');
    expect(codeWith({ hashTable: [0x80fff0, 0x100] })).toBe('value-out-of-range');
  });

  test('a hash table without its page is that of SEV without SNP', () => {
    const firmware = firmwareImage({ sections: [[0x1000, 0x1000, 1]] });
    expect(parseFirmware(firmware).hashTable).toBeNull();
  });
});

test('GUIDs are written as firmware writes them', () => {
  expect(toHex(guidBytes('00112233-4455-6677-8899-aabbccddeeff'))).toBe(
    '33221100554477668899aabbccddeeff',
  );
  expect(guidText(guidBytes(guids.footer))).toBe(guids.footer);
  expect(() => guidBytes('00112233-4455-6677-8899-AABBCCDDEEFF')).toThrow(RangeError);
  expect(() => guidText(new Uint8Array(15))).toThrow(RangeError);
});
