import { sha384 } from '@noble/hashes/sha2.js';
import { expect, test } from 'vitest';
import { tdReportOf } from '#test/fake/azure.ts';
import { createIntel } from '#test/fake/intel.ts';
import { createTdxDevice } from '#test/fake/tdx-device.ts';
import { hasShared, sharedMissing } from '#test/shared.ts';
import { encodeTdReportStruct, parseTdReportStruct } from '#verifier/abi/td-report-struct.ts';
import type { Bytes } from '#verifier/bytes.ts';
import { codeOf } from '../code-of.ts';
import { azureCases } from './cases.ts';

const quote = createTdxDevice(createIntel()).quote(new Uint8Array(64).fill(9));
const plain = tdReportOf(quote);
const bytes = encodeTdReportStruct(plain);

/** With both hashes made right again. */
function changed(at: number, value: number): Bytes {
  const out = bytes.with(at, value);
  out.set(sha384(out.subarray(256, 495)), 32);
  out.set(sha384(out.subarray(512)), 80);
  return out;
}

test('a TDREPORT comes back as it was', () => {
  expect(parseTdReportStruct(bytes)).toEqual(plain);
  expect(encodeTdReportStruct({ ...plain, version: 1 })[2]).toBe(1);
});

test('what it says in each field stands where the module ABI puts it', () => {
  const { report, mac, cpuSvn } = plain;
  const at = (offset: number, value: Bytes) =>
    expect(bytes.subarray(offset, offset + value.length)).toEqual(value);
  at(16, cpuSvn);
  at(128, report.reportData);
  at(224, mac);
  at(264, report.teeTcbSvn);
  at(280, report.mrSeam);
  at(512, report.tdAttributes);
  at(528, report.mrTd);
  at(720, report.rtmr[0]);
  at(864, report.rtmr[3]);
});

test.for<[string, number, number, string | null]>([
  ['version 1 of the type', 2, 1, null],
  ['version 2 of the type', 2, 2, 'version-unknown'],
  ['SGX', 0, 0, 'version-unknown'],
  ['a subtype', 1, 1, 'version-unknown'],
  ['a reserved byte of the type', 3, 1, 'version-unknown'],
  ['reserved bytes after the type', 4, 1, 'reserved-not-zero'],
  ['reserved bytes before the MAC', 192, 1, 'reserved-not-zero'],
  ['reserved bytes of TEE_TCB_INFO', 400, 1, 'reserved-not-zero'],
  ['the last reserved byte of TEE_TCB_INFO', 494, 1, 'reserved-not-zero'],
  ['reserved bytes after TEE_TCB_INFO', 495, 1, 'reserved-not-zero'],
  ['reserved bytes at the end', 1023, 1, 'reserved-not-zero'],
  ['another register', 720, 1, null],
  ['another MAC: nobody here can check it', 224, 1, null],
])('%s', ([, at, value, code]) => {
  expect(codeOf(() => parseTdReportStruct(changed(at, value)))).toBe(code);
});

test('hashes that are not of what they should be of', () => {
  for (const at of [32, 80, 256, 300, 720])
    expect(codeOf(() => parseTdReportStruct(bytes.with(at, (bytes[at] as number) ^ 1)))).toBe(
      'value-out-of-range',
    );
});

test('another length', () => {
  for (const length of [0, 584, 1023])
    expect(codeOf(() => parseTdReportStruct(bytes.subarray(0, length)))).toBe('length-wrong');
  expect(codeOf(() => parseTdReportStruct(new Uint8Array(1025)))).toBe('length-wrong');
});

if (hasShared) {
  test('every TDREPORT of the corpus comes back byte for byte; its registers are zero', () => {
    const reports = azureCases().flatMap((one) => one.read('td_report') ?? []);
    expect(reports.length).toBeGreaterThanOrEqual(4);
    for (const one of reports) {
      const parsed = parseTdReportStruct(one);
      expect(encodeTdReportStruct(parsed)).toEqual(one);
      for (const register of parsed.report.rtmr) expect(register).toEqual(new Uint8Array(48));
    }
  });
} else test.skip(sharedMissing, () => undefined);
