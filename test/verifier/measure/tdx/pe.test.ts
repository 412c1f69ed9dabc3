import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { debianMissing, debianTree } from '#test/tools/debian.ts';
import { type Bytes, concat, toHex, utf8, Writer } from '#verifier/bytes.ts';
import { parsePe, peDigest, sectionInMemory } from '#verifier/measure/tdx/pe.ts';
import { codeOf } from '../../code-of.ts';
import { counting, makePe, type PeParts, peFields } from './images.ts';

const digest = (file: Bytes) => toHex(peDigest(parsePe(file, 'image')));
const code = (file: Bytes) => codeOf(() => parsePe(file, 'image'));
const two: PeParts = {
  sections: [
    { name: '.a', data: counting(0x200) },
    { name: '.b', data: counting(0x400) },
  ],
};

/** With four bytes at `at` set. */
function with32(file: Bytes, at: number, value: number): Bytes {
  const changed = file.slice();
  changed.set(new Writer(4).u32le(value).finish(), at);
  return changed;
}

describe('the digest of an image', () => {
  test('leaves out the checksum, the directory entry and the certificates: signed and unsigned are one', () => {
    const unsigned = makePe(two);
    const signed = makePe({ ...two, certificates: counting(72), checksum: 0x12345678 });
    expect(digest(signed)).toBe(digest(unsigned));
    expect(parsePe(signed, 'image').certificates).toEqual(counting(72));
    const { checksum, certificateDirectory } = peFields;
    const plain = createHash('sha384')
      .update(unsigned.subarray(0, checksum))
      .update(unsigned.subarray(checksum + 4, certificateDirectory))
      .update(unsigned.subarray(certificateDirectory + 8))
      .digest('hex');
    expect(digest(unsigned)).toBe(plain);
  });

  test('any other byte of the file counts', () => {
    const before = digest(makePe(two));
    const { checksum, certificateDirectory } = peFields;
    const left = (at: number) =>
      (at >= checksum && at < checksum + 4) ||
      (at >= certificateDirectory && at < certificateDirectory + 8);
    fc.assert(
      fc.property(fc.nat(0x7ff), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const file = makePe(two);
        file[at] = (file[at] as number) ^ difference;
        // Some changes make it no image any more.
        if (code(file) === null) expect(digest(file) !== before).toBe(!left(at));
      }),
    );
  });

  test('what follows the sections counts, but for the certificates', () => {
    const trailing = counting(24);
    expect(digest(makePe({ ...two, trailing }))).not.toBe(digest(makePe(two)));
    expect(digest(makePe({ ...two, trailing, certificates: counting(8) }))).toBe(
      digest(makePe({ ...two, trailing })),
    );
  });

  test('sections are hashed in the order of the file, whatever the table says', () => {
    const file = makePe(two);
    const swapped = file.slice();
    const { sectionTable } = peFields;
    swapped.set(file.subarray(sectionTable + 40, sectionTable + 80), sectionTable);
    swapped.set(file.subarray(sectionTable, sectionTable + 40), sectionTable + 40);
    expect(parsePe(swapped, 'image').hashed.slice(3)).toEqual(
      parsePe(file, 'image').hashed.slice(3),
    );
  });
});

test('a section in memory is cut or filled with zeros to its size', () => {
  const sizes = [4, 512, 520];
  for (const virtualSize of sizes) {
    const file = makePe({ sections: [{ name: '.a', data: counting(512), virtualSize }] });
    const [section] = parsePe(file, 'image').sections;
    const memory = section === undefined ? new Uint8Array() : sectionInMemory(section);
    expect(memory).toEqual(concat(counting(512), new Uint8Array(8)).subarray(0, virtualSize));
  }
});

describe('refuses', () => {
  const file = makePe({ ...two, certificates: counting(16) });
  const table = peFields.sectionTable;
  test.each<[string, Bytes, string]>([
    ['what does not begin with MZ', concat(utf8('ZM'), file.subarray(2)), 'form-unknown'],
    ['an empty file', new Uint8Array(), 'form-unknown'],
    ['another signature', with32(file, 0x40, 0x4551), 'form-unknown'],
    ['another optional header', with32(file, peFields.optionalAt, 0x107), 'form-unknown'],
    ['a PE header beyond the file', with32(file, 0x3c, file.length), 'length-wrong'],
    ['headers beyond the file', with32(file, peFields.sizeOfHeaders, 0x10000), 'length-wrong'],
    [
      'headers that end in the table',
      with32(file, peFields.sizeOfHeaders, table + 40),
      'length-wrong',
    ],
    ['more directories than fit', with32(file, peFields.optionalAt + 108, 7), 'value-out-of-range'],
    ['a section beyond the file', with32(file, table + 16, 0x10000), 'length-wrong'],
    ['a section in the headers', with32(file, table + 20, 0x100), 'value-out-of-range'],
    ['sections that overlap', with32(file, table + 16, 0x300), 'value-out-of-range'],
    [
      'certificates beyond the file',
      with32(file, peFields.certificateDirectory + 4, 0x10000),
      'length-wrong',
    ],
    [
      'certificates before the end',
      with32(file, peFields.certificateDirectory + 4, 8),
      'value-out-of-range',
    ],
    [
      'certificates over a section',
      with32(
        with32(file, peFields.certificateDirectory, 0x700),
        peFields.certificateDirectory + 4,
        0x110,
      ),
      'value-out-of-range',
    ],
  ])('%s', (_, changed, expected) => {
    expect(code(changed)).toBe(expected);
    expect(code(file)).toBe(null);
  });

  test('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => code(bytes) !== null));
    const magic = utf8('MZ');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 600 }), (bytes) => {
        code(concat(magic, bytes));
      }),
    );
  });
});

test('of boot loaders that Debian and Microsoft signed, it is the digest in the signature', async ({
  skip,
}) => {
  const missing = debianMissing();
  if (missing !== null) skip(missing);
  const tree = await debianTree({
    suite: 'trixie',
    packages: ['shim-signed', 'systemd-boot-efi-amd64-signed'],
    alone: true,
  });
  for (const path of ['shim/shimx64.efi.signed', 'systemd/boot/efi/systemd-bootx64.efi.signed']) {
    const image = parsePe(new Uint8Array(readFileSync(join(tree, 'usr/lib', path))), path);
    const signed = toHex(peDigest(image, () => createHash('sha256')));
    // SpcIndirectDataContent: SHA-256 with NULL parameters, then 32 bytes.
    expect(toHex(image.certificates)).toContain(`300d060960864801650304020105000420${signed}`);
  }
}, 120_000);
