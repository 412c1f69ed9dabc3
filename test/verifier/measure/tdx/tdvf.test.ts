import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Writer } from '#verifier/bytes.ts';
import { parseTdvf } from '#verifier/measure/tdx/tdvf.ts';
import { codeOf } from '../../code-of.ts';
import { type FlashSection, flashLength, makeFlash, otherEntry, ovmfSections } from './images.ts';

const changed = (index: number, change: Partial<FlashSection>) =>
  ovmfSections.map((section, i) => (i === index ? { ...section, ...change } : section));
const code = (flash: Uint8Array) => codeOf(() => parseTdvf(flash));

describe('the metadata of a virtual firmware', () => {
  test('its sections, with their bytes', () => {
    const flash = makeFlash();
    const { sections } = parseTdvf(flash);
    expect(sections.map(({ type }) => type)).toEqual([
      'BFV',
      'CFV',
      'TempMem',
      'TempMem',
      'TD_HOB',
      'TempMem',
    ]);
    expect(sections[0]).toMatchObject({ address: 0xffffd000, size: 0x3000, measured: true });
    expect(sections[1]).toMatchObject({ measured: false, augmented: false });
    expect(sections[0]?.data).toEqual(flash.subarray(0x1000));
    expect(sections[1]?.data).toEqual(flash.subarray(0, 0x1000));
  });

  test('is found among other entries of the table', () => {
    const flash = makeFlash({ entries: [otherEntry, otherEntry] });
    expect(parseTdvf(flash).sections).toHaveLength(6);
  });

  test('td-shim’s sections are read', () => {
    const sections = [
      ...ovmfSections,
      { offset: 0, rawSize: 0x20, address: 0n, size: 0n, type: 7, attributes: 0 },
      { offset: 0, rawSize: 0, address: 0x1000000n, size: 0x2000n, type: 4, attributes: 2 },
    ];
    const found = parseTdvf(makeFlash({ sections })).sections;
    expect(found[6]).toMatchObject({ type: 'TD_INFO', size: 0 });
    expect(found[7]).toMatchObject({ type: 'PermMem', augmented: true });
  });
});

describe('refuses', () => {
  test.each<[string, ReturnType<typeof makeFlash>, string]>([
    [
      'a firmware without TDX',
      makeFlash({ withTdx: false, entries: [otherEntry] }),
      'form-unknown',
    ],
    ['a file without the table', new Uint8Array(0x4000), 'form-unknown'],
    ['an empty file', new Uint8Array(), 'form-unknown'],
    ['another signature', makeFlash({ signature: 'TDVX' }), 'form-unknown'],
    ['another version', makeFlash({ version: 2 }), 'version-unknown'],
    ['a wrong stated length', makeFlash({ length: 16 + 32 * 5 }), 'length-wrong'],
    ['no sections', makeFlash({ sections: [] }), 'value-out-of-range'],
    ['an unknown type', makeFlash({ sections: changed(2, { type: 9 }) }), 'value-out-of-range'],
    [
      'an unknown attribute',
      makeFlash({ sections: changed(2, { attributes: 4 }) }),
      'value-out-of-range',
    ],
    [
      'measured and added later',
      makeFlash({ sections: changed(0, { attributes: 3 }) }),
      'value-out-of-range',
    ],
    [
      'an address inside of a page',
      makeFlash({ sections: changed(2, { address: 0x810800n }) }),
      'value-out-of-range',
    ],
    [
      'a size inside of a page',
      makeFlash({ sections: changed(2, { size: 0x800n }) }),
      'value-out-of-range',
    ],
    ['no memory', makeFlash({ sections: changed(2, { size: 0n }) }), 'value-out-of-range'],
    [
      'more bytes than memory',
      makeFlash({ sections: changed(0, { size: 0x2000n }) }),
      'value-out-of-range',
    ],
    [
      'bytes beyond the file',
      makeFlash({ sections: changed(0, { offset: 0x2000 }) }),
      'length-wrong',
    ],
    [
      'an overlap',
      makeFlash({ sections: changed(5, { address: 0x808000n }) }),
      'value-out-of-range',
    ],
    [
      'more than 52 bits',
      makeFlash({ sections: changed(2, { address: 2n ** 52n }) }),
      'value-out-of-range',
    ],
    ['too much memory', makeFlash({ sections: changed(2, { size: 2n ** 40n }) }), 'too-large'],
    [
      'a firmware that is not measured',
      makeFlash({ sections: changed(0, { attributes: 0 }) }),
      'value-out-of-range',
    ],
  ])('%s', (_, flash, expected) => {
    expect(code(flash)).toBe(expected);
    expect(code(makeFlash())).toBe(null);
  });

  test('code without its variable store, and says what to pass', () => {
    const flash = makeFlash();
    expect(() => parseTdvf(flash.subarray(0x1000))).toThrow(/whole flash \(OVMF\.fd\)/);
    expect(code(flash.subarray(0x1000))).toBe('length-wrong');
  });

  test('metadata that lies outside of the file', () => {
    const flash = makeFlash();
    flash.set(new Writer(4).u32le(flashLength + 1).finish(), flashLength - 32 - 18 - 22);
    expect(code(flash)).toBe('length-wrong');
  });
});

test('random bytes, and any changed byte, give a refusal or sections and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(code(bytes)).not.toBe(null);
    }),
  );
  // The descriptor of 16 + 16 + 6 · 32 bytes, or the table at the end.
  const place = fc.oneof(
    fc.nat(224).map((n) => 0x3000 + n),
    fc.nat(120).map((n) => flashLength - 1 - n),
  );
  fc.assert(
    fc.property(place, fc.nat(255), (at, value) => {
      const flash = makeFlash();
      flash[at] = value;
      code(flash);
    }),
  );
});
