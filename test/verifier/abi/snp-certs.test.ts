import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeCertificateTable,
  parseCertificateTable,
  snpCertificateGuids,
} from '#verifier/abi/snp-certs.ts';
import { concat, fromHex, toHex, utf8 } from '#verifier/bytes.ts';
import type { ErrorCode } from '#verifier/errors.ts';

const { vcek, ask, ark, crl } = snpCertificateGuids;
const unknown = '01234567-89ab-cdef-0123-456789abcdef';

/** One raw entry, so that a test can say what the encoder would not. */
function entry(guid: string, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(24);
  out.set(fromHex(guid.replaceAll('-', ''), 'GUID', 16));
  const view = new DataView(out.buffer);
  view.setUint32(16, offset, true);
  view.setUint32(20, length, true);
  return out;
}

const zeroEntry = new Uint8Array(24);

function codeOf(bytes: Uint8Array): ErrorCode | 'parsed' {
  try {
    parseCertificateTable(bytes);
    return 'parsed';
  } catch (error) {
    return (error as { code: ErrorCode }).code;
  }
}

describe('the certificate table', () => {
  test('has the layout of GHCB 4.1.8.1, GUIDs in the byte order of their text', () => {
    const bytes = encodeCertificateTable([{ guid: vcek, data: utf8('hi') }]);
    expect(toHex(bytes)).toBe(
      `63da758de6644564adc5f4b93be8accd${'30000000'}${'02000000'}${'00'.repeat(24)}6869`,
    );
    expect(parseCertificateTable(bytes)).toEqual([{ guid: vcek, data: utf8('hi') }]);
  });

  test('keeps entries with unknown GUIDs, and the order', () => {
    const entries = [
      { guid: unknown, data: utf8('x') },
      { guid: ark, data: utf8('ark') },
      { guid: ask, data: utf8('ask') },
      { guid: crl, data: utf8('crl') },
    ];
    expect(parseCertificateTable(encodeCertificateTable(entries))).toEqual(entries);
  });

  test('is empty when it has its end alone', () => {
    expect(parseCertificateTable(zeroEntry)).toEqual([]);
    expect(encodeCertificateTable([])).toEqual(zeroEntry);
  });

  test('survives a round trip, with zeros after it', () => {
    const guid = fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .filter((bytes) => bytes.some((byte) => byte !== 0))
      .map((bytes) => toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
    const entries = fc.uniqueArray(
      fc.record({ guid, data: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
      { maxLength: 6, selector: ({ guid }) => guid },
    );
    fc.assert(
      fc.property(entries, fc.nat({ max: 64 }), (list, padding) => {
        const bytes = concat(encodeCertificateTable(list), new Uint8Array(padding));
        expect(parseCertificateTable(bytes)).toEqual(list);
      }),
    );
  });

  test('any bytes are parsed or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(['parsed', 'length-wrong', 'value-out-of-range', 'reserved-not-zero']).toContain(
          codeOf(bytes),
        );
      }),
    );
  });
});

describe('a table is refused', () => {
  const two = utf8('ab');
  const cases: [string, Uint8Array, ErrorCode | 'parsed'][] = [
    ['no: one whole entry', concat(entry(vcek, 48, 2), zeroEntry, two), 'parsed'],
    ['without its end', entry(vcek, 24, 2), 'length-wrong'],
    ['that stops inside an entry', entry(vcek, 48, 2).subarray(0, 23), 'length-wrong'],
    ['without a byte', new Uint8Array(), 'length-wrong'],
    ['pointing one byte too far', concat(entry(vcek, 48, 3), zeroEntry, two), 'length-wrong'],
    [
      'with offset + length past 32 bits',
      concat(entry(vcek, 48, 0xffffffff), zeroEntry, two),
      'length-wrong',
    ],
    ['pointing into itself', concat(entry(vcek, 47, 2), zeroEntry, two), 'value-out-of-range'],
    [
      'with an entry that holds nothing',
      concat(entry(vcek, 48, 0), zeroEntry),
      'value-out-of-range',
    ],
    [
      'naming one GUID twice',
      concat(entry(vcek, 72, 2), entry(vcek, 72, 2), zeroEntry, two),
      'value-out-of-range',
    ],
    [
      'with data in its last entry',
      concat(entry('0'.repeat(32), 24, 2), two),
      'value-out-of-range',
    ],
    [
      'no: zeros after the data',
      concat(entry(vcek, 48, 2), zeroEntry, two, new Uint8Array(9)),
      'parsed',
    ],
    [
      'with a byte after the data',
      concat(entry(vcek, 48, 2), zeroEntry, two, utf8('c')),
      'reserved-not-zero',
    ],
  ];
  test.each(cases)('%s', (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test('by the encoder, for what the parser would not take', () => {
    const data = utf8('x');
    expect(() => encodeCertificateTable([{ guid: 'vcek', data }])).toThrow(RangeError);
    expect(() =>
      encodeCertificateTable([{ guid: '00000000-0000-0000-0000-000000000000', data }]),
    ).toThrow(RangeError);
    expect(() => encodeCertificateTable([{ guid: ark, data: new Uint8Array() }])).toThrow(
      RangeError,
    );
    expect(() =>
      encodeCertificateTable([
        { guid: ark, data },
        { guid: ark, data },
      ]),
    ).toThrow(RangeError);
  });
});
