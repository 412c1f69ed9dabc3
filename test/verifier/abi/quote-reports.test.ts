/** The bodies of quotes alone, and what else is told apart from a quote. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasShared, sharedFile, sharedMissing } from '#test/shared.ts';
import { encodeQuote, looksLikeQuote, parseQuote, teeOf } from '#verifier/abi/quote.ts';
import {
  enclaveReportLength,
  encodeEnclaveReport,
  isSgxReport,
  parseEnclaveReport,
  sgxAttributeBits,
} from '#verifier/abi/sgx-report.ts';
import {
  attributesOf,
  encodeTdReport,
  isTdReportStructure,
  parseTdReport,
  tdAttributeBits,
  tdReport10Length,
  tdReport15Length,
  xfamBits,
} from '#verifier/abi/td-report.ts';
import { type Bytes, concat, fromHex, utf8 } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { enclaveReports, quoteShapes, sampleQuote, tdReports } from './quote-samples.ts';
import { simulatedReports } from './snp-samples.ts';

const codeOfBytes = (input: Bytes) => codeOf(() => parseQuote(input));

describe('enclave reports', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(enclaveReports, (report) => {
        expect(parseEnclaveReport(encodeEnclaveReport(report))).toEqual(report);
      }),
    );
  });

  test('of another length are refused', () => {
    for (const length of [0, enclaveReportLength - 1, enclaveReportLength + 1]) {
      expect(codeOf(() => parseEnclaveReport(new Uint8Array(length)))).toBe('length-wrong');
    }
    expect(codeOf(() => parseEnclaveReport(new Uint8Array(enclaveReportLength)))).toBe(null);
  });
});

describe('TD reports', () => {
  test.each([false, true])('round trip, TDX 1.5: %j', (is15) => {
    fc.assert(
      fc.property(tdReports(is15), (report) => {
        expect(parseTdReport(encodeTdReport(report))).toEqual(report);
      }),
    );
  });

  test('of another length are refused', () => {
    const bad = [0, tdReport10Length - 1, tdReport10Length + 1, tdReport15Length + 1];
    for (const length of bad) {
      expect(codeOf(() => parseTdReport(new Uint8Array(length)))).toBe('length-wrong');
    }
    expect(parseTdReport(new Uint8Array(tdReport10Length)).teeTcbSvn2).toBe(null);
    expect(parseTdReport(new Uint8Array(tdReport15Length)).teeTcbSvn2).toHaveLength(16);
  });

  test('have both fields of TDX 1.5 or none', () => {
    const report = parseTdReport(new Uint8Array(tdReport15Length));
    expect(() => encodeTdReport({ ...report, mrServiceTd: null })).toThrow(RangeError);
    expect(() => encodeTdReport({ ...report, teeTcbSvn2: null })).toThrow(RangeError);
    expect(encodeTdReport(report)).toHaveLength(tdReport15Length);
    const without = { ...report, teeTcbSvn2: null, mrServiceTd: null };
    expect(encodeTdReport(without)).toHaveLength(tdReport10Length);
  });
});

describe('bit fields', () => {
  const setIn = (hex: string, table: typeof tdAttributeBits) => {
    const bits = attributesOf(fromHex(hex, 'bits'));
    const isSet = (bit: number, count: number) =>
      ((bits >> BigInt(bit)) & ((1n << BigInt(count)) - 1n)) === (1n << BigInt(count)) - 1n;
    return table.filter(({ bit, count }) => isSet(bit, count)).map(({ key }) => key);
  };

  test('are little-endian', () => {
    expect(attributesOf(fromHex('0100000000000080', 'bits'))).toBe(0x8000000000000001n);
    expect(() => attributesOf(new Uint8Array(7))).toThrow(RangeError);
  });

  test('attributes as Intel names them', () => {
    expect(setIn('0000001000000000', tdAttributeBits)).toEqual(['septVeDisable']);
    expect(setIn('0100004000000000', tdAttributeBits)).toEqual(['debug', 'pks']);
    expect(setIn('000000a8000000c0', tdAttributeBits)).toEqual([
      'lass',
      'migratable',
      'keyLocker',
      'tpa',
      'perfmon',
    ]);
  });

  test('XFAM as the SDM numbers state components', () => {
    expect(setIn('e702060000000000', xfamBits)).toEqual([
      ...['x87', 'sse', 'avx', 'avx512', 'pku', 'amx'],
    ]);
    // CET is two bits: one of them alone is not CET.
    expect(setIn('0318000000000000', xfamBits)).toEqual(['x87', 'sse', 'cet']);
    expect(setIn('03c9080000000000', xfamBits)).toEqual([
      ...['x87', 'sse', 'pt', 'uintr', 'lbr', 'apx'],
    ]);
    expect(setIn('0308000000000000', xfamBits)).toEqual(['x87', 'sse']);
  });

  test('no two names share a bit', () => {
    const sgx = sgxAttributeBits.map((one) => ({ ...one, count: 1 }));
    for (const table of [tdAttributeBits, xfamBits, sgx]) {
      const taken = table.flatMap(({ bit, count }) =>
        Array.from({ length: count }, (_, i) => bit + i),
      );
      expect(new Set(taken).size).toBe(taken.length);
      expect(Math.max(...taken)).toBeLessThan(64);
      expect(taken).toEqual(taken.toSorted((a, b) => a - b));
      expect(new Set(table.map(({ key }) => key)).size).toBe(table.length);
    }
  });
});

describe('a raw report in place of a quote', () => {
  const tdReport = (...start: number[]) => {
    const out = new Uint8Array(1024).fill(0x5a);
    out.set(start);
    return out;
  };
  const sgxReport = concat(new Uint8Array(enclaveReportLength), new Uint8Array(48).fill(7));

  test.each<[string, Bytes, RegExp]>([
    ['TDREPORT, version 0', tdReport(0x81, 0, 0, 0), /raw TDREPORT.*MAC.*quoting enclave/],
    ['TDREPORT, version 1', tdReport(0x81, 0, 1, 0), /raw TDREPORT.*MAC.*quoting enclave/],
    ['SGX REPORT', sgxReport, /raw SGX REPORT.*MAC.*quoting enclave/],
  ])('%s: refused as what it is', (_, input, message) => {
    expect(codeOfBytes(input)).toBe('form-unknown');
    expect(() => parseQuote(input)).toThrow(message);
    expect(looksLikeQuote(input)).toBe(true);
    expect(teeOf(input)).toBe(null);
  });

  test.each<[string, Bytes]>([
    ['another type', tdReport(0x80, 0, 0, 0)],
    ['another subtype', tdReport(0x81, 1, 0, 0)],
    ['another version', tdReport(0x81, 0, 2, 0)],
    ['a reserved byte', tdReport(0x81, 0, 0, 1)],
    ['a byte less', tdReport(0x81, 0, 0, 0).subarray(1)],
    ['a byte more', concat(tdReport(0x81, 0, 0, 0), new Uint8Array(1))],
  ])('no TDREPORT: %s', (_, input) => {
    expect(isTdReportStructure(input)).toBe(false);
    expect(codeOfBytes(input)).toBe('version-unknown');
    expect(looksLikeQuote(input)).toBe(false);
  });

  test('no SGX REPORT: reserved bytes set, or another length', () => {
    const bad = sgxReport.slice();
    bad[100] = 1;
    for (const input of [bad, sgxReport.subarray(1), concat(sgxReport, new Uint8Array(1))]) {
      expect(isSgxReport(input)).toBe(false);
      expect(codeOfBytes(input)).toBe('version-unknown');
    }
    expect(isSgxReport(sgxReport)).toBe(true);
  });

  test('a version 3 quote cut off where a REPORT would end is a quote cut off', () => {
    // Its first 8 bytes alone are not zero, so that it reads as a REPORT too.
    const cut = sgxReport.slice();
    cut.set([3, 0, 2]);
    expect(isSgxReport(cut)).toBe(true);
    expect(teeOf(cut)).toBe('sgx');
    expect(codeOfBytes(cut)).toBe('length-wrong');
  });

  test('real TDREPORTs', ({ skip }) => {
    skip(!hasShared, sharedMissing);
    const cases = ['kinvolk-hcl-tdx', 'trustee-az-tdx-evidence-v1'];
    for (const id of cases) {
      const input = sharedFile(`corpus/azure-tdx-vtpm/${id}/tdreport.bin`);
      expect(codeOfBytes(input), id).toBe('form-unknown');
    }
  });
});

describe('what looks like a quote', () => {
  test('quotes of every shape, from their first 8 bytes', () => {
    for (const shape of quoteShapes) {
      const bytes = encodeQuote(sampleQuote(shape));
      const tee = shape.body === 'sgx' ? 'sgx' : 'tdx';
      expect(teeOf(bytes)).toBe(tee);
      expect(teeOf(bytes.subarray(0, 8))).toBe(tee);
      expect(teeOf(bytes.subarray(0, 7))).toBe(null);
      expect(looksLikeQuote(bytes)).toBe(true);
    }
  });

  test('one of a version to come, by the vendor of its quoting enclave', () => {
    const bytes = encodeQuote(sampleQuote(quoteShapes[2] as (typeof quoteShapes)[number]));
    bytes[0] = 6;
    expect(teeOf(bytes)).toBe(null);
    expect(looksLikeQuote(bytes)).toBe(true);
    bytes[12] = 0;
    expect(looksLikeQuote(bytes)).toBe(false);
  });

  test('no SEV-SNP report, though those begin with a version too', async () => {
    for (const { id, report } of await simulatedReports()) {
      expect(looksLikeQuote(report), id).toBe(false);
      // GUEST_SVN stands where a quote has its TEE type: zero would be SGX.
      expect(teeOf(concat(report.subarray(0, 4), new Uint8Array(8))), id).toBe(null);
    }
  });

  test('no text, nothing, or another TEE', () => {
    const bytes = encodeQuote(sampleQuote(quoteShapes[2] as (typeof quoteShapes)[number]));
    const other = bytes.slice();
    other[4] = 0x82;
    expect(teeOf(other)).toBe(null);
    for (const input of [new Uint8Array(), utf8('{"version":1}'), utf8('04000200'.repeat(54))]) {
      expect(looksLikeQuote(input)).toBe(false);
    }
  });
});
